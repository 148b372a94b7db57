"""Fees of a submission as the portal shows them to a payer, and the VietQR picture that a banking app reads."""

import io
from collections.abc import Sequence
from dataclasses import asdict
from typing import Final

import segno
from fastapi import APIRouter, Depends, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from hub.app import Hub
from hub.dossiers.portal_view import SubmissionView
from hub.fees.demands import demand_store
from hub.fees.demands.demand_store import FeeView
from hub.http import guards, ingest, long_poll, openapi, problem_types
from hub.http.answers import FeeDocument, PaymentAccount, SubmissionDocument
from hub.http.problems import Problem

reads: Final = APIRouter(tags=["portal"], dependencies=[Depends(guards.portal_read), Depends(ingest.known_parameters)])

SCALE: Final = 8
"""pixels of a module"""
SVG: Final = "image/svg+xml"
PNG: Final = "image/png"


def documents(hub: Hub, submissions: Sequence[SubmissionView]) -> list[SubmissionDocument]:
    """Submissions with their fees.

    Fees are read last: a fee that is newer than its submission's version comes again with the next version.
    """
    with ingest.connection(hub) as conn:
        fees = demand_store.of_dossiers(conn, [view.id for view in submissions])
    return [_document(hub, view, fees.get(view.id)) for view in submissions]


@reads.head("/v1/submissions/{submission_id}/payment.svg", include_in_schema=False)
@reads.get(
    "/v1/submissions/{submission_id}/payment.svg",
    responses=openapi.picture(SVG, *problem_types.OF_A_READ, problem_types.NOT_FOUND),
    response_class=Response,
    openapi_extra=openapi.extra(security=("httpSignature",)),
)
async def payment_svg(request: Request, submission_id: str) -> Response:
    """The VietQR code of what is to be paid, as SVG. 404 where nothing is to be paid."""
    return await _picture(request, submission_id, "svg", SVG)


@reads.head("/v1/submissions/{submission_id}/payment.png", include_in_schema=False)
@reads.get(
    "/v1/submissions/{submission_id}/payment.png",
    responses=openapi.picture(PNG, *problem_types.OF_A_READ, problem_types.NOT_FOUND),
    response_class=Response,
    openapi_extra=openapi.extra(security=("httpSignature",)),
)
async def payment_png(request: Request, submission_id: str) -> Response:
    """The VietQR code of what is to be paid, as PNG. 404 where nothing is to be paid."""
    return await _picture(request, submission_id, "png", PNG)


async def _picture(request: Request, submission_id: str, kind: str, media_type: str) -> Response:
    view = await long_poll.look(request, submission_id)
    [document] = await run_in_threadpool(documents, ingest.hub(request), [view])
    if document.fee is None or document.fee.qr is None:
        raise Problem(problem_types.NOT_FOUND)
    image = io.BytesIO()
    segno.make(document.fee.qr, error="m", micro=False).save(image, kind=kind, scale=SCALE)
    return Response(image.getvalue(), media_type=media_type)


def _document(hub: Hub, view: SubmissionView, fee: FeeView | None) -> SubmissionDocument:
    document = SubmissionDocument.model_validate(view)
    if fee is None:
        return document
    fee_settings = hub.catalogue.fee_settings
    holder = (
        fee_settings.account.holder if fee_settings is not None and fee_settings.account.number == fee.account else None
    )
    account = PaymentAccount(bank_bin=fee.bank_bin, number=fee.account, holder=holder)
    return document.model_copy(update={"fee": FeeDocument.model_validate(asdict(fee) | {"account": account})})
