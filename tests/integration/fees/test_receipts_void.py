"""A receipt that does not stand any more, what stands in its place, and an issuer that says something else than yes."""

import json
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from connectors.errors import ConnectorCode, ContractBroken, Duplicate, Rejected, Unavailable
from hub import dispatch
from hub.clock import local, now
from hub.errors import InvalidState
from hub.fees.demands import demand_commands
from hub.fees.proof import proving
from hub.fees.proof.findings import CheckOutcome, Invariant
from hub.fees.receipts import issuing, store, summary
from schemas.fee_receipt import Issued
from tests.bank_files import StatementMovement
from tests.integration.fees.booking import tampered
from tests.integration.fees.conftest import Cashier
from tests.integration.fees.matching import AccountTill
from tests.integration.fees.registry import Registry
from tests.integration.fees.telling import DUE
from tests.scripted_hub import ScriptedHub

TABLES = ("receipt", "receipt_series", "custody_leaf", "fee_demand")


@pytest.fixture
def dossier(registry: Registry, cashier: Cashier) -> str:
    """One whose fees a statement has shown."""
    registry.ticks()
    opened = cashier.dossier()
    cashier.pays(opened, DUE, "pm_first", confirmed=True)
    return opened


@pytest.fixture
def demand(cashier: Cashier, dossier: str) -> str:
    return str(cashier.demand(dossier)["id"])


def today() -> date:
    return local(now()).date()


def reverses(cashier: Cashier, demand: str) -> None:
    cashier.act(lambda uow: demand_commands.reverse(uow, demand, "pm_first", by="line 7"))


def i10(hub: ScriptedHub) -> list[CheckOutcome]:
    with hub.db.connection() as conn:
        outcomes = [result for result in proving.prove(conn).results if result.invariant is Invariant.I10]
    assert len(outcomes) == 3
    return [result for result in outcomes if not result.green]


@pytest.mark.database_roles("owner", "hub_worker")
def test_paid_again_it_stands_in_the_place_of_the_void_one_under_a_new_number(
    registry: Registry, cashier: Cashier, dossier: str, demand: str
) -> None:
    registry.ticks()
    reverses(cashier, demand)
    registry.ticks()
    assert [one.void_reason for one in registry.of(demand)] == ["the demand is reopened"] * 2
    assert all(one.void_notified_at for one in registry.of(demand))
    cashier.pays(dossier, DUE, "pm_second", confirmed=True)
    registry.ticks()
    first, second = (one for one in registry.of(demand) if one.kind == "phi")
    assert (first.number, second.number, second.replaces, second.voided_at) == (1, 2, first.id, None)
    replaced = issuing.record_of(second).replaces
    assert replaced is not None
    assert replaced.number == 1
    with registry.hub.db.connection() as conn:
        row = store.detail(conn, second.id)
    assert row is not None
    assert [before["id"] for before in row["chain"]] == [first.id]


def test_a_reversal_on_the_statement_voids_what_the_statement_had_paid(
    registry: Registry, cashier: Cashier, till: AccountTill
) -> None:
    registry.ticks()
    opened = cashier.dossier()
    reference = cashier.demand(opened)["reference"]
    till.books(StatementMovement(DUE, f"{reference} nop phi", ref="FT1"))
    registry.ticks()
    till.books(StatementMovement(-DUE, "hoan lai", ref="FT1", reversal=True))
    assert cashier.demand(opened)["status"] == "reopened"
    registry.ticks()
    assert [one.voided_by for one in registry.receipts()] == ["hub", "hub"]
    assert registry.transfers() == [("receipt.issue", "delivered")] * 2 + [("receipt.void", "delivered")] * 2


def test_what_goes_back_to_its_payer_has_no_receipt_and_has_one_again_if_it_stays(
    registry: Registry, cashier: Cashier, demand: str
) -> None:
    registry.ticks()
    cashier.act(lambda uow: demand_commands.order_refund(uow, demand, "rút hồ sơ"))
    registry.ticks()
    assert all(one.voided_at for one in registry.of(demand))
    cashier.act(lambda uow: demand_commands.keep(uow, demand, "người nộp không rút nữa"))
    registry.ticks()
    assert [one.number for one in registry.of(demand) if one.voided_at is None] == [2, 2]


