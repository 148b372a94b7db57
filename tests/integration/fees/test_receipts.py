"""Receipts: when one is issued, what it says, and under which number."""

import threading
from datetime import datetime
from typing import Final

import psycopg
import pytest

from config.receipts import IssueOn
from hub.clock import VIETNAM, local, now
from hub.errors import NotConfigured
from hub.fees.demands import demand_commands
from hub.fees.receipts import issuing
from hub.signing import custody
from hub.worker import jobs
from schemas.identifiers import Prefix, is_id
from tests.bank_files import StatementMovement
from tests.integration.fees.conftest import PAY_LATER, Cashier
from tests.integration.fees.matching import AccountTill
from tests.integration.fees.registry import Registry
from tests.integration.fees.telling import DUE, NotifyingProvider
from tests.scripted_hub import ScriptedHub


def issues_on(hub: ScriptedHub, issue_on: IssueOn) -> None:
    assert hub.catalogue.receipts is not None
    receipts = hub.catalogue.receipts.model_copy(update={"issue_on": issue_on})
    hub.catalogue = hub.catalogue.model_copy(update={"receipts": receipts})


@pytest.fixture
def paid(registry: Registry, cashier: Cashier) -> str:
    """A demand that a statement has shown to be paid, of a dossier that has its receipts. Its id."""
    registry.ticks()
    dossier = cashier.dossier()
    cashier.pays(dossier, DUE, confirmed=True)
    registry.ticks()
    return str(cashier.demand(dossier)["id"])


@pytest.mark.database_roles("owner", "hub_worker")
def test_a_paid_demand_has_one_receipt_for_each_kind_of_fee(registry: Registry, paid: str) -> None:
    assert [(one.kind, one.amount, one.number) for one in registry.of(paid)] == [
        ("phi", 120_000, 1),
        ("le_phi", 30_000, 1),
    ]
    assert registry.transfers() == [("receipt.issue", "delivered")] * 2
    assert all(one.published_at and one.issuer_number == one.number for one in registry.of(paid))


def test_what_a_receipt_says_is_what_the_law_asks_for(hub: ScriptedHub, registry: Registry, paid: str) -> None:
    receipt = issuing.record_of(registry.of(paid)[0])
    year = local(now()).strftime("%y")
    assert (receipt.name, receipt.template, receipt.symbol, receipt.number) == (
        "Biên lai thu phí",
        "01BLP0-001",
        f"PT-{year}E",
        1,
    )
    assert (receipt.collector.tax_code, receipt.department) == ("0100000001", "rest-a")
    assert [(line.title, line.amount) for line in receipt.lines] == [("Phí thẩm định thử nghiệm", 120_000)]
    assert receipt.amount_in_words == "Một trăm hai mươi nghìn đồng"
    assert receipt.issued_on == local(now()).date().isoformat()
    [row] = hub.rows("SELECT raw_code FROM dossier")
    assert receipt.dossier_code == row["raw_code"]


def test_nobody_is_named_by_a_receipt_or_by_what_the_issuer_is_told(hub: ScriptedHub, paid: str) -> None:
    [row] = hub.rows("SELECT body FROM inbox WHERE kind = 'portal.submission'")
    assert "Nguyễn".encode() in bytes(row["body"]), "the submission does name somebody"
    for stored in hub.rows("SELECT body FROM receipt UNION ALL SELECT body FROM outbox WHERE kind LIKE 'receipt.%%'"):
        assert "Nguyễn".encode() not in bytes(stored["body"])


def test_a_receipt_is_sealed_and_enters_the_custody_log(hub: ScriptedHub, registry: Registry, paid: str) -> None:
    for receipt in registry.of(paid):
        hub.signer.verified(receipt.body, receipt.signature, now())
        with hub.db.connection() as conn:
            [leaf] = custody.leaves_about(conn, receipt.id)
        assert (leaf.kind, leaf.record, leaf.signatures) == ("fee-receipt", receipt.body, [receipt.signature])
        assert is_id(receipt.id, Prefix.RECEIPT)


