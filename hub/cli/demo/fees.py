"""The demo's fees from the first QR to the closed day, beside everything else that it does."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from connectors.sandbox.server import addresses
from hub.cli.demo import reckoning
from hub.cli.demo.bank_day import BankDay
from hub.cli.demo.payers import Banks, Payers
from hub.cli.demo.portal import PortalClient
from hub.cli.demo.reckoning import Reckoning
from hub.cli.demo.settling import Settling
from hub.cli.demo.trials import SubmissionTrial
from hub.clock import now
from hub.embedded.waiting import Patience
from hub.fees.closing.model import CloseStep, Closing
from hub.fees.settlements.model import Settlement

if TYPE_CHECKING:
    from hub.app import Hub


STEPS: Final = {
    CloseStep.DONE: "đã khóa, hai người duyệt",
    CloseStep.PROPOSED: "mới có người đề nghị khóa",
    CloseStep.WAITING: "chờ người thứ hai",
    CloseStep.REFUSED: "chưa khóa được",
}


@dataclass(frozen=True)
class Accounts:
    """The two reckonings: at the end of the bank's day, and when its troubles are settled; and how the day closed."""

    evening: Reckoning
    settled: Reckoning
    closings: list[Closing]
    tables: list[Settlement]
    """of the departments, for the month so far"""
    wrong: list[str]


def opened(
    hub: "Hub", portal: PortalClient, effects: Path, given: list[SubmissionTrial], patience: Patience
) -> BankDay:
    """The bank day of these trials. ``effects``: where the sandbox writes, and says its addresses."""
    banks = Banks(hub.catalogue, addresses(effects / "addresses.json"), patience)
    ways = {trial.code: trial.way for trial in given if trial.way is not None}
    return BankDay(hub, portal, banks, Payers(banks, ways), {trial.code for trial in given}, now(), effects, patience)


def run(day: BankDay) -> Accounts:
    """All of it; returns when the day is closed. Raises InvalidState, BankTurnedAway."""
    day.collect()
    day.end()
    evening, wrong = _reckoned(day)
    wrong += evening.unlisted
    settling = Settling(day)
    settling.settle()
    day.wait_until_quiet()
    settling.remit()
    day.end()
    settled, more = _reckoned(day)
    closings, (tables, owed) = settling.close(), settling.tables()
    more += reckoning.tables_off(tables, owed)
    return Accounts(evening, settled, closings, tables, [*wrong, *more, *settled.unsettled])


def write(found: Accounts, names: Mapping[str, str]) -> None:
    """On stdout. ``names``: department → how people call it."""
    reckoning.write(found.evening, "Ngày ngân hàng: phải thu = đã báo có = đã ghi sổ ± từng ngoại lệ (đồng)")
    reckoning.write(found.settled, "Sau khi xử lý từng ngoại lệ, hai người duyệt (đồng)")
    for closing in found.closings[-1:]:
        reckoning.say(f"Ngày {closing.day:%d/%m/%Y} của tài khoản {closing.account}: {STEPS[closing.step]}")
    if not found.closings:
        reckoning.say("Ngày hôm nay đã khóa từ trước: phần phát sinh thêm được ghi vào ngày mở kế tiếp")
    reckoning.write_tables(found.tables, names)


def findings(found: Accounts) -> Iterator[str]:
    """What does not hold, a sentence each."""
    yield from found.wrong
    for closing in found.closings:
        if closing.step is not CloseStep.DONE:
            red = ", ".join(f"{gate.label}: {gate.found}" for gate in closing.gates if not gate.green)
            yield f"fees: the day is not closed: {red or ', '.join(closing.changed) or closing.step}"


def _reckoned(day: BankDay) -> tuple[Reckoning, list[str]]:
    dossiers = [standing.id for standing in day.stands().values()]
    with day.hub.db.transaction() as conn:
        found = reckoning.reckon(conn, day, dossiers)
    with day.hub.db.connection() as conn:
        return found, [*found.off, *reckoning.proved(conn, day)]
