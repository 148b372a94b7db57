"""A sandbox bank that is started again goes on counting: no number of its own is given twice."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.unit.connectors.partner import OK, answering, partner
from tests.unit.sandbox.running import Running, call, sandbox

BANK = "bank.bank-a"
GATEWAY = "bank.vnpay-t"


@pytest.fixture
def hub() -> Iterator[str]:
    """A hub that takes every notification at once: where nobody answers, each is tried for 3 s."""
    with partner(answering(OK)) as server:
        yield server.url


def ask(running: Running, bank: str, what: str, **form: Any) -> Any:
    reply = call("POST", f"{running.control(bank)}/{what}", json=form)
    assert reply.ok, reply.text
    return reply.json()


def pay(running: Running, bank: str, behaviour: str) -> list[dict[str, Any]]:
    return list(ask(running, bank, "transfers", reference="HC000000000149", amount=1_000, behaviour=behaviour))


@pytest.mark.parametrize("behaviour", ["told", "unbooked", "twice", "taken-back"])
def test_no_number_comes_again_after_a_restart(tmp_path: Path, hub: str, behaviour: str) -> None:
    done: list[dict[str, Any]] = []
    for _ in range(3):
        with sandbox(tmp_path, [BANK], hub=hub) as running:
            done += pay(running, BANK, behaviour) + pay(running, BANK, "told")
            entries = call("GET", f"{running.control(BANK)}/book").json()

    assert len({one["ref"] for one in done}) == len(done)
    assert len({one["txn"] for one in done}) == len(done)
    assert len({entry["number"] for entry in entries}) == len(entries)


def test_a_statement_after_a_restart_has_the_entries_since_the_last_one_and_no_other(tmp_path: Path, hub: str) -> None:
    line_counts: list[int] = []
    for _ in range(3):
        with sandbox(tmp_path, [BANK], hub=hub) as running:
            pay(running, BANK, "told")
            pay(running, BANK, "lost")
            line_counts.append(ask(running, BANK, "statements")["lines"])
    assert line_counts == [2, 2, 2]


def test_a_gateway_names_its_payments_and_payouts_anew_after_a_restart(tmp_path: Path, hub: str) -> None:
    reports: list[dict[str, Any]] = []
    for _ in range(3):
        with sandbox(tmp_path, [BANK, GATEWAY], hub=hub) as running:
            pay(running, GATEWAY, "told")
            reports.append(ask(running, GATEWAY, "payouts"))
    assert len({report["report"] for report in reports}) == 3
    assert len({item["provider_txn"] for report in reports for item in report["items"]}) == 3
