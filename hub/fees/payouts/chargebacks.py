"""What persons do about a chargeback. What is lost is booked when the debit comes (matching.charged_back)."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import date, datetime
from enum import StrEnum
from typing import Any, Final

from psycopg import errors

from hub.audit import AuditAction
from hub.db import Connection
from hub.errors import InvalidState, NotFound
from hub.events import Event
from hub.fees import clerks, exceptions, payments
from hub.fees.ledger.normalise import normalise
from hub.lifecycle import Lifecycle
from hub.locale import vi
from hub.unit_of_work import UnitOfWork
from schemas.identifiers import Prefix, new_id


class ChargebackState(StrEnum):
    """Where it stands. A debit loses what had been won: money that has left has left."""

    NOTICED = "noticed"
    EVIDENCE = "evidence"
    WON = "won"
    LOST = "lost"

    @property
    def label(self) -> str:
        return LABELS[self]


LABELS: Final = {
    ChargebackState.NOTICED: vi("Chargeback received"),
    ChargebackState.EVIDENCE: vi("Evidence sent"),
    ChargebackState.WON: vi("Money kept"),
    ChargebackState.LOST: vi("To be paid back"),
}
_AUDIT_ACTIONS: Final = {
    ChargebackState.EVIDENCE: AuditAction.CHARGEBACK_ANSWERED,
    ChargebackState.WON: AuditAction.CHARGEBACK_WON,
    ChargebackState.LOST: AuditAction.CHARGEBACK_LOST,
}
LIFECYCLE: Final = Lifecycle(
    {
        ChargebackState.NOTICED: frozenset({ChargebackState.EVIDENCE, ChargebackState.WON, ChargebackState.LOST}),
        ChargebackState.EVIDENCE: frozenset({ChargebackState.WON, ChargebackState.LOST}),
        ChargebackState.WON: frozenset({ChargebackState.LOST}),
        ChargebackState.LOST: frozenset(),
    }
)


@dataclass(frozen=True, slots=True)
class Chargeback:
    """A chargeback's row."""

    id: str
    payment_id: str
    account: str
    amount: int
    provider_case: str
    state: ChargebackState
    answer_by: date
    maker: str
    reason: str
    noticed_at: datetime
    settled_at: datetime | None
    line_id: int | None


_COLUMNS: Final = ", ".join(field.name for field in fields(Chargeback))
_ADD: Final = """
INSERT INTO chargeback (id, payment_id, account, amount, provider_case, state, answer_by, maker, reason, noticed_at)
VALUES (%s, %s, %s, %s, %s, 'noticed', %s, %s, %s, %s)
"""


def add(conn: Connection, chargeback: Chargeback) -> None:
    """Raises InvalidState where the provider's case or the payment has one already."""
    row = (
        chargeback.id,
        chargeback.payment_id,
        chargeback.account,
        chargeback.amount,
        chargeback.provider_case,
        chargeback.answer_by,
        chargeback.maker,
        chargeback.reason,
        chargeback.noticed_at,
    )
    try:
        with conn.transaction():
            conn.execute(_ADD, row)
    except errors.UniqueViolation:
        raise InvalidState(
            vi(
                "payment {payment_id} or chargeback number {provider_case} has been recorded before",
                payment_id=chargeback.payment_id,
                provider_case=chargeback.provider_case,
            )
        ) from None


def find(conn: Connection, name: str, *, lock: bool = False) -> Chargeback:
    """By its id or the provider's number; ``lock``: ours until the transaction ends. Raises NotFound."""
    row = conn.execute(
        f"SELECT {_COLUMNS} FROM chargeback WHERE id = %(name)s OR provider_case = %(name)s ORDER BY id LIMIT 1"
        + (" FOR UPDATE" if lock else ""),
        {"name": name},
    ).fetchone()
    if row is None:
        raise NotFound(vi("there is no chargeback {name}", name=name))
    return _chargeback(row)


def awaited(conn: Connection, account: str) -> list[Chargeback]:
    """Those that no debit of this account has shown."""
    rows = conn.execute(f"SELECT {_COLUMNS} FROM chargeback WHERE account = %s AND line_id IS NULL", (account,))
    return [_chargeback(row) for row in rows]


def listing(conn: Connection, *, state: str | None, limit: int) -> list[dict[str, Any]]:
    """By the day on which they have to be answered; without ``state`` those that are argued."""
    return conn.execute(
        f"SELECT {_COLUMNS} FROM chargeback WHERE state = %(state)s OR (%(state)s::text IS NULL"
        " AND state IN ('noticed', 'evidence')) ORDER BY answer_by, id LIMIT %(limit)s",
        {"state": state, "limit": limit},
    ).fetchall()


