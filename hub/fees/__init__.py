"""Fees: what is demanded, notified, booked and handed on (Decision 743 Article 9)."""
