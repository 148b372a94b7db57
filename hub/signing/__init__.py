"""Signatures, trust, the custody log and its time stamps: how a stranger can verify who handed what to whom."""
