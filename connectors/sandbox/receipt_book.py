"""The receipts that a sandbox issuer has issued, by fkey. On the disk before it says so: an independent witness."""

from pathlib import Path
from typing import Literal

from pydantic import AwareDatetime

from connectors.clock import now
from connectors.sandbox.durable_lines import DurableLines
from schemas.strict import Strict


class Entered(Strict):
    """A line of the book: a receipt was issued, or became void. What says how it reads is left out of it."""

    effect: Literal["issued", "voided"]
    at: AwareDatetime
    fkey: str
    pattern: str
    serial: str
    number: int
    amount: int
    dossier_code: str
    words: str


class ReceiptBook:
    """Issues each fkey once; numbers of a series follow one another."""

    def __init__(self, path: Path) -> None:
        self._lines = DurableLines(path)
        self._issued: dict[str, Entered] = {}
        self._void: set[str] = set()
        self._last: dict[tuple[str, str], int] = {}
        self.all: list[Entered] = []
        for text in self._lines.loaded:
            self._enter(Entered.model_validate_json(text))

    def find(self, fkey: str) -> Entered | None:
        return self._issued.get(fkey)

    def is_void(self, fkey: str) -> bool:
        return fkey in self._void

    async def issue(
        self, fkey: str, *, pattern: str, serial: str, amount: int, dossier_code: str, words: str, skip: int = 0
    ) -> Entered:
        """The receipt under the next number of its series, ``skip`` further on. Returns when it is on the disk."""
        number = self._last.get((pattern, serial), 0) + 1 + skip
        entered = Entered(
            effect="issued",
            at=now(),
            fkey=fkey,
            pattern=pattern,
            serial=serial,
            number=number,
            amount=amount,
            dossier_code=dossier_code,
            words=words,
        )
        await self._lines.append(entered.model_dump_json())
        self._enter(entered)
        return entered

    async def void(self, fkey: str) -> None:
        """Raises KeyError for what is not there."""
        entered = self._issued[fkey].model_copy(update={"effect": "voided", "at": now()})
        await self._lines.append(entered.model_dump_json())
        self._enter(entered)

    def close(self) -> None:
        self._lines.close()

    def _enter(self, entered: Entered) -> None:
        self.all.append(entered)
        if entered.effect == "voided":
            self._void.add(entered.fkey)
        else:
            self._issued[entered.fkey] = entered
            series = entered.pattern, entered.serial
            self._last[series] = max(self._last.get(series, 0), entered.number)


def receipts_path(data: Path, counterparty: str) -> Path:
    """Where an issuer keeps them."""
    return data / f"{counterparty}.receipts.jsonl"
