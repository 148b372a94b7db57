"""Pages of lists by cursor: submissions by their last change, events in their order.

Cursors are opaque to the caller and signed, so that nobody can craft one. Page numbers would drift.
"""

import base64
import binascii
import hashlib
import hmac
from datetime import UTC, datetime
from typing import Final
from urllib.parse import urlencode

from pydantic import SecretStr

from hub.app import Hub
from hub.dossiers import portal_view
from hub.http import fees, ingest, problem_types
from hub.http.answers import SubmissionEventPage, SubmissionPage
from hub.http.problems import Problem
from schemas.identifiers import DossierCode, Prefix, is_id
from schemas.portal import Notice
from schemas.strict import Fault

_MAC_BYTES: Final = 16
_LONGEST_CURSOR: Final = 200


def issue_cursor(key: SecretStr, moment: datetime, item_id: str) -> str:
    """Build the cursor after the item ``item_id``, last changed at ``moment``."""
    position = f"{moment.isoformat()} {item_id}".encode()
    return base64.urlsafe_b64encode(_mac(key, position) + position).decode().rstrip("=")


def read_cursor(key: SecretStr, cursor: str) -> tuple[datetime, str]:
    """Return moment and item of a cursor. Raises Problem for one that we did not issue."""
    try:
        signed = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise _invalid_cursor() from None
    mac, position = signed[:_MAC_BYTES], signed[_MAC_BYTES:]
    if len(cursor) > _LONGEST_CURSOR or not hmac.compare_digest(mac, _mac(key, position)):
        raise _invalid_cursor()
    moment, _, item_id = position.decode().partition(" ")
    return datetime.fromisoformat(moment), item_id


def _mac(key: SecretStr, position: bytes) -> bytes:
    return hmac.new(key.get_secret_value().encode(), b"submissions:" + position, hashlib.sha256).digest()[:_MAC_BYTES]


def _invalid_cursor() -> Problem:
    return Problem(
        problem_types.PARAMETER, faults=[Fault("/query/cursor", "cursor", "is not a cursor issued by this hub")]
    )


MAX_PAGE_SIZE: Final = 200
"""items of one page"""
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def page_of_one(hub: Hub, reference: str | None, dossier_code: str | None) -> SubmissionPage:
    """The submission with this reference and/or dossier code, as a page of one item or none."""
    code = None if dossier_code is None else _normalised(dossier_code)
    with ingest.connection(hub) as conn:
        view = portal_view.submission(conn, reference=reference, code=code)
    return SubmissionPage(data=fees.documents(hub, [view] if view else []), next_cursor=None)


def submission_page(hub: Hub, since: datetime, cursor: str | None, limit: int) -> SubmissionPage:
    """One page after ``cursor``, or from ``since`` on. Raises Problem for an invalid cursor."""
    key = hub.settings.cursor_key
    moment, after = read_cursor(key, cursor) if cursor else (since, "")
    with ingest.connection(hub) as conn:
        views_ = portal_view.page(conn, moment=moment, after=after, limit=limit)
    next_cursor = issue_cursor(key, views_[-1].updated_at, views_[-1].id) if len(views_) == limit else None
    return SubmissionPage(data=fees.documents(hub, views_), next_cursor=next_cursor)


def event_page(hub: Hub, after: str | None, limit: int) -> SubmissionEventPage:
    """One page after the event ``after``. Raises Problem for an unknown event."""
    if after is not None and not is_id(after, Prefix.EVENT):
        raise _unknown_event()
    with ingest.connection(hub) as conn:
        try:
            page = portal_view.events(conn, after=after, limit=limit)
        except LookupError:
            raise _unknown_event() from None
    data = [Notice.model_validate_json(event.notice) for event in page]
    return SubmissionEventPage(data=data, next_after=page[-1].id if page else after)


def next_link(hub: Hub, path: str, **parameters: str | int | None) -> dict[str, str]:
    """The Link header to the next page; none where a parameter is None, since there is no next page then."""
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
    return Problem(
        problem_types.PARAMETER, faults=[Fault("/query/after", "unknown_event", "is not an event of this hub")]
    )
