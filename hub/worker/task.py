"""What every task of the hub is: one opaque id in, nothing out, and no text that could carry personal data.

Celery puts arguments, exception texts and tracebacks into its events (retries drop ``argsrepr``), so nothing but our
own ids and the names of exception classes may get there.
"""

from typing import Any

import structlog
from celery import Task

from schemas.identifiers import is_id

log = structlog.get_logger(__name__)


class TaskFailed(Exception):
    """A task ended with an exception; its class is named, its text is in the log of the worker that had it."""


class HubTask(Task):  # type: ignore[misc] # Celery is untyped
    """Base of all tasks: at most one argument, and that one of our ids."""

    abstract = True
    ignore_result = True

    def __call__(self, *arguments: Any, **named: Any) -> None:
        if named or len(arguments) > 1 or not all(isinstance(a, str) and is_id(a) for a in arguments):
            log.error("task_arguments_refused", task=self.name)
            raise TaskFailed("arguments refused: a task takes one id of ours")
        try:
            self.run(*arguments)
        except Exception as error:
            log.exception("task_failed", task=self.name, error=type(error).__name__)
            raise TaskFailed(type(error).__name__) from None
