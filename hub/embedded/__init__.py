"""The one-machine default: a private PostgreSQL and Valkey, and a supervisor of all processes."""
