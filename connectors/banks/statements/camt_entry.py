"""Entries (Ntry) of a camt statement and their details (TxDtls).

A bank writes all of its entries in a few shapes: the same elements, in the same order and nesting. Looking a field up
by its path in each of a million entries costs more than parsing them; looking it up by its number among the elements
does not. So the numbers are worked out once for each shape: the sequence of (tag, number of children) in document
order, which determines the tree.
"""

from dataclasses import dataclass
from typing import Any, Final

from lxml import etree
from pydantic import ValidationError

from connectors.banks.statements.amounts import iso_date, plain
from schemas.statement import (
    Detail,
    EntryStatus,
    Head,
    StatementCode,
    StatementEntry,
    UnreadableFile,
    misfit,
    reference,
)

Element = etree._Element  # noqa: SLF001 - lxml has no public name for its elements
Shape = tuple[tuple[object, int], ...]
AMOUNTS: Final = ("Amt", "AmtDtls/TxAmt/Amt", "AmtDtls/CntrValAmt/Amt")
"""where a detail says what it comes to, in this order"""
PLANS: Final = 500
"""shapes that are remembered; beyond that all are forgotten, and worked out again"""


def line_of(element: Any) -> int:
    """The line of the file on which ``element`` begins."""
    return int(element.sourceline or 0)


@dataclass(frozen=True, slots=True)
class ChargePlan:
    """Numbers of the elements of a charge: what a bank took of an amount on its way."""

    amount: int
    direction: int | None
    included: int | None
    """whether the amount beside it is without the charge already"""


@dataclass(frozen=True, slots=True)
class DetailPlan:
    """Numbers of the elements of a TxDtls; None or empty: it has no such element."""

    itself: int
    amounts: tuple[int, ...]
    """the same money, in whatever currencies"""
    charges: tuple[ChargePlan, ...]
    direction: int | None
    bank_ref: int | None
    e2e: int | None
    texts: tuple[int, ...]
    is_return: bool


@dataclass(frozen=True, slots=True)
class CamtEntryPlan:
    """Numbers of the elements of an Ntry."""

    amount: int | None
    direction: int | None
    standing: int | None
    reversal: int | None
    booking: int | None
    value: int | None
    bank_ref: int | None
    note: int | None
    charges: tuple[ChargePlan, ...]
    details: tuple[DetailPlan, ...]


class Planner:
    """Plans for the entries of one statement, whose elements have one namespace."""

    def __init__(self, namespace: str) -> None:
        self._ns = namespace
        self._plans: dict[Shape, CamtEntryPlan] = {}

    def plan(self, nodes: list[Element]) -> CamtEntryPlan:
        """``nodes``: an entry and all that is in it, in document order."""
        shape = tuple([(node.tag, len(node)) for node in nodes])
        plan = self._plans.get(shape)
        if plan is None:
            if len(self._plans) >= PLANS:
                self._plans.clear()
            plan = self._plans[shape] = self._build_plan(nodes)
        return plan

    def _build_plan(self, nodes: list[Element]) -> CamtEntryPlan:
        numbers = {node: number for number, node in enumerate(nodes)}
        entry = nodes[0]

        def first(element: Element, *paths: str) -> int | None:
            elements = (element.find(self._path(path)) for path in paths)
            return next((numbers[one] for one in elements if one is not None), None)

        def every(element: Element, path: str) -> tuple[int, ...]:
            return tuple(numbers[one] for one in element.findall(self._path(path)))

        def charges(element: Element) -> tuple[ChargePlan, ...]:
            """Records of their own since v04; before it the element itself is one."""
            records = [one for path in ("Chrgs/Rcrd", "Chrgs") for one in element.findall(self._path(path))]
            amounts = [(one, first(one, "Amt")) for one in records]
            return tuple(
                ChargePlan(amount, first(one, "CdtDbtInd"), first(one, "ChrgInclInd"))
                for one, amount in amounts
                if amount is not None
            )

        def detail(element: Element) -> DetailPlan:
            return DetailPlan(
                itself=numbers[element],
                amounts=tuple(number for path in AMOUNTS for number in every(element, path)),
                charges=charges(element),
                direction=first(element, "CdtDbtInd"),
                bank_ref=first(element, "Refs/AcctSvcrRef"),
                e2e=first(element, "Refs/EndToEndId"),
                texts=(
                    *every(element, "RmtInf/Ustrd"),
                    *every(element, "RmtInf/Strd/CdtrRefInf/Ref"),
                    *every(element, "AddtlTxInf"),
                ),
                is_return=first(element, "RtrInf") is not None,
            )

        return CamtEntryPlan(
            amount=first(entry, "Amt"),
            direction=first(entry, "CdtDbtInd"),
            standing=first(entry, "Sts/Cd", "Sts"),
            reversal=first(entry, "RvslInd"),
            booking=first(entry, "BookgDt/Dt", "BookgDt/DtTm"),
            value=first(entry, "ValDt/Dt", "ValDt/DtTm"),
            bank_ref=first(entry, "AcctSvcrRef"),
            note=first(entry, "AddtlNtryInf"),
            charges=charges(entry),
            details=tuple(detail(one) for one in entry.findall(self._path("NtryDtls/TxDtls"))),
        )

    def _path(self, path: str) -> str:
        return "/".join(self._ns + step for step in path.split("/"))


