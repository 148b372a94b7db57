"""Closing days and months of the book: gates, two persons, and a digest of what was closed (decision 0019)."""