@pytest.mark.database_roles("owner", "hub_worker")
def test_two_persons_void_a_wrong_receipt_and_another_takes_its_place(registry: Registry, demand: str) -> None:
    registry.ticks()
    wrong = registry.of(demand)[0]
    assert not registry.void(wrong.id, "ke-toan-a")
    with pytest.raises(InvalidState, match="cần người khác"):
        registry.void(wrong.id, "ke-toan-a")
    assert registry.void(wrong.id, "ke-toan-b")
    with pytest.raises(InvalidState, match="đã hủy rồi"):
        registry.void(wrong.id, "ke-toan-c")
    registry.ticks()
    [valid] = [one for one in registry.of(demand) if one.kind == wrong.kind and one.voided_at is None]
    assert (valid.replaces, valid.number) == (wrong.id, wrong.number + 1)


def test_the_database_asks_for_two_persons_too(hub: ScriptedHub, registry: Registry, demand: str) -> None:
    registry.ticks()
    with hub.db.connection() as conn, pytest.raises(Exception, match="receipt_check"):
        conn.execute("UPDATE receipt SET voided_at = now(), voided_by = 'a', void_maker = 'a', void_reason = 'x'")


def test_an_unknown_outcome_is_asked_before_anything_is_said_again(
    hub: ScriptedHub, registry: Registry, demand: str
) -> None:
    registry.issuer.answers.append(Unavailable(ConnectorCode.TIMEOUT, outcome_unknown=True))
    registry.issuer.findings.append(
        lambda receipt: Issued(template=receipt.template, symbol=receipt.symbol, number=receipt.number)
    )
    registry.ticks()
    assert ("receipt.issue", "unknown") in registry.transfers()
    with hub.db.connection() as conn:
        conn.execute("UPDATE outbox SET due_at = now()")
    hub.sweep()
    hub.carry()
    assert set(registry.transfers()) == {("receipt.issue", "delivered")}
    assert len(registry.issuer.asked) == 1
    assert len(registry.issuer.issued) == 2, "of two receipts each was said once"


def test_what_the_issuer_has_already_is_found_and_done(registry: Registry, demand: str) -> None:
    registry.issuer.answers.append(Duplicate(ConnectorCode.DUPLICATE))
    registry.issuer.findings.append(
        lambda receipt: Issued(template=receipt.template, symbol=receipt.symbol, number=receipt.number)
    )
    registry.ticks()
    assert set(registry.transfers()) == {("receipt.issue", "delivered")}


def test_while_the_issuer_cannot_those_behind_in_the_series_wait(
    hub: ScriptedHub, registry: Registry, cashier: Cashier, demand: str
) -> None:
    registry.issuer.answers.append(ContractBroken(ConnectorCode.ISSUER, "ERR:29"))
    registry.ticks()
    second = cashier.dossier()
    cashier.pays(second, DUE, confirmed=True)
    registry.ticks()
    assert sorted(registry.transfers()) == [
        ("receipt.issue", "delivered"),
        ("receipt.issue", "delivered"),
        ("receipt.issue", "queued"),
        ("receipt.issue", "stuck"),
    ]
    blocked = next(one for one in registry.receipts() if one.published_at is None)
    assert {one.series for one in registry.receipts() if one.published_at is None} == {blocked.series}


def test_another_number_than_ours_is_a_case_that_ends_when_the_receipt_is_replaced(
    hub: ScriptedHub, registry: Registry, demand: str
) -> None:
    registry.issuer.answers.append(lambda receipt: Issued(template=receipt.template, symbol=receipt.symbol, number=7))
    registry.ticks()
    [(receipt, why)] = registry.cases()
    assert why == "other number"
    case: Any = type("Case", (), {"object_id": receipt})()
    with pytest.raises(InvalidState, match="khác số"):
        dispatch.run_command(hub, "ke-toan-a", lambda uow: (None, issuing.mended(uow, case, {})))
    registry.void(receipt, "ke-toan-a")
    registry.void(receipt, "ke-toan-b")
    dispatch.run_command(hub, "ke-toan-a", lambda uow: (None, issuing.mended(uow, case, {})))


def test_a_refusal_is_a_case(registry: Registry, demand: str) -> None:
    registry.issuer.answers.append(Rejected(ConnectorCode.REJECTED, "no"))
    registry.ticks()
    assert [why for _, why in registry.cases()] == ["refused"]


def test_the_month_lacks_what_is_not_issued_or_not_published(hub: ScriptedHub, registry: Registry, demand: str) -> None:
    with hub.db.connection() as conn:
        assert [(gap.demand_id, gap.kind, gap.why) for gap in issuing.missing(conn, today())] == [
            (demand, "le_phi", "not issued"),
            (demand, "phi", "not issued"),
        ]
        registry.ticks(carry=False)
        assert {gap.why for gap in issuing.missing(conn, today())} == {"not published"}
        hub.carry()
        assert issuing.missing(conn, today()) == []
        assert issuing.missing(conn, today() - timedelta(days=40)) == []


