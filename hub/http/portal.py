"""Endpoints of the public portal: submit, read a submission, list submissions, pull events."""

from collections.abc import Callable, Coroutine
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Query, Request
from fastapi.routing import APIRoute
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response
from typing_extensions import override

from hub.app import Hub
from hub.dossiers import portal_view
from hub.http import fees, guards, ingest, long_poll, openapi, paging, problem_types
from hub.http.answers import (
    AcceptedSubmission,
    SubmissionDocument,
    SubmissionEventPage,
    SubmissionLinks,
    SubmissionPage,
)
from hub.http.problems import Problem
from hub.messages.model import Arrival
from schemas import strict
from schemas.identifiers import DossierCode, Prefix, new_id
from schemas.portal import Submission
from schemas.strict import Fault
from schemas.values import Moment


class RawRequestRoute(APIRoute):
    """Route that calls its endpoint with the request alone: FastAPI resolves no parameters, which would cost time."""

    @override
    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handler: Callable[[Request], Coroutine[Any, Any, Response]] = self.endpoint
        return handler


direct: Final = APIRouter(tags=["portal"], route_class=RawRequestRoute)
reads: Final = APIRouter(tags=["portal"], dependencies=[Depends(guards.portal_read), Depends(ingest.known_parameters)])
"""Reads; the guard runs before any parameter is validated."""

SOURCE: Final = "portal"
KIND: Final = "portal.submission"
SIGNED: Final = ("httpSignature",)


@direct.post(
    "/v1/submissions",
    status_code=202,
    responses=openapi.answers(
        202,
        AcceptedSubmission,
        *problem_types.OF_A_WRITE,
        problem_types.KEY_MISSING,
        headers=("Location", "Idempotency-Replayed"),
    ),
    openapi_extra=openapi.extra(
        security=SIGNED, body=Submission, parameters=[openapi.IDEMPOTENCY_KEY | {"required": True}]
    ),
)
async def submit(request: Request) -> Response:
    """Submit a dossier. 202: stored durably, will be handled."""
    body = await guards.portal_body(request)
    ingest.check_parameters(request)
    key = ingest.idempotency_key(request)
    if key is None:
        raise Problem(problem_types.KEY_MISSING)
    return await run_in_threadpool(_submit, ingest.hub(request), key, body)


@reads.head("/v1/submissions/{submission_id}", include_in_schema=False)
@reads.get(
    "/v1/submissions/{submission_id}",
    responses=openapi.answers(
        200, SubmissionDocument, *problem_types.OF_A_READ, problem_types.NOT_FOUND, headers=("ETag",)
    )
    | {304: {"description": "The caller has this version already."}},
    openapi_extra=openapi.extra(security=SIGNED, parameters=[openapi.IF_NONE_MATCH]),
)
async def submission(
    request: Request, submission_id: str, wait: Annotated[int, Query(ge=0, le=long_poll.MAX_WAIT)] = 0
) -> Response:
    """The status of a submission. With ``wait``, answers when its version changes or the seconds are over."""
    etags = request.headers.get("if-none-match", "")
    view = await long_poll.look(request, submission_id)
    if wait and (not etags or long_poll.is_known(view, etags)):
        view = await long_poll.wait_for_change(request, view, wait)
    etag = {"etag": long_poll.etag(view)}
    if long_poll.is_known(view, etags):
        return Response(status_code=304, headers=etag)
    [document] = await run_in_threadpool(fees.documents, ingest.hub(request), [view])
    return ingest.json_response(document, headers=etag)


@reads.head("/v1/submissions", include_in_schema=False)
@reads.get(
    "/v1/submissions",
    responses=openapi.answers(200, SubmissionPage, *problem_types.OF_A_READ, headers=("Link",)),
    openapi_extra=openapi.extra(security=SIGNED),
)
async def submissions(
    request: Request,
    reference: Annotated[str | None, Query(pattern=r"^[A-Za-z0-9._:-]{1,64}$")] = None,
    dossier_code: Annotated[str | None, Query(max_length=48)] = None,
    updated_since: Moment = paging.EPOCH,
    cursor: Annotated[str | None, Query(max_length=200)] = None,
    limit: Annotated[int, Query(ge=1, le=paging.MAX_PAGE_SIZE)] = 50,
) -> Response:
    """Submissions by reference or dossier code, or all of them, the oldest change first."""
    hub = ingest.hub(request)
    if reference is not None or dossier_code is not None:
        page: SubmissionPage = await run_in_threadpool(paging.page_of_one, hub, reference, dossier_code)
    else:
        page = await run_in_threadpool(paging.submission_page, hub, updated_since, cursor, limit)
    return ingest.json_response(
        page, headers=paging.next_link(hub, "/v1/submissions", cursor=page.next_cursor, limit=limit)
    )


@reads.head("/v1/events", include_in_schema=False)
@reads.get(
    "/v1/events",
    responses=openapi.answers(200, SubmissionEventPage, *problem_types.OF_A_READ, headers=("Link",)),
    openapi_extra=openapi.extra(security=SIGNED),
)
async def events(
    request: Request,
    after: Annotated[str | None, Query(max_length=40)] = None,
    limit: Annotated[int, Query(ge=1, le=paging.MAX_PAGE_SIZE)] = 100,
) -> Response:
    """The events of the webhooks, to be polled: each once, and none ever appears before one that was read."""
    hub = ingest.hub(request)
    page: SubmissionEventPage = await run_in_threadpool(paging.event_page, hub, after, limit)
    full = len(page.data) == limit
    link = paging.next_link(hub, "/v1/events", after=page.next_after if full else None, limit=limit)
    return ingest.json_response(page, headers=link)


def _check_code_is_free(hub: Hub, dossier_code: str, reference: str) -> None:
    """Check that no other submission has this dossier code. Raises Problem.

    The same submission again passes, and gets its first answer. Of two that come at once, the second is refused when it
    is handled, with a notice.
    """
    with ingest.connection(hub) as conn:
        other = portal_view.submission(conn, code=DossierCode.received(dossier_code).normalised)
    if other is not None and other.reference != reference:
        fault = Fault("/dossier_code", "dossier_code_taken", "is the code of another dossier already")
        raise Problem(problem_types.CONTENT, faults=[fault])


def _submit(hub: Hub, key: str, body: bytes) -> Response:
    submitted = strict.read(Submission, body)
    procedure = hub.catalogue.procedures.get(submitted.procedure)
    if procedure is None:
        unknown = Fault("/procedure", "unknown_procedure", "is not a procedure in the Centre's catalogue")
        raise Problem(problem_types.CONTENT, faults=[unknown])
    if submitted.exemption is not None and procedure.exemption(submitted.exemption) is None:
        unknown = Fault("/exemption", "unknown_exemption", "is not an exemption of this procedure")
        raise Problem(problem_types.CONTENT, faults=[unknown])
    if submitted.dossier_code is not None:
        _check_code_is_free(hub, submitted.dossier_code, submitted.reference)
    arrival = Arrival(new_id(Prefix.SUBMISSION), SOURCE, KIND, key, submitted.reference, body)
    accepted = ingest.store(hub, arrival, new_work=True)
    location = ingest.url(hub, f"/v1/submissions/{accepted.id}")
    document = AcceptedSubmission(
        id=accepted.id,
        state="accepted",
        reference=submitted.reference,
        received_at=accepted.at,
        links=SubmissionLinks(self=location, events=ingest.url(hub, "/v1/events")),
    )
    return ingest.json_response(document, 202, headers={"location": location, **ingest.replay_header(accepted)})
