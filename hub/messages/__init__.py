"""Inbox and outbox: what has come in, what has to be sent, and when each is next due."""
