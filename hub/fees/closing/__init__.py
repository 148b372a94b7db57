"""Closing days and months of the ledger: gates, two persons, and a digest of what was closed (decision 0019)."""
