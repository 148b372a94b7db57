"""What the portal shows a payer: the fees of a submission, and the picture that a banking app reads."""

import io
from collections.abc import Sequence
from dataclasses import asdict
from typing import Final

import segno
from fastapi import APIRouter, Depends, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from hub.app import Hub
from hub.dossiers.views import SubmissionView
from hub.fees.demands import views
from hub.fees.demands.views import FeeView
from hub.http import guards, ingest, long_poll, openapi, problem_types
from hub.http.answers import FeeDocument, PaymentAccount, SubmissionDocument
from hub.http.problems import Problem

reads: Final = APIRouter(tags=["portal"], dependencies=[Depends(guards.portal_read), Depends(ingest.known_parameters)])

SCALE: Final = 8
"""pixels of a module"""
SVG: Final = "image/svg+xml"
PNG: Final = "image/png"


def documents(hub: Hub, found: Sequence[SubmissionView]) -> list[SubmissionDocument]:
    """Submissions with their fees, which are read last: whoever sees them early sees them again with their version."""
    with hub.db.connection() as conn:
        fees = views.of_dossiers(conn, [view.id for view in found])
    return [_document(hub, view, fees.get(view.id)) for view in found]


@reads.head("/v1/submissions/{submission_id}/payment.svg", include_in_schema=False)
@reads.get(
    "/v1/submissions/{submission_id}/payment.svg",
    responses=openapi.picture(SVG, *problem_types.OF_A_READ, problem_types.NOT_FOUND),
    response_class=Response,
    openapi_extra=openapi.extra(security=("httpSignature",)),
)
async def payment_svg(request: Request, submission_id: str) -> Response:
    """The VietQR of what is to be paid, as a drawing. 404 where nothing is to be paid."""
    return await _picture(request, submission_id, "svg", SVG)


@reads.head("/v1/submissions/{submission_id}/payment.png", include_in_schema=False)
@reads.get(
    "/v1/submissions/{submission_id}/payment.png",
    responses=openapi.picture(PNG, *problem_types.OF_A_READ, problem_types.NOT_FOUND),
    response_class=Response,
    openapi_extra=openapi.extra(security=("httpSignature",)),
)
async def payment_png(request: Request, submission_id: str) -> Response:
    """The same as an image."""
    return await _picture(request, submission_id, "png", PNG)


async def _picture(request: Request, submission_id: str, kind: str, media_type: str) -> Response:
    view = await long_poll.look(request, submission_id)
    [document] = await run_in_threadpool(documents, ingest.hub(request), [view])
    if document.fee is None or document.fee.qr is None:
        raise Problem(problem_types.NOT_FOUND)
    drawn = io.BytesIO()
    segno.make(document.fee.qr, error="m", micro=False).save(drawn, kind=kind, scale=SCALE)
    return Response(drawn.getvalue(), media_type=media_type)


def _document(hub: Hub, view: SubmissionView, fee: FeeView | None) -> SubmissionDocument:
    document = SubmissionDocument.model_validate(view)
    if fee is None:
        return document
    desk = hub.catalogue.fee_desk
    holder = desk.account.holder if desk is not None and desk.account.number == fee.account else None
    account = PaymentAccount(bank_bin=fee.bank_bin, number=fee.account, holder=holder)
    return document.model_copy(update={"fee": FeeDocument.model_validate(asdict(fee) | {"account": account})})
