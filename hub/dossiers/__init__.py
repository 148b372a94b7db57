"""Dossiers (hồ sơ): how they come in, where they stand, what the portal is told."""
