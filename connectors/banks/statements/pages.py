"""Pages of one statement, put together: MT940 closes a page with 62M and opens the next with 60M."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from schemas.statement import Statement, StatementCode, UnreadableFile


@dataclass(frozen=True, slots=True)
class Mt940Page:
    """A statement, or a page of one: whether its opening balance was carried in, its closing one is carried on."""

    statement: Statement
    number: int
    carried_in: bool
    carried_on: bool


def joined(pages: Iterable[Mt940Page]) -> Iterator[Statement]:
    """Statements. One whose pages are not all there says that it is not whole.

    Raises UnreadableFile where a page does not go on from the one before it.
    """
    kept: Mt940Page | None = None
    for page in pages:
        if kept is not None and _goes_on(kept, page):
            kept = _together(kept, page)
            continue
        if kept is not None:
            yield _told(kept)
        kept = page
    if kept is not None:
        yield _told(kept)


def _goes_on(before: Mt940Page, page: Mt940Page) -> bool:
    first, second = before.statement, page.statement
    same = (first.account, first.sequence, first.kind) == (second.account, second.sequence, second.kind)
    return same and before.carried_on and page.carried_in


def _together(before: Mt940Page, page: Mt940Page) -> Mt940Page:
    first, second = before.statement, page.statement
    if first.closing != second.opening or page.number != before.number + 1 or first.currency != second.currency:
        sentence = "a page does not go on from the one before it: its number or the balance carried over differ"
        raise UnreadableFile(StatementCode.CHAIN_BREAK, sentence, second.line)
    whole = first.model_copy(
        update={"to_date": second.to_date, "closing": second.closing, "entries": first.entries + second.entries}
    )
    return Mt940Page(whole, page.number, before.carried_in, page.carried_on)


def _told(page: Mt940Page) -> Statement:
    return page.statement.model_copy(update={"whole": not (page.carried_in or page.carried_on)})