def test_what_stays_missing_for_a_day_is_a_case_and_makes_the_proof_red(
    hub: ScriptedHub, registry: Registry, demand: str
) -> None:
    with hub.db.connection() as conn:
        tampered(conn, "UPDATE receipt_policy SET since = since - interval '9 days'", tables=("receipt_policy",))
    assert i10(hub) == [], "a day's patience"
    registry.ages()
    assert [result.name for result in i10(hub)] == ["the receipts of a demand that stand are what is allocated to it"]
    dispatch.run_command(hub, "hub", lambda uow: (issuing.report_missing(uow), []))
    assert registry.cases() == [(demand, "not issued")]
    registry.ticks()
    assert i10(hub) == []


@pytest.mark.parametrize(
    ("change", "check"),
    [
        ("DELETE FROM receipt WHERE kind = 'phi'", "the numbers of a series"),
        ("UPDATE receipt_series SET last = 5", "the numbers of a series"),
        ("UPDATE receipt SET number = 2", "the numbers of a series"),
        ("UPDATE receipt SET amount = amount + 1 WHERE kind = 'phi'", "the receipts of a demand that stand"),
        ("UPDATE fee_demand SET status = 'refund_pending'", "the receipts of a demand that stand"),
        ("UPDATE receipt SET voided_at = now(), voided_by = 'hub', void_reason = 'x'", "the receipts of a demand"),
        ("UPDATE receipt SET body = overlay(body placing ' '::bytea from 2)", "what a receipt says"),
    ],
)
def test_whatever_somebody_with_all_rights_does_to_receipts_is_seen(
    hub: ScriptedHub, registry: Registry, demand: str, change: str, check: str
) -> None:
    registry.ticks()
    registry.ages()
    with hub.db.connection() as conn:
        tampered(conn, "UPDATE receipt_policy SET since = since - interval '9 days'", tables=("receipt_policy",))
        assert i10(hub) == []
        if "body" in change:
            change = (
                "UPDATE receipt SET body = convert_to(replace(convert_from(body, 'UTF8'), '30000', '30001'), 'UTF8')"
            )
        tampered(conn, change, tables=TABLES)
    assert any(result.name.startswith(check) for result in i10(hub))


@pytest.mark.database_roles("owner", "hub_worker")
def test_the_days_summary_holds_every_number_and_says_which_are_void(
    hub: ScriptedHub, registry: Registry, cashier: Cashier, demand: str
) -> None:
    second = cashier.dossier()
    cashier.pays(second, DUE, confirmed=True)
    registry.ticks()
    reverses(cashier, demand)
    registry.ticks()
    void = {one.number for one in registry.of(demand) if one.kind == "phi"}
    receipts = hub.catalogue.receipts
    assert receipts is not None
    with hub.db.connection() as conn:
        day_summary = summary.of_day(conn, receipts, today())
    phi = next(one for one in day_summary.series if one.kind == "phi")
    assert (phi.first, phi.last, phi.count, phi.standing, phi.amount) == (1, 2, 2, 1, 120_000)
    assert set(phi.void) == void
    heads, *rows, total = summary.table(day_summary)
    assert all(len(row) == len(heads) for row in (*rows, total))
    assert total[6] == DUE


def test_the_command_line_lists_shows_voids_and_sums_up(
    registry: Registry, demand: str, cli: Any, tmp_path: Path
) -> None:
    def says(*words: str) -> Any:
        code, out, _ = cli("fee", "receipts", *words, "--json")
        assert code == 0
        return json.loads(out)

    assert says("issue") == {"done": 1}
    registry.hub.sweep()
    registry.hub.carry()
    listed = says("list")["data"]
    assert {(row["state"], row["issuer"]) for row in listed} == {("stands", "published")}
    shown = says("show", listed[0]["id"])
    assert shown["says"]["receipt_id"] == listed[0]["id"]
    assert {transfer["state"] for transfer in shown["transfers"]} == {"delivered"}
    out = cli("fee", "receipts", "show", listed[0]["id"])[1]
    assert "{" not in out
    assert shown["says"]["amount_in_words"] in out
    assert "người thứ hai" in cli("fee", "receipts", "void", listed[0]["id"], "-r", "sai")[2]
    file = tmp_path / "ngay.json"
    cli("fee", "receipts", "summary", today().isoformat(), "-o", str(file))
    registry.hub.signer.verified(file.read_bytes(), file.with_name("ngay.json.p7s").read_bytes(), now())
    cli("fee", "receipts", "summary", today().isoformat(), "-o", str(tmp_path / "ngay.csv"))
    assert "Cộng" in (tmp_path / "ngay.csv").read_text(encoding="utf-8-sig")
