"""Payloads between the hub and its partners, as frozen pydantic models that validate themselves."""
