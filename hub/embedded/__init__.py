"""The one-machine default: a private PostgreSQL and Valkey, and a supervisor that keeps the whole house alive."""
