"""Every bank of every catalogue is played by the sandbox as its TOML says, and read by the hub as it was played."""

import asyncio
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

import pytest

from config.catalogue import Bank, Catalogue, load
from connectors.banks.notifications import providers
from connectors.banks.notifications.dialect import NotificationRequest, NotificationVerdict, NotVerified
from connectors.banks.statements import formats
from connectors.sandbox.bank_behaviours import NotificationBehaviour
from connectors.sandbox.bank_notices import LOCAL, BankNotifier, MovementNotice
from connectors.sandbox.bank_statement_files import WRITERS
from connectors.sandbox.bank_statements import StatementMovement, StatementText
from hub.clock import now
from schemas.payment import Notification, NotificationKind
from schemas.statement import Format
from tests.catalogue_secrets import CATALOGUE, generated
from tests.contract.catalogues import CATALOGUES, partners
from tests.unit.connectors.partner import OK, answering, partner

AT: Final = datetime(2026, 11, 24, 8, 15, 2, tzinfo=LOCAL)
FORMATS: Final[tuple[Format, ...]] = ("camt", "mt940", "csv", "xlsx")


@dataclass(frozen=True)
class Played:
    """A bank, and the environment in which the sandbox plays it."""

    bank: Bank
    catalogue: Catalogue
    keys: dict[str, str]

    def notice(self) -> MovementNotice:
        terms = self.bank.notifications
        assert terms is not None
        return MovementNotice(
            txn="261124000001",
            amount=150_000,
            reference="HC000000000182",
            at=AT,
            account=self.bank.notified[0],
            merchant=terms.merchant or "",
            access_key=self.catalogue.secret(terms.access_key) if terms.access_key else "",
            bank_ref="FT2632800000001",
        )

    def deliveries(self, telling: NotificationBehaviour) -> list[NotificationRequest]:
        """What arrives at the hub's endpoint, on a real socket."""
        with partner(answering(*[OK] * 30)) as server:
            messenger = BankNotifier(self.bank, self.catalogue, server.url, self.keys)
            answers = asyncio.run(messenger.notify(self.notice(), telling))
            messenger.close()
            assert [answer.status for answer in answers] == [200] * len(server.requests)
            return [_delivery(request) for request in server.requests]

    def heard(self, came: NotificationRequest) -> Notification | NotificationVerdict:
        contract = providers.contract(self.bank, self.catalogue)
        assert contract is not None
        dialect = providers.DIALECTS[contract.terms.dialect]
        try:
            dialect.verify(came, contract, now())
        except NotVerified as error:
            return error.verdict
        return dialect.read(came, contract) or NotificationVerdict.IGNORED


def _delivery(request: bytes) -> NotificationRequest:
    head, _, body = request.partition(b"\r\n\r\n")
    first, *lines = head.decode().splitlines()
    pairs = (line.partition(":") for line in lines)
    target = first.split()[1]
    return NotificationRequest(
        target.partition("?")[2].encode(), {name.lower(): value.strip() for name, _, value in pairs}, body
    )


def written() -> Iterator[tuple[str, str, Format]]:
    """(catalogue, code, format) of every format that a bank is said to write."""
    for name, code in partners("banks", with_="statements"):
        statements = tomllib.loads((CATALOGUES[name] / "banks" / f"{code}.toml").read_text())["statements"]
        yield from ((name, code, format_) for format_ in FORMATS if format_ in statements)


@pytest.fixture
def played(request: pytest.FixtureRequest) -> Played:
    name, code = request.param[:2]
    secrets = generated(CATALOGUES[name])
    keys = secrets.hub | secrets.departments
    catalogue = load(CATALOGUES[name], keys)
    return Played(catalogue.banks[code], catalogue, keys)


tells = pytest.mark.parametrize("played", list(partners("banks", with_="notifications")), ids="-".join, indirect=True)


@tells
def test_what_it_tells_is_believed_and_says_what_was_paid(played: Played) -> None:
    [came] = played.deliveries(NotificationBehaviour.ONCE)
    heard = played.heard(came)

    assert isinstance(heard, Notification)
    assert (heard.provider, heard.kind, heard.amount) == (played.bank.code, NotificationKind.PAYMENT, 150_000)
    assert (heard.account or played.bank.notified[0]) == played.bank.notified[0]
    assert "HC000000000182" in f"{heard.reference} {heard.text}"


@tells
def test_told_in_a_crowd_it_is_the_same_each_time(played: Played) -> None:
    heard = [played.heard(came) for came in played.deliveries(NotificationBehaviour.CROWDED)]
    assert len(heard) == 20
    assert all(one == heard[0] for one in heard)


@tells
def test_a_forged_one_is_not_believed(played: Played) -> None:
    [came] = played.deliveries(NotificationBehaviour.FORGED)
    assert played.heard(came) is NotificationVerdict.BAD_SIGNATURE


@pytest.mark.parametrize("played", list(written()), ids="-".join, indirect=True)
def test_every_format_that_it_writes_is_read_as_it_was_written(played: Played, request: pytest.FixtureRequest) -> None:
    format_ = request.node.callspec.params["played"][2]
    account = played.bank.accounts[0].number
    moves = [
        StatementMovement(1_500_000, "HC000000000182 nop phi", ref="FT2632800000001"),
        StatementMovement(-250_000, "Hoan phi; so 2", ref="FT2632800000002"),
        StatementMovement(8_000, "NOP PHI", ref="FT2632800000003"),
    ]
    draft = StatementText(moves, 20_000_000, date(2026, 11, 24), None, account, id="7", sequence=7)
    _, write = WRITERS[format_]
    detected, [statement] = formats.read(played.bank, write(draft, played.bank.statements.profile(format_)))

    assert detected == format_
    assert (statement.opening, statement.closing, statement.to_date) == (20_000_000, 21_258_000, draft.day)
    assert sorted(entry.amount for entry in statement.entries) == [-250_000, 8_000, 1_500_000]
    assert {entry.booking_date for entry in statement.entries} == {draft.day}
    assert any("HC000000000182" in entry.text for entry in statement.entries)


def test_a_signing_bank_without_its_key_is_not_played() -> None:
    secrets = generated(CATALOGUE)
    catalogue = load(CATALOGUE, secrets.hub)
    with pytest.raises(ValueError, match="HUB_SECRET_TEST_BANK_A_KEY"):
        BankNotifier(catalogue.banks["bank-a"], catalogue, "http://127.0.0.1:1", secrets.hub)
