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
PLANS: Final = 500
"""shapes that are remembered; beyond that all are forgotten, and worked out again"""


def line_of(element: Any) -> int:
    """The line of the file on which ``element`` begins."""
    return int(element.sourceline or 0)


@dataclass(frozen=True, slots=True)
class DetailPlan:
    """Numbers of the elements of a TxDtls; None or empty: it has no such element."""

    itself: int
    amount: int | None
    direction: int | None
    bank_ref: int | None
    e2e: int | None
    texts: tuple[int, ...]
    is_return: bool


@dataclass(frozen=True, slots=True)
class Plan:
    """Numbers of the elements of an Ntry."""

    amount: int | None
    direction: int | None
    standing: int | None
    reversal: int | None
    booking: int | None
    value: int | None
    bank_ref: int | None
    note: int | None
    details: tuple[DetailPlan, ...]


class Planner:
    """Plans for the entries of one statement, whose elements have one namespace."""

    def __init__(self, namespace: str) -> None:
        self._ns = namespace
        self._plans: dict[Shape, Plan] = {}

    def plan(self, nodes: list[Element]) -> Plan:
        """``nodes``: an entry and all that is in it, in document order."""
        shape = tuple([(node.tag, len(node)) for node in nodes])
        plan = self._plans.get(shape)
        if plan is None:
            if len(self._plans) >= PLANS:
                self._plans.clear()
            plan = self._plans[shape] = self._made(nodes)
        return plan

    def _made(self, nodes: list[Element]) -> Plan:
        numbers = {node: number for number, node in enumerate(nodes)}
        entry = nodes[0]

        def first(element: Element, *paths: str) -> int | None:
            found = (element.find(self._path(path)) for path in paths)
            return next((numbers[one] for one in found if one is not None), None)

        def every(element: Element, path: str) -> tuple[int, ...]:
            return tuple(numbers[one] for one in element.findall(self._path(path)))

        def detail(element: Element) -> DetailPlan:
            return DetailPlan(
                itself=numbers[element],
                amount=first(element, "Amt", "AmtDtls/TxAmt/Amt"),
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

        return Plan(
            amount=first(entry, "Amt"),
            direction=first(entry, "CdtDbtInd"),
            standing=first(entry, "Sts/Cd", "Sts"),
            reversal=first(entry, "RvslInd"),
            booking=first(entry, "BookgDt/Dt", "BookgDt/DtTm"),
            value=first(entry, "ValDt/Dt", "ValDt/DtTm"),
            bank_ref=first(entry, "AcctSvcrRef"),
            note=first(entry, "AddtlNtryInf"),
            details=tuple(detail(one) for one in entry.findall(self._path("NtryDtls/TxDtls"))),
        )

    def _path(self, path: str) -> str:
        return "/".join(self._ns + step for step in path.split("/"))
