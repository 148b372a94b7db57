"""The workers: Celery tasks that are addresses, not places."""
