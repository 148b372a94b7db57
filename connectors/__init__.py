"""Translators between our messages and those of each counterparty. Stateless; they import no domain package."""