_STANDINGS: Final = {"BOOK": EntryStatus.BOOK, "PDNG": EntryStatus.PDNG, "FUTR": EntryStatus.PDNG}
_TRUE: Final = frozenset({"true", "1"})


class EntryReader:
    """Reads the entries of one statement: its names carry one namespace, its amounts one currency."""

    def __init__(self, container: Element, head: Head) -> None:
        tag = str(container.tag)
        self._planner = Planner(tag[: tag.index("}") + 1] if tag.startswith("{") else "")
        self._currency = head.currency

    def read(self, element: Element) -> StatementEntry:
        """Raises UnreadableFile."""
        nodes = list(element.iter())
        plan = self._planner.plan(nodes)
        try:
            return self._entry(nodes, plan, line_of(element))
        except ValidationError as error:
            raise misfit(error, line_of(element)) from None

    def _entry(self, nodes: list[Element], plan: CamtEntryPlan, line: int) -> StatementEntry:
        amount = self._amount(nodes, plan.amount, line)
        if self._is_debit(nodes, plan.direction, line):
            amount = -amount
        standing = _STANDINGS.get(_text(nodes, plan.standing))
        if standing is None:
            raise UnreadableFile(StatementCode.UNPARSABLE, "an entry is neither booked nor pending", line)
        dated = plan.value if plan.booking is None else plan.booking
        if dated is None or (plan.booking is None and standing is EntryStatus.BOOK):
            raise UnreadableFile(StatementCode.UNPARSABLE, "an entry has no booking date", line)
        booked = iso_date(_text(nodes, dated), line)
        texts = [text for one in plan.details for number in one.texts if (text := _text(nodes, number))]
        if plan.note is not None:
            texts.append(_text(nodes, plan.note))
        only = plan.details[0] if len(plan.details) == 1 else None
        own = _reference(nodes, plan.bank_ref)
        return StatementEntry(
            line=line,
            booking_date=booked,
            value_date=booked if plan.value is None else iso_date(_text(nodes, plan.value), line),
            amount=amount,
            standing=standing,
            bank_ref=(_reference(nodes, only.bank_ref) if only else None) or own,
            e2e=_reference(nodes, only.e2e) if only else None,
            text=" ".join(texts),
            reversal=_text(nodes, plan.reversal) in _TRUE or (only is not None and only.is_return),
            details=self._details(nodes, plan, amount, own, line),
        )

    def _details(
        self, nodes: list[Element], plan: CamtEntryPlan, whole: int, own: str | None, line: int
    ) -> tuple[Detail, ...]:
        """The details that become lines. One that only says the whole again is not; without amounts none is."""
        numbers = [self._own_amount(nodes, one) for one in plan.details]
        priced = sum([number is not None for number in numbers])
        if priced == 0:
            return ()
        if priced < len(plan.details):
            raise UnreadableFile(
                StatementCode.UNPARSABLE, "some details of an entry have an amount and some have none", line
            )
        pairs = list(zip(plan.details, numbers, strict=True))
        amounts = [self._detail_amount(nodes, one, number, is_debit=whole < 0) for one, number in pairs]
        if sum(amounts) != whole:
            amounts = self._less_charges(nodes, plan, amounts, whole)
        if amounts == [whole]:
            return ()
        reversal = _text(nodes, plan.reversal) in _TRUE
        return tuple(
            Detail(
                amount=amount,
                bank_ref=_reference(nodes, one.bank_ref) or own,
                e2e=_reference(nodes, one.e2e),
                text=" ".join(filter(None, (_text(nodes, number) for number in one.texts))),
                reversal=reversal or one.is_return,
            )
            for amount, one in zip(amounts, plan.details, strict=True)
        )

    def _own_amount(self, nodes: list[Element], plan: DetailPlan) -> int | None:
        """The amount of a detail in the account's currency. What is only told in another says nothing about it."""
        return next((number for number in plan.amounts if nodes[number].get("Ccy") == self._currency), None)

    def _less_charges(self, nodes: list[Element], plan: CamtEntryPlan, amounts: list[int], whole: int) -> list[int]:
        """The details as they were booked, if what was taken of them makes up the difference, to the đồng."""
        charged = [sum(self._charge(nodes, one) for one in detail.charges) for detail in plan.details]
        booked = [amount + charge for amount, charge in zip(amounts, charged, strict=True)]
        if len(booked) == 1 and sum(booked) != whole:
            booked[0] += sum(self._charge(nodes, one) for one in plan.charges)
        return booked if sum(booked) == whole else amounts

    def _charge(self, nodes: list[Element], plan: ChargePlan) -> int:
        """What a charge changes; nothing, where it is told in another currency or is in the amount already."""
        is_ours = nodes[plan.amount].get("Ccy") == self._currency
        if not is_ours or _text(nodes, plan.included) in _TRUE:
            return 0
        amount = plain(_text(nodes, plan.amount), self._currency, line_of(nodes[plan.amount]))
        return amount if _text(nodes, plan.direction) == "CRDT" else -amount

    def _detail_amount(self, nodes: list[Element], plan: DetailPlan, number: int | None, *, is_debit: bool) -> int:
        """With the sign of the detail, else of its entry (before v04 a detail has none)."""
        line = line_of(nodes[plan.itself])
        amount = self._amount(nodes, number, line)
        if plan.direction is not None:
            is_debit = self._is_debit(nodes, plan.direction, line)
        return -amount if is_debit else amount

    def _amount(self, nodes: list[Element], number: int | None, line: int) -> int:
        if number is None:
            raise UnreadableFile(StatementCode.UNPARSABLE, "an entry has no amount", line)
        currency = nodes[number].get("Ccy")
        if currency != self._currency:
            raise UnreadableFile(
                StatementCode.WRONG_CURRENCY, f"an amount in {currency} on an account in {self._currency}", line
            )
        return plain(_text(nodes, number), currency, line)

    def _is_debit(self, nodes: list[Element], number: int | None, line: int) -> bool:
        indicator = _text(nodes, number)
        if indicator not in ("CRDT", "DBIT"):
            raise UnreadableFile(StatementCode.UNPARSABLE, "an entry is neither credit nor debit", line)
        return indicator == "DBIT"


def _text(nodes: list[Element], number: int | None) -> str:
    return "" if number is None else (nodes[number].text or "").strip()


def _reference(nodes: list[Element], number: int | None) -> str | None:
    return None if number is None else reference(nodes[number].text)