def move(
    conn: Connection, chargeback: Chargeback, to: ChargebackState, *, at: datetime, line: int | None = None
) -> None:
    """A locked one comes to stand at ``to``. Raises InvalidState where that does not follow."""
    if to is not chargeback.state and to not in LIFECYCLE.moves[chargeback.state]:
        raise InvalidState(
            vi("chargeback {id} is {state}: it cannot become {to}", id=chargeback.id, state=chargeback.state, to=to)
        )
    conn.execute(
        "UPDATE chargeback SET state = %(to)s, line_id = coalesce(%(line)s, line_id),"
        " settled_at = CASE WHEN %(to)s IN ('won', 'lost') THEN %(at)s END WHERE id = %(id)s",
        {"to": to.value, "line": line, "at": at, "id": chargeback.id},
    )


def _chargeback(row: Mapping[str, Any]) -> Chargeback:
    return Chargeback(**{**row, "state": ChargebackState(row["state"])})


EXCEPTION_CODE: Final = "V03"
_NUMBER: Final = re.compile(r"[A-Z0-9]{6,40}")


def notice(uow: UnitOfWork, payment_id: str, provider_case: str, answer_by: date, reason: str) -> Chargeback:
    """The provider says that ``payment_id`` is asked back, as its case; to be answered by a day.

    Raises NotFound, Forbidden; InvalidState where no statement has shown the payment, it is noticed already, or the
    number is none that a debit could be known by.
    """
    clerks.check_clerk(uow)
    number = normalise(provider_case).squeezed
    if not _NUMBER.fullmatch(number):
        raise InvalidState(vi("a chargeback number has 6 to 40 letters and digits"))
    payment = payments.lock(uow.conn, payment_id)
    if payment is None:
        raise NotFound(vi("there is no payment {payment_id}", payment_id=payment_id))
    if payment.status not in payments.SHOWN:
        raise InvalidState(vi("the payment is {status}: there is nothing to claim back", status=payment.status))
    chargeback = Chargeback(
        id=new_id(Prefix.CHARGEBACK),
        payment_id=payment_id,
        account=payment.account,
        amount=payment.amount,
        provider_case=number,
        state=ChargebackState.NOTICED,
        answer_by=answer_by,
        maker=uow.actor,
        reason=reason,
        noticed_at=uow.now,
        settled_at=None,
        line_id=None,
    )
    add(uow.conn, chargeback)
    summary = f"{payment_id} {chargeback.provider_case} {chargeback.amount} {answer_by.isoformat()}"
    uow.write_audit(chargeback.id, AuditAction.CHARGEBACK_NOTICED, after=ChargebackState.NOTICED, reason=summary)
    facts = {"chargeback": chargeback.id, "provider_case": chargeback.provider_case, "answer_by": answer_by.isoformat()}
    exceptions.open_exception(uow, EXCEPTION_CODE, "payment", payment_id, chargeback.amount, facts)
    return chargeback


def answered(uow: UnitOfWork, name: str, reason: str) -> list[Event]:
    """The evidence was sent; ``reason`` says by which letter. Raises NotFound, InvalidState, Forbidden."""
    clerks.check_clerk(uow)
    chargeback = find(uow.conn, name, lock=True)
    _move(uow, chargeback, ChargebackState.EVIDENCE, reason)
    return []


def won(uow: UnitOfWork, name: str, reason: str) -> list[Event]:
    """The money stays here. Raises NotFound, InvalidState, Forbidden."""
    clerks.check_clerk(uow)
    chargeback = find(uow.conn, name, lock=True)
    _move(uow, chargeback, ChargebackState.WON, reason)
    close(uow, chargeback, "won")
    return []


def lost(uow: UnitOfWork, name: str, reason: str) -> list[Event]:
    """It has to go back: the debit will say so, and until then nothing moves.

    Raises NotFound, InvalidState, Forbidden.
    """
    clerks.check_clerk(uow)
    chargeback = find(uow.conn, name, lock=True)
    _move(uow, chargeback, ChargebackState.LOST, reason)
    return []


def close(uow: UnitOfWork, chargeback: Chargeback, outcome: str) -> None:
    """End its exception."""
    by = f"{outcome} {chargeback.id}"
    for exception_id in exceptions.resolve_about(
        uow.conn, "payment", [chargeback.payment_id], by, codes=[EXCEPTION_CODE]
    ):
        uow.write_audit(exception_id, AuditAction.EXCEPTION_RESOLVED, after="resolved", reason=by)


def _move(uow: UnitOfWork, chargeback: Chargeback, to: ChargebackState, reason: str) -> None:
    if chargeback.state is to:
        raise InvalidState(vi("chargeback {id} is {to} already", id=chargeback.id, to=to))
    move(uow.conn, chargeback, to, at=uow.now)
    uow.write_audit(chargeback.id, _AUDIT_ACTIONS[to], before=chargeback.state, after=to, reason=reason)
