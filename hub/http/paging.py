"""Long lists in pages: submissions by their last change, events in their order. Never page numbers, which drift."""

from datetime import UTC, datetime
from typing import Final
from urllib.parse import urlencode

from hub.context import HubContext
from hub.dossiers import views
from hub.http import cursors, fees, ingest, problem_types
from hub.http.answers import SubmissionEventPage, SubmissionPage
from hub.http.problems import Problem
from schemas.identifiers import DossierCode, Prefix, is_id
from schemas.portal import Notice
from schemas.strict import Fault

MOST: Final = 200
"""items of one page"""
THE_BEGINNING: Final = datetime(1970, 1, 1, tzinfo=UTC)


def find(hub: HubContext, reference: str | None, dossier_code: str | None) -> SubmissionPage:
    """The submission with this reference and this dossier code, whichever are given: a page of one or none."""
    code = None if dossier_code is None else _normalised(dossier_code)
    with hub.db.connection() as conn:
        found = views.submission(conn, reference=reference, code=code)
    return SubmissionPage(data=fees.documents(hub, [found] if found else []), next_cursor=None)


def submissions(hub: HubContext, since: datetime, cursor: str | None, limit: int) -> SubmissionPage:
    """One page behind ``cursor``, or from ``since`` on. Raises Problem for a cursor that is not ours."""
    key = hub.settings.cursor_key
    moment, after = cursors.read(key, cursor) if cursor else (since, "")
    with hub.db.connection() as conn:
        found = views.page(conn, moment=moment, after=after, limit=limit)
    following = cursors.issue(key, found[-1].updated_at, found[-1].id) if len(found) == limit else None
    return SubmissionPage(data=fees.documents(hub, found), next_cursor=following)


def events(hub: HubContext, after: str | None, limit: int) -> SubmissionEventPage:
    """One page behind the event ``after``. Raises Problem for an event that we never had."""
    if after is not None and not is_id(after, Prefix.EVENT):
        raise _unknown_event()
    with hub.db.connection() as conn:
        try:
            found = views.events(conn, after=after, limit=limit)
        except LookupError:
            raise _unknown_event() from None
    data = [Notice.model_validate_json(event.notice) for event in found]
    return SubmissionEventPage(data=data, next_after=found[-1].id if found else after)


def next_link(hub: HubContext, path: str, **parameters: str | int | None) -> dict[str, str]:
    """The Link header to the page behind this one; none where a parameter says that there is none."""
    if None in parameters.values():
        return {}
    return {"link": f'<{ingest.url(hub, path)}?{urlencode(parameters)}>; rel="next"'}


def _normalised(dossier_code: str) -> str:
    try:
        return DossierCode.received(dossier_code).normalised
    except ValueError as error:
        raise Problem(
            problem_types.PARAMETER, faults=[Fault("/query/dossier_code", "dossier_code", str(error))]
        ) from None


def _unknown_event() -> Problem:
    return Problem(problem_types.PARAMETER, faults=[Fault("/query/after", "unknown_event", "is not an event of ours")])