def test_another_tick_issues_nothing_again(registry: Registry, paid: str) -> None:
    before = registry.receipts()
    assert registry.ticks() == 0
    assert registry.receipts() == before


def test_a_notification_alone_has_no_receipt_until_the_statement_shows_the_money(
    registry: Registry, cashier: Cashier, provider: NotifyingProvider, till: AccountTill
) -> None:
    registry.ticks()
    dossier = cashier.dossier()
    reference = cashier.demand(dossier)["reference"]
    provider.tells(f"{reference} nop phi", bank_ref="FT1")
    assert (cashier.demand(dossier)["status"], registry.ticks()) == ("paid_unconfirmed", 0)
    till.books(StatementMovement(DUE, f"{reference} nop phi", ref="FT1"))
    assert (cashier.demand(dossier)["status"], registry.ticks()) == ("paid", 1)
    assert sum(one.amount for one in registry.receipts()) == DUE


def test_on_a_notification_already_where_the_centre_has_decided_so(
    hub: ScriptedHub, registry: Registry, cashier: Cashier
) -> None:
    issues_on(hub, "notified")
    registry.ticks()
    dossier = cashier.dossier()
    cashier.pays(dossier, DUE)
    assert registry.ticks() == 1
    assert len(registry.receipts()) == 2


def test_what_is_paid_in_part_or_waived_has_no_receipt(registry: Registry, cashier: Cashier) -> None:
    registry.ticks()
    dossier = cashier.dossier()
    cashier.pays(dossier, DUE - 1, confirmed=True)
    cashier.dossier(exemption="nguoi-co-cong")
    assert registry.ticks() == 0
    cashier.pays(dossier, 1, confirmed=True)
    assert registry.ticks() == 1


def test_a_waived_fee_stands_on_no_receipt(registry: Registry, cashier: Cashier) -> None:
    registry.ticks()
    cashier.pays(cashier.dossier(exemption="nop-truc-tuyen"), 120_000, confirmed=True)
    registry.ticks()
    assert [(one.kind, one.amount) for one in registry.receipts()] == [("phi", 120_000)]


def test_what_was_paid_before_receipts_were_issued_has_none(registry: Registry, cashier: Cashier) -> None:
    cashier.pays(cashier.dossier(), DUE, confirmed=True)
    assert registry.ticks() == 0
    assert registry.receipts() == []


def test_what_is_paid_between_the_start_of_a_worker_and_the_first_tick_has_one(
    registry: Registry, cashier: Cashier
) -> None:
    for _ in range(2):
        jobs.apply_receipt_policy(registry.hub)
    cashier.pays(cashier.dossier(), DUE, confirmed=True)
    registry.ticks()
    assert sum(one.amount for one in registry.receipts()) == DUE
    assert registry.hub.count("receipt_policy") == 1


def test_without_receipts_in_the_catalogue_nothing_is_issued(hub: ScriptedHub, cashier: Cashier) -> None:
    hub.catalogue = hub.catalogue.model_copy(update={"receipts": None})
    assert jobs.issue_receipts(hub) == 0
    demand = cashier.demand(cashier.dossier())["id"]
    with pytest.raises(NotConfigured, match=r"receipts\.toml"):
        cashier.act(lambda uow: issuing.issue(uow, demand))


