"""The workers: Celery tasks, each one call into the hub, and the periodic jobs."""
