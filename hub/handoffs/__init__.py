"""Handoffs: the transfer of responsibility for a dossier from one agency to another (Decision 743 Article 5.2.d)."""
