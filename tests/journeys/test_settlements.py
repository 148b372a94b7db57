"""A month, handed to its departments by the whole hub: over REST and SOAP, confirmed by one, disputed by another."""

import base64
from datetime import date
from pathlib import Path
from typing import Final

from config.catalogue import Catalogue
from config.settings import Settings
from connectors.sandbox.accountant import REASON, AnswerLine, TakenTable, read_tables
from hub import dispatch
from hub.app import Hub
from hub.events import Event
from hub.fees import settlements
from hub.fees.ledger import Origin, Share, post_all, postings
from hub.fees.settlements import answers, store
from hub.unit_of_work import UnitOfWork
from schemas.settlement import SettlementTable, TableAnswer
from tests.catalogue_secrets import CATALOGUE
from tests.stack import ProcessStack, stack

DAY: Final = date(2026, 10, 5)
ACCOUNT: Final = "1020304050607"
PAID: Final = {"rest-a": (120_000, 30_000), "soap-a": (55_000,), "soap-b": (70_000, 45_000, 5_000)}
"""department → đồng that was paid to it in the month, payment by payment"""
DISPUTED: Final = 2
"""the line that soap-b does not accept"""


def centre_hub(running: ProcessStack, catalogue: Catalogue) -> Hub:
    """A hub beside the running one, on the same database and broker: what a command of the Centre is."""
    settings = Settings.model_validate(
        {
            "database_url": running.database_url,
            "broker_url": running.environment["HUB_BROKER_URL"],
            "catalogue": CATALOGUE,
            "cursor_key": running.environment["HUB_CURSOR_KEY"],
            "public_url": running.url,
            "keys": running.environment["HUB_KEYS"],
            "keys_passphrase": running.environment["HUB_KEYS_PASSPHRASE"],
        }
    )
    return Hub(settings, catalogue)


def close_the_month(uow: UnitOfWork) -> tuple[None, list[Event]]:
    """Everything that was paid is in the book, and every department's table is sealed and on its way."""
    entries = [
        postings.identified(Origin("line", f"{code}-{number}", DAY, ACCOUNT), f"{number}", [Share(code, "phi", amount)])
        for code, amounts in PAID.items()
        for number, amount in enumerate(amounts)
    ]
    post_all(uow.conn, entries)
    settlements.compute(uow, DAY)
    for settlement in store.of_month(uow.conn, DAY.replace(day=1)):
        answers.send(uow, settlement.id)
    return None, []


def states(running: ProcessStack) -> dict[str, tuple[str, int, int]]:
    """department → state of its table, net, and what it disputes."""
    rows = running.rows("SELECT department, state, net, disputed FROM settlement")
    return {row["department"]: (row["state"], row["net"], row["disputed"]) for row in rows}


def table_of(running: ProcessStack, code: str) -> SettlementTable:
    """The one table that the department's own file says that it has."""
    [one] = [line for line in read_tables(running.effects, f"department.{code}") if isinstance(line, TakenTable)]
    return SettlementTable.model_validate_json(base64.b64decode(one.handed.table))


def answer_of(running: ProcessStack, code: str) -> TableAnswer:
    [one] = [line for line in read_tables(running.effects, f"department.{code}") if isinstance(line, AnswerLine)]
    return one.answer


def test_departments_are_handed_their_month_and_say_what_they_think_of_it(
    tmp_path: Path, database_url: str, valkey_url: str, catalogue: Catalogue
) -> None:
    with stack(tmp_path, database_url, valkey_url) as processes:
        processes.start()
        processes.turn("department.soap-b", dispute_line=DISPUTED)
        with centre_hub(processes, catalogue) as hub:
            dispatch.run_command(hub, "ke-toan-a", close_the_month)
        processes.wait_for(
            lambda: [states(processes)[code][0] for code in PAID] == ["confirmed", "notified", "disputed"]
        )

        assert {code: table_of(processes, code).net for code in PAID} == {
            code: sum(paid) for code, paid in PAID.items()
        }
        [line] = [line for line in table_of(processes, "soap-b").lines if line.number == DISPUTED]
        assert states(processes) == {
            "rest-a": ("confirmed", 150_000, 0),
            "soap-a": ("notified", 55_000, 0),
            "soap-b": ("disputed", 120_000, line.amount),
        }
        [case] = processes.rows("SELECT code, at_risk, object_id FROM fee_exception WHERE code = 'M01'")
        assert (case["at_risk"], case["object_id"].rpartition("/")[2]) == (line.amount, str(DISPUTED))
        assert [one.reason for one in answer_of(processes, "soap-b").lines] == [REASON]

        # soap-a pushes nothing: what it says lies in a file of its own, for whoever carries it over.
        [file] = (processes.effects / "department.soap-a.answers").glob("sm_*.json")
        assert TableAnswer.model_validate_json(file.read_text(encoding="utf-8")) == answer_of(processes, "soap-a")
        processes.wait_for(processes.quiet)
