"""A movement that is notified at the very moment at which its statement is matched is one payment."""

import threading
import time
from datetime import UTC, datetime

from hub import dispatch
from hub.events import Event
from hub.fees.matching.run import Busy
from hub.fees.notified import notified
from hub.messages.model import Message
from hub.work import Work
from tests.bank_files import Move
from tests.rooms.fees.matching import DUE, Till, red
from tests.rooms.fees.telling import Provider

BLOCKED = "SELECT count(*) AS n FROM pg_locks WHERE NOT granted AND pid <> pg_backend_pid()"


def test_what_is_notified_between_two_statements_of_a_run_is_not_paid_twice(till: Till, provider: Provider) -> None:
    """The run has looked for notifications, and is about to make the line a payment of its own."""
    day = till.books(Move(DUE, "KHONG RO", ref="FT1"), carry=False)
    waiting = list(till.house.waiting)
    till.house.waiting.clear()
    provider.tells("KHONG RO", bank_ref="FT1", carry=False)
    [row] = till.house.rows(
        "SELECT id, source, kind, lane, body, received_at FROM inbox WHERE kind = 'bank.notification'"
    )
    message = Message(**row, fence=1, tries=1)
    failed: list[BaseException] = []

    def run() -> None:
        try:
            till.matches(day)
        except Busy as error:
            failed.append(error)

    def tells(work: Work) -> tuple[None, list[Event]]:
        """It holds up whoever adds payments until it has added its own."""
        work.conn.execute("LOCK TABLE payment IN SHARE MODE")
        worker.start()
        until = datetime.now(UTC).timestamp() + 30
        while not work.conn.execute(BLOCKED).fetchall()[0]["n"]:
            assert datetime.now(UTC).timestamp() < until
            time.sleep(0.01)
        return None, notified(work, message)

    worker = threading.Thread(target=run)
    dispatch.act(till.house, "bank.bank-a", tells)
    worker.join()

    assert [str(error) for error in failed] == ["vừa có báo tiền về của ngày này: chạy lại"]
    assert (till.house.count("payment"), till.house.count("match_group")) == (1, 0)
    till.house.waiting.extend(waiting)
    till.house.carry()
    assert (till.line()["pass"], till.line()["payment"]) == ("P1", "confirmed")
    assert till.house.count("payment") == 1
    assert till.book() == {"111": DUE, "338": -DUE}
    assert red(till.house) == []


def test_two_lines_of_one_number_and_amount_are_not_waited_for(till: Till, provider: Provider) -> None:
    """P1 chooses neither, however often it looks."""
    provider.tells("KHONG RO", bank_ref="FT1")

    till.books(Move(DUE, "MOT", ref="FT1"), Move(DUE, "HAI", ref="FT1"))

    assert (till.house.count("payment"), till.passes()) == (3, ["P0", "P0"])
    assert red(till.house) == []
