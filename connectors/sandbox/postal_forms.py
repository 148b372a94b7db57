"""The order's form as a sandbox operator reads it, and its answers. A field that is not on the form is refused.

So the sandbox is a witness of confidentiality: whatever we would say about the matter comes back as a fault.
"""

import hashlib
import json
from http import HTTPStatus
from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from config.catalogue import Operator
from connectors.sandbox.department import DepartmentBusy, Faulty, Garbled, Silent
from connectors.sandbox.postal_operator import OperatorReply, OrderReply, ParsedOrder, PostalOperatorServer
from connectors.sandbox.server import NoAnswer
from schemas import strict

PAGE: Final = "<!doctype html><title>Gateway</title><p>sandbox: a page instead of an answer"

Line = Annotated[str, Field(min_length=1, max_length=255)]


class Form(BaseModel):
    """An order by the older dialect. The names are the operator's."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    CustomerCode: Line
    OrderNumber: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", max_length=50)]
    CODAmount: Annotated[int, Field(ge=0)] = 0
    SenderProvince: int
    SenderDistrict: int
    SenderAddress: Line
    SenderName: Line
    SenderTel: Line
    ReceiverProvince: int
    ReceiverDistrict: int | None = None
    ReceiverAddress: Line
    ReceiverName: Line
    ReceiverTel: Line


class LgspForm(Form):
    """An order by the newer dialect, without an item code. The callback's address is our own addition."""

    FlagConfig: int
    CallbackUrl: Annotated[str, Field(max_length=500)] | None = None


class CodedForm(LgspForm):
    """The same with a pre-printed item code."""

    ItemCode: Annotated[str, Field(pattern=r"^[A-Z]{2}[0-9]{9}[A-Z]{2}$")]


async def read(request: Request, form: type[Form], operator: Operator) -> ParsedOrder:
    """The order. Raises strict.Refused for what is not on the form, or is another customer's."""
    body = await request.body()
    document = strict.parse(body)
    try:
        filled = form.model_validate(document)
    except ValidationError as error:
        raise strict.Refused(strict.faults_of(error)) from None
    if filled.CustomerCode != operator.customer_code:
        raise strict.Refused([strict.Fault("/CustomerCode", "unknown", "is no customer of this operator")])
    return ParsedOrder(
        order_number=filled.OrderNumber,
        item_code=getattr(filled, "ItemCode", None),
        cash=filled.CODAmount,
        fields=sorted(filled.model_fields_set),
        digest=hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest(),
        callback_url=getattr(filled, "CallbackUrl", None),
    )


def answered(server: PostalOperatorServer, reply: OrderReply, *, with_item_code: bool) -> Response:
    """The reply as both dialects say it: Status and Message."""
    match reply:
        case OperatorReply():
            return JSONResponse(_payload(server.operator, reply, with_item_code=with_item_code))
        case DepartmentBusy(seconds):
            return PlainTextResponse("busy\n", HTTPStatus.SERVICE_UNAVAILABLE, {"Retry-After": str(seconds)})
        case Faulty():
            return PlainTextResponse("fault\n", HTTPStatus.INTERNAL_SERVER_ERROR)
        case Garbled():
            return Response(PAGE, media_type="text/html")
        case Silent():
            return NoAnswer(server.runtime, server.runtime.environment.hang_seconds)


def malformed(refused: strict.Refused) -> Response:
    """Where the faults are; never what was said."""
    return JSONResponse(
        {"errors": [f"{fault.pointer}: {fault.code}" for fault in refused.faults]}, HTTPStatus.BAD_REQUEST
    )


def _payload(operator: Operator, reply: OperatorReply, *, with_item_code: bool) -> dict[str, Any]:
    """Status by the catalogue's [answers] read backwards; where it has no word for it, by one that it lacks."""
    status = next((code for code, meaning in operator.answers.items() if meaning is reply.answer), "unlisted")
    payload = {"Status": status, "Message": reply.message}
    return payload | {"ItemCode": reply.item_code} if with_item_code and reply.item_code else payload