def test_numbers_have_no_gaps_however_many_issue_at_once(registry: Registry, cashier: Cashier) -> None:
    registry.ticks()
    paid = [cashier.dossier(PAY_LATER) for _ in range(12)]
    for dossier in paid:
        cashier.pays(dossier, cashier.demand(dossier)["amount_due"], confirmed=True)
    threads = [threading.Thread(target=jobs.issue_receipts, args=(registry.hub,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    registry.hub.carry()
    series: dict[str, list[int]] = {}
    for receipt in registry.receipts():
        series.setdefault(receipt.series, []).append(receipt.number)
    assert series
    assert all(sorted(numbers) == list(range(1, 13)) for numbers in series.values())
    assert [one.number for one in registry.issuer.issued if one.kind == "phi"] == list(range(1, 13)), "in order, too"


def test_a_number_that_a_failed_issue_took_is_given_to_the_next(
    registry: Registry, cashier: Cashier, paid: str
) -> None:
    second = cashier.dossier()
    cashier.pays(second, DUE, confirmed=True)
    demand = cashier.demand(second)["id"]

    def breaks(uow: object) -> None:
        issuing.issue(uow, demand)  # type: ignore[arg-type]
        raise RuntimeError

    with pytest.raises(RuntimeError):
        cashier.act(breaks)
    registry.ticks()
    assert [one.number for one in registry.of(demand)] == [2, 2]


def test_the_first_receipt_of_every_year_has_the_number_1(registry: Registry, cashier: Cashier) -> None:
    registry.ticks()
    moments = [
        datetime(2027, 12, 31, 23, 59, 59, tzinfo=VIETNAM),
        datetime(2028, 1, 1, 0, 0, 0, tzinfo=VIETNAM),
        datetime(2028, 1, 1, 0, 0, 1, tzinfo=VIETNAM),
    ]
    for at in moments:
        dossier = cashier.dossier()
        cashier.pays(dossier, DUE, confirmed=True)
        registry.issue_at(cashier.demand(dossier)["id"], at)
    phi = [one for one in registry.receipts() if one.kind == "phi"]
    assert [(one.series, one.year, one.number) for one in phi] == [
        ("01BLP0-001 PT-27E", 2027, 1),
        ("01BLP0-001 PT-28E", 2028, 1),
        ("01BLP0-001 PT-28E", 2028, 2),
    ]


SKIPPING: Final = (
    "INSERT INTO receipt SELECT 'rc_X', series, year, number + 1, demand_id, department, 'phi', amount, issued_on,"
    " issued_at, body, signature, leaf_id FROM receipt WHERE kind = 'le_phi'"
)


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE receipt SET amount = amount + 1",
        "UPDATE receipt SET number = number + 7",
        "UPDATE receipt SET issuer_number = 9",
        "DELETE FROM receipt",
        "UPDATE receipt_series SET last = last + 2",
        "UPDATE receipt_series SET last = last + 1",
        "UPDATE receipt_series SET last = last - 1",
        "DELETE FROM receipt_series",
        SKIPPING,
    ],
)
def test_the_database_refuses_what_would_change_a_receipt_or_its_numbers(
    hub: ScriptedHub, paid: str, change: str
) -> None:
    with hub.db.connection() as conn, pytest.raises(psycopg.Error):
        conn.execute(change)


def test_nothing_is_numbered_while_the_seal_cannot_sign(
    hub: ScriptedHub, registry: Registry, cashier: Cashier, monkeypatch: pytest.MonkeyPatch
) -> None:
    registry.ticks()
    cashier.pays(cashier.dossier(), DUE, confirmed=True)
    signing = hub.catalogue.signing.model_copy(update={"seal": "seal.khong-co"})
    hub.catalogue, whole = hub.catalogue.model_copy(update={"signing": signing}), hub.catalogue
    del hub.__dict__["signer"]
    assert registry.ticks() == 0
    assert hub.count("receipt_series") == 0
    hub.catalogue = whole
    del hub.__dict__["signer"]
    assert registry.ticks() == 1
    assert [one.number for one in registry.receipts()] == [1, 1]


def test_a_reversed_payment_leaves_no_receipt_that_stands(registry: Registry, cashier: Cashier, paid: str) -> None:
    [credited] = registry.hub.rows("SELECT evidence FROM fee_credit WHERE demand_id = %s", paid)
    cashier.act(lambda uow: demand_commands.reverse(uow, paid, credited["evidence"], by="line 7"))
    registry.ticks()
    assert [one.voided_by for one in registry.of(paid)] == ["hub", "hub"]
