"""A movement that is notified at the very moment at which its statement is matched is one payment."""

import threading
import time
from datetime import UTC, datetime

from hub import dispatch
from hub.events import Event
from hub.fees.reconciliation.matching.run import AccountBusy
from hub.fees.reconciliation.notifications import notified
from hub.messages.model import Message
from hub.unit_of_work import UnitOfWork
from tests.bank_files import StatementMovement
from tests.integration.fees.matching import DUE, AccountTill, red
from tests.integration.fees.telling import NotifyingProvider

BLOCKED = "SELECT count(*) AS n FROM pg_locks WHERE NOT granted AND pid <> pg_backend_pid()"


def test_what_is_notified_between_two_statements_of_a_run_is_not_paid_twice(
    till: AccountTill, provider: NotifyingProvider
) -> None:
    """The run has looked for notifications, and is about to make the line a payment of its own."""
    day = till.books(StatementMovement(DUE, "KHONG RO", ref="FT1"), carry=False)
    waiting = list(till.hub.waiting)
    till.hub.waiting.clear()
    provider.tells("KHONG RO", bank_ref="FT1", carry=False)
    [row] = till.hub.rows(
        "SELECT id, source, kind, ordering_key, body, received_at FROM inbox WHERE kind = 'bank.notification'"
    )
    message = Message(**row, claim_version=1, backoff_attempts=1)
    failed: list[BaseException] = []

    def run() -> None:
        try:
            till.matches(day)
        except AccountBusy as error:
            failed.append(error)

    def tells(uow: UnitOfWork) -> tuple[None, list[Event]]:
        """It holds up whoever adds payments until it has added its own."""
        uow.conn.execute("LOCK TABLE payment IN SHARE MODE")
        worker.start()
        until = datetime.now(UTC).timestamp() + 30
        while not uow.conn.execute(BLOCKED).fetchall()[0]["n"]:
            assert datetime.now(UTC).timestamp() < until
            time.sleep(0.01)
        return None, notified(uow, message)

    worker = threading.Thread(target=run)
    dispatch.run_command(till.hub, "bank.bank-a", tells)
    worker.join()

    assert [str(error) for error in failed] == ["vừa có báo tiền về của ngày này: chạy lại"]
    assert (till.hub.count("payment"), till.hub.count("match_group")) == (1, 0)
    till.hub.waiting.extend(waiting)
    till.hub.carry()
    assert (till.line()["pass"], till.line()["payment"]) == ("P1", "confirmed")
    assert till.hub.count("payment") == 1
    assert till.book() == {"111": DUE, "338": -DUE}
    assert red(till.hub) == []


def test_two_lines_of_one_number_and_amount_are_not_waited_for(till: AccountTill, provider: NotifyingProvider) -> None:
    """P1 chooses neither, however often it looks."""
    provider.tells("KHONG RO", bank_ref="FT1")

    till.books(StatementMovement(DUE, "MOT", ref="FT1"), StatementMovement(DUE, "HAI", ref="FT1"))

    assert (till.hub.count("payment"), till.passes()) == (3, ["P0", "P0"])
    assert red(till.hub) == []
