"""Where the fields of an entry stand, worked out once for each shape of entry.

A bank writes all of its entries in a few shapes: the same elements, in the same order and nesting. Looking a field up
by its path in each of a million entries costs more than parsing them; looking it up by its number among the elements
does not. A shape is the sequence of (tag, number of children) in document order, which determines the tree.
"""

from dataclasses import dataclass
from typing import Any, Final

from lxml import etree

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
