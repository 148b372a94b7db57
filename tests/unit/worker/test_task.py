"""What a task lets into Celery's events: one id of ours, the class of an exception, and nothing else."""

import pytest
from celery import Celery

from hub.worker.app import HubTask, TaskFailed
from schemas.identifiers import Prefix, new_id

MARKER = "Nguyễn Văn Thử 012345678901"


@pytest.fixture
def app() -> Celery:
    return Celery("a hub in memory", broker="memory://", set_as_current=False)


def a_task(app: Celery, seen: list[tuple[str, ...]]) -> HubTask:
    def command(*arguments: str) -> None:
        seen.append(arguments)
        if arguments and arguments[0].startswith("tr_"):
            raise ValueError(MARKER)

    task = app.task(command, name="a.task", base=HubTask)
    assert isinstance(task, HubTask)
    return task


def test_one_id_of_ours_is_let_through(app: Celery) -> None:
    seen: list[tuple[str, ...]] = []
    message = new_id(Prefix.INBOX)
    a_task(app, seen)(message)
    assert seen == [(message,)]


@pytest.mark.parametrize("arguments", [(MARKER,), (1,), ({"name": MARKER},), ("in_X", "in_Y"), ("sub_short",)])
def test_anything_else_is_refused_unseen(app: Celery, arguments: tuple[object, ...]) -> None:
    seen: list[tuple[str, ...]] = []
    with pytest.raises(TaskFailed) as refused:
        a_task(app, seen)(*arguments)
    assert seen == []
    assert MARKER not in str(refused.value)


def test_an_exception_is_named_and_its_text_is_not_told(app: Celery) -> None:
    with pytest.raises(TaskFailed) as failed:
        a_task(app, [])(new_id(Prefix.TRANSFER))
    assert str(failed.value) == "ValueError"
    assert failed.value.__cause__ is None
    assert failed.value.__suppress_context__
