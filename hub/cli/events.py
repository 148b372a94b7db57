"""hub events: the notices to the portal, newest last."""

import json
import time
from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, Final

from typer import Option, Typer

from hub.cli import environment, output
from hub.cli.output import TableColumn
from hub.locale import vi

if TYPE_CHECKING:
    from hub.db import Connection

app: Final = Typer(help="Events (thông báo cho Cổng).", no_args_is_help=True)

_POLL_SECONDS: Final = 0.5
_PAGE: Final = 200
_COLUMNS: Final = (
    TableColumn("timestamp", vi("At"), lambda text: output.moment(datetime.fromisoformat(text))),
    TableColumn("dossier_code", vi("Dossier code")),
    TableColumn("status", vi("Status")),
    TableColumn("version", vi("Change")),
    TableColumn("event_id", vi("Event")),
)
_BEFORE_THE_LAST: Final = """
SELECT id FROM event WHERE tx < pg_snapshot_xmin(pg_current_snapshot())
ORDER BY tx DESC, seq DESC OFFSET %s LIMIT 1
"""


@app.command()
def tail(
    follow: Annotated[bool, Option("--follow", "-f", help="Follow until Ctrl-C.")] = False,
    last: Annotated[int, Option("--last", "-n", min=0, max=10_000, help="Start so many events back.")] = 20,
    as_json: Annotated[bool, Option("--json", help="One JSON object; with --follow one a line (NDJSON).")] = False,
) -> None:
    """Print the newest events, oldest first: the notices that the portal's webhooks carry."""
    with environment.database() as conn:
        row = conn.execute(_BEFORE_THE_LAST, (last,)).fetchone()
        pages = _pages(conn, row["id"] if row else None)
        if not follow:
            notices = list(next(pages))
            output.listing(notices if as_json else [_flat(one) for one in notices], _COLUMNS, as_json=as_json)
            return
        for page in pages:
            for notice in page:
                _one(notice, as_json=as_json)
            if not page:
                time.sleep(_POLL_SECONDS)


def _pages(conn: "Connection", after: str | None) -> Iterator[list[dict[str, Any]]]:
    """Yield pages for ever: first the events that exist, then those since the page before, often none."""
    from hub.dossiers import portal_view

    while True:
        page: list[dict[str, Any]] = []
        while events := portal_view.events(conn, after=after, limit=_PAGE):
            page += [json.loads(event.notice) for event in events]
            after = events[-1].id
        yield page


def _flat(notice: dict[str, Any]) -> dict[str, Any]:
    return {"timestamp": notice["timestamp"], **notice["data"]}


def _one(notice: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        output.line(notice)
    else:
        output.row(_flat(notice), _COLUMNS)
