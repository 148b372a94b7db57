"""Bank statements as a sandbox bank writes them: camt (ISO 20022) and MT940 (SWIFT). Tables: bank_tables."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any, Final, Self
from xml.sax.saxutils import escape, quoteattr

CAMT_08: Final = "urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"


@dataclass(frozen=True)
class StatementMovement:
    """A movement; ``details`` are amounts and texts of what it is made of."""

    amount: int
    text: str = "NOP PHI"
    day: date | None = None
    value: date | None = None
    ref: str | None = None
    e2e: str | None = None
    standing: str = "BOOK"
    reversal: bool = False
    details: tuple[tuple[int | None, str], ...] = ()


@dataclass(frozen=True)
class StatementText:
    """A statement as a bank tells it; its closing balance is right unless another one is said."""

    moves: Sequence[StatementMovement]
    opening: int
    day: date
    first: date | None
    account: str
    id: str = "1"
    sequence: int | None = None
    closing: int | None = None
    currency: str = "VND"

    @property
    def end(self) -> int:
        booked = sum(move.amount for move in self.moves if move.standing == "BOOK")
        return self.opening + booked if self.closing is None else self.closing

    def next(self, *moves: StatementMovement, **changes: Any) -> Self:
        """The statement of the day after."""
        following = replace(
            self,
            moves=moves,
            opening=self.end,
            day=self.day + timedelta(days=1),
            first=None,
            id=str(int(self.id) + 1),
            sequence=None if self.sequence is None else self.sequence + 1,
            closing=None,
            currency="VND",
        )
        return replace(following, **changes)


def camt(*told: StatementText, ns: str | None = CAMT_08, kind: str = "Stmt", encoding: str = "UTF-8") -> bytes:
    """camt.053 (``kind`` Stmt), 052 (Rpt) or 054 (Ntfctn)."""
    message = {"Stmt": "BkToCstmrStmt", "Rpt": "BkToCstmrAcctRpt", "Ntfctn": "BkToCstmrDbtCdtNtfctn"}[kind]
    inside = "\n".join(_camt_statement(one, kind, balances=kind == "Stmt") for one in told)
    space = f" xmlns={quoteattr(ns)}" if ns else ""
    made = f"<GrpHdr><MsgId>M{told[0].id}</MsgId><CreDtTm>{told[0].day}T17:00:00+07:00</CreDtTm></GrpHdr>"
    text = f"<Document{space}>\n<{message}>{made}\n{inside}\n</{message}></Document>"
    return f'<?xml version="1.0" encoding="{encoding}"?>\n{text}'.encode(encoding)


def _camt_statement(told: StatementText, kind: str, *, balances: bool) -> str:
    sequence = "" if told.sequence is None else f"<ElctrncSeqNb>{told.sequence}</ElctrncSeqNb>"
    first = told.first or told.day
    entries = "\n".join(_camt_entry(move, told) for move in told.moves)
    both = _balance("OPBD", told.opening, first, told) + _balance("CLBD", told.end, told.day, told) if balances else ""
    return (
        f"<{kind}><Id>{told.id}</Id>{sequence}<CreDtTm>{told.day}T17:00:00+07:00</CreDtTm>"
        f"<FrToDt><FrDtTm>{first}T00:00:00+07:00</FrDtTm><ToDtTm>{told.day}T23:59:59+07:00</ToDtTm></FrToDt>"
        f"<Acct><Id><Othr><Id>{told.account}</Id></Othr></Id><Ccy>{told.currency}</Ccy></Acct>{both}\n{entries}</{kind}>"
    )


def _balance(code: str, amount: int, day: date, told: StatementText) -> str:
    return (
        f"<Bal><Tp><CdOrPrtry><Cd>{code}</Cd></CdOrPrtry></Tp>{_amount(amount, told)}{_way(amount)}"
        f"<Dt><Dt>{day}</Dt></Dt></Bal>"
    )


def _amount(amount: int, told: StatementText) -> str:
    return f'<Amt Ccy="{told.currency}">{abs(amount)}</Amt>'


def _way(amount: int) -> str:
    return f"<CdtDbtInd>{'CRDT' if amount >= 0 else 'DBIT'}</CdtDbtInd>"


def _camt_entry(move: StatementMovement, told: StatementText) -> str:
    day = move.day or told.day
    reversal = "<RvslInd>true</RvslInd>" if move.reversal else ""
    ref = f"<AcctSvcrRef>{escape(move.ref)}</AcctSvcrRef>" if move.ref else ""
    parts = move.details or ((None, move.text),)
    details = "".join(
        f"<TxDtls><Refs><EndToEndId>{escape(move.e2e or 'NOTPROVIDED')}</EndToEndId></Refs>"
        + ("" if amount is None else _amount(amount, told) + _way(amount))
        + f"<RmtInf><Ustrd>{escape(text)}</Ustrd></RmtInf></TxDtls>"
        for amount, text in parts
    )
    return (
        f"<Ntry>{_amount(move.amount, told)}{_way(move.amount)}{reversal}<Sts><Cd>{move.standing}</Cd></Sts>"
        f"<BookgDt><Dt>{day}</Dt></BookgDt><ValDt><Dt>{move.value or day}</Dt></ValDt>{ref}"
        f"<NtryDtls>{details}</NtryDtls></Ntry>"
    )


def mt940(*told: StatementText) -> bytes:
    """MT940, a message a statement."""
    return "".join(_message(one) for one in told).encode()


def _message(told: StatementText) -> str:
    first = told.first or told.day
    lines = "".join(_line_61(move, told) for move in told.moves)
    return (
        f":20:STMT\n:25:{told.account}\n:28C:{told.sequence or told.id}/1\n"
        f":60F:{_swift_balance(told.opening, first, told)}\n{lines}"
        f":62F:{_swift_balance(told.end, told.day, told)}\n-\n"
    )


def _swift_balance(amount: int, day: date, told: StatementText) -> str:
    return f"{'C' if amount >= 0 else 'D'}{day:%y%m%d}{told.currency}{abs(amount)},"


def _line_61(move: StatementMovement, told: StatementText) -> str:
    day = move.day or told.day
    mark = ("RD" if move.amount >= 0 else "RC") if move.reversal else ("C" if move.amount >= 0 else "D")
    ref = f"//{move.ref}" if move.ref else ""
    wrapped = "\n".join(move.text[at : at + 65] for at in range(0, len(move.text), 65))
    details = f":86:{wrapped}\n" if move.text else ""
    value = move.value or day
    return f":61:{value:%y%m%d}{day:%m%d}{mark}{abs(move.amount)},NTRF{move.e2e or 'NONREF'}{ref}\n{details}"
