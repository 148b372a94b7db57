"""What may be submitted: the Centre's procedures with their papers and today's fees, as the catalogue has them."""

from datetime import date
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from config.procedure import Procedure
from hub import clock
from hub.http import guards, ingest, openapi, problem_types
from schemas.portal import FeeKind
from schemas.values import Dong

reads: Final = APIRouter(tags=["portal"], dependencies=[Depends(guards.portal_read), Depends(ingest.known_parameters)])


class PaperDocument(BaseModel):
    """A paper that the procedure asks for."""

    model_config = ConfigDict(from_attributes=True)

    code: Annotated[str, Field(examples=["giay-de-nghi"])]
    title: str


class ProcedureFeeDocument(BaseModel):
    """A fee in force today, đồng."""

    model_config = ConfigDict(from_attributes=True)

    code: str
    kind: FeeKind
    title: str
    amount: Dong


class ExemptionDocument(BaseModel):
    """Whom a submission may name in ``exemption``, and by which provision he pays nothing."""

    model_config = ConfigDict(from_attributes=True)

    code: str
    title: str
    basis: str


class ProcedureDocument(BaseModel):
    """A procedure (thủ tục hành chính) that may be submitted."""

    code: Annotated[str, Field(examples=["1.002010"])]
    title: str
    department: Annotated[str, Field(description="who decides it", examples=["so-tu-phap"])]
    department_name: str
    working_hours: Annotated[int, Field(description="legal duration; 8 make a working day")]
    pay: Annotated[str, Field(description="first: the dossier waits for its fees; later; none", examples=["first"])]
    by_post: bool
    papers: list[PaperDocument]
    fees: list[ProcedureFeeDocument]
    exemptions: list[ExemptionDocument]


class ProcedureList(BaseModel):
    """Every procedure of the Centre's catalogue, by code."""

    data: list[ProcedureDocument]


@reads.head("/v1/procedures", include_in_schema=False)
@reads.get(
    "/v1/procedures",
    responses=openapi.answers(200, ProcedureList, *problem_types.OF_A_READ),
    response_class=Response,
    openapi_extra=openapi.extra(security=("httpSignature",)),
)
async def procedures(request: Request) -> Response:
    """The procedures that may be submitted, with their papers, today's fees and exemptions."""
    catalogue, today = ingest.hub(request).catalogue, clock.local(clock.now()).date()
    documents = [
        _document(procedure, catalogue.departments[procedure.department].name, today)
        for _, procedure in sorted(catalogue.procedures.items())
    ]
    return ingest.json_response(ProcedureList(data=documents))


def _document(procedure: Procedure, department_name: str, today: date) -> ProcedureDocument:
    return ProcedureDocument(
        code=procedure.code,
        title=procedure.title,
        department=procedure.department,
        department_name=department_name,
        working_hours=procedure.working_hours,
        pay=procedure.pay,
        by_post=procedure.by_post,
        papers=[PaperDocument.model_validate(paper) for paper in procedure.papers],
        fees=[ProcedureFeeDocument.model_validate(fee) for fee in procedure.fees_on(today)],
        exemptions=[ExemptionDocument.model_validate(one) for one in procedure.exemptions],
    )
