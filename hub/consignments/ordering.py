"""Order consignments: papers to the department, results to the citizen, and what an officer wants carried."""

from dataclasses import dataclass
from typing import Any, Final

from config.parties import PostSettings
from config.postal import Operator
from hub.audit import AuditAction
from hub.consignments import attention, service
from hub.consignments.attention import RaisedConcern
from hub.consignments.model import Concern, Direction, ItemKind, ManifestItem, Service
from hub.consignments.service import ConsignmentRequest
from hub.db import one
from hub.errors import InvalidState, NotFound
from hub.events import Event, HandoffPrepared, StatusMoved
from hub.locale import vi
from hub.unit_of_work import UnitOfWork
from schemas.identifiers import DossierCode, Prefix, is_id
from schemas.portal import Address
from schemas.postal import Contact

CARRIER: Final = "post"
RESOLVED: Final = "resolved"

_OUTSTANDING: Final = """
SELECT coalesce(sum(amount_due - waived - allocated), 0) AS amount FROM fee_demand
WHERE dossier_id = %s AND status IN ('issued', 'part_paid', 'reopened')
"""
"""the unpaid rest of the dossier's fees, to be collected on delivery"""


@dataclass(frozen=True, slots=True)
class DeliveryRequest:
    """What is to be sent by post, and how. None: as the catalogue's [post] or the dossier says."""

    direction: Direction
    dossiers: tuple[str, ...]
    """ids or codes; more than one make a bag"""
    service: Service | None = None
    operator: str | None = None
    route_class: str | None = None
    from_department: str | None = None
    to_department: str | None = None
    cash: int | None = None
    """đồng to collect from the receiver; None: with a result, what is outstanding of the dossier's fees"""
    seal_number: str | None = None
    item_code: str | None = None


def carry_papers(uow: UnitOfWork, event: HandoffPrepared) -> list[Event]:
    """Order the transport of a handoff's paper originals from the Centre to the department, if they go by post.

    Posting them submits nothing: the legal time is that of the minute signed at the department (QĐ 45/2016 Đ7.3).
    """
    if event.carrier != CARRIER:
        return []
    dossier = _dossier(uow, event.dossier_id)
    request = DeliveryRequest(Direction.CENTRE_TO_DEPARTMENT, (event.dossier_id,))
    _order_or_ask(uow, dossier, request, handoff_id=event.handoff_id)
    return []


def send_result(uow: UnitOfWork, event: StatusMoved) -> list[Event]:
    """Order the transport of a resolved dossier's result to its applicant, if wanted by post; once."""
    if uow.catalogue.portal.post is None or event.status != RESOLVED:
        return []
    if uow.submission(event.dossier_id).result.method != CARRIER:
        return []
    dossier = _dossier(uow, event.dossier_id)
    sent = uow.unflushed.execute(
        "SELECT 1 FROM consignment c JOIN consignment_item i ON i.consignment_id = c.id"
        " WHERE i.dossier_id = %s AND c.direction = %s",
        (event.dossier_id, Direction.RESULT_TO_CITIZEN),
    ).fetchone()
    if sent is None:
        _order_or_ask(uow, dossier, DeliveryRequest(Direction.RESULT_TO_CITIZEN, (event.dossier_id,)))
    return []


def arrange(uow: UnitOfWork, request: DeliveryRequest, *, handoff_id: str | None = None) -> str:
    """Order the consignment; its id. Raises NotFound, or InvalidState saying what is missing."""
    post = uow.catalogue.portal.post
    if post is None:
        raise InvalidState("portal.toml has no [post]: the Centre has no address and no operator")
    code = request.operator or post.operator
    operator = uow.catalogue.operators.get(code)
    if operator is None:
        raise NotFound(f"the catalogue has no postal operator {code!r}")
    dossiers = _dossiers(uow, request.dossiers)
    sender, receiver = _ends(uow, request, dossiers, post)
    for end in (sender, receiver):
        if operator.province(end.province) is None:
            raise InvalidState(f"{code} has no number for the province of the sender or receiver")
    if request.item_code and not operator.takes_item_codes:
        raise InvalidState(f"{code} gives its own item codes: its orders have no place for ours")
    route = request.route_class or (post.inside if sender.province == receiver.province else post.outside)
    if route not in operator.routes:
        raise InvalidState(f"{code} has no class of routes {route!r}")
    cash = _cash(uow, request, dossiers, operator)
    consignment = service.order(
        uow,
        ConsignmentRequest(
            operator=code,
            direction=request.direction,
            service=request.service or _service(request.direction),
            items=tuple(item for dossier in dossiers for item in _items(uow, dossier, request.direction)),
            sender=sender,
            receiver=receiver,
            route_class=route,
            cash=cash,
            seal_number=request.seal_number,
            item_code=request.item_code,
            handoff_id=handoff_id,
        ),
    )
    for dossier in dossiers:
        attention.mended(uow.conn, dossier["id"], Concern.NOT_ORDERED, occasion=request.direction)
    return consignment


def _order_or_ask(
    uow: UnitOfWork, dossier: dict[str, Any], request: DeliveryRequest, *, handoff_id: str | None = None
) -> None:
    """What follows from a dossier by itself must not stop it: where nothing can be ordered, a person is asked to."""
    try:
        arrange(uow, request, handoff_id=handoff_id)
    except (NotFound, InvalidState) as error:
        uow.write_audit(dossier["id"], AuditAction.DOSSIER_CONSIGNMENT_NOT_ORDERED, reason=str(error))
        attention.call_for(uow.conn, dossier["id"], RaisedConcern(Concern.NOT_ORDERED, request.direction))


def _dossier(uow: UnitOfWork, name: str) -> dict[str, Any]:
    """By id or code, locked. Raises NotFound."""
    return _dossiers(uow, (name,))[0]


def _dossiers(uow: UnitOfWork, names: tuple[str, ...]) -> list[dict[str, Any]]:
    """Each once, as they are named; locked in one order, so that no two bags wait for each other."""
    ids = list(dict.fromkeys(_id(uow, name) for name in names))
    rows = uow.conn.execute(
        "SELECT id, code, raw_code, reference, procedure, department, status, received_at, due_at, released_at"
        " FROM dossier WHERE id = ANY(%s) ORDER BY id FOR UPDATE",
        (ids,),
    ).fetchall()
    return sorted(rows, key=lambda row: ids.index(row["id"]))


def _id(uow: UnitOfWork, name: str) -> str:
    column, value = ("id", name) if is_id(name, Prefix.SUBMISSION) else ("code", _normalised(name))
    row = uow.conn.execute(f"SELECT id FROM dossier WHERE {column} = %s", (value,)).fetchone()
    if row is None:
        raise NotFound(f"no dossier is called {name}")
    return str(row["id"])


def _normalised(name: str) -> str:
    try:
        return DossierCode.received(name).normalised
    except ValueError as error:
        raise NotFound(str(error)) from None


def _ends(
    uow: UnitOfWork, request: DeliveryRequest, dossiers: list[dict[str, Any]], post: PostSettings
) -> tuple[Contact, Contact]:
    """Sender and receiver. Raises InvalidState where one of them has no address or phone."""
    match request.direction:
        case Direction.CITIZEN_TO_CENTRE:
            return _applicant(uow, dossiers, to_result=False), post.contact
        case Direction.RESULT_TO_CITIZEN:
            return post.contact, _applicant(uow, dossiers, to_result=True)
        case Direction.CENTRE_TO_DEPARTMENT:
            return post.contact, _department(uow, request.to_department or _decider(dossiers))
        case Direction.DEPARTMENT_TO_CENTRE:
            return _department(uow, request.from_department or _decider(dossiers)), post.contact
        case Direction.AGENCY_TO_AGENCY:
            if request.from_department is None or request.to_department is None:
                raise InvalidState("between agencies: say from which department and to which")
            return _department(uow, request.from_department), _department(uow, request.to_department)


def _decider(dossiers: list[dict[str, Any]]) -> str:
    deciders = {str(dossier["department"]) for dossier in dossiers}
    if len(deciders) > 1:
        raise InvalidState("the dossiers are not of one department: say which")
    return deciders.pop()


def _department(uow: UnitOfWork, code: str) -> Contact:
    department = uow.catalogue.departments.get(code)
    if department is None:
        raise NotFound(f"the catalogue has no department {code!r}")
    if department.post is None:
        raise InvalidState(f"the department {code} has no [post] address in the catalogue")
    return department.post


def _applicant(uow: UnitOfWork, dossiers: list[dict[str, Any]], *, to_result: bool) -> Contact:
    """The applicant, at the address for the result or at home. Raises InvalidState without a phone number."""
    if len(dossiers) > 1:
        raise InvalidState("one citizen's dossiers travel one by one: say one")
    submission = uow.submission(dossiers[0]["id"])
    applicant = submission.applicant
    if applicant.phone is None:
        raise InvalidState("the applicant has left no phone number, and the postman needs one")
    result_address = submission.result.address if to_result else None
    address = result_address or applicant.address
    return Contact(
        name=applicant.name, phone=applicant.phone, address=_line(address), province=address.province.strip()
    )


def _line(address: Address) -> str:
    line = f"{address.detail.strip()}, {address.commune.strip()}"
    if len(line) > 255:  # noqa: PLR2004 - schemas.values.Short
        raise InvalidState("the address is longer than a label")
    return line


def _cash(uow: UnitOfWork, request: DeliveryRequest, dossiers: list[dict[str, Any]], operator: Operator) -> int:
    """What the postman is to collect. Raises InvalidState where he is told to and cannot."""
    collects = operator.remits_within_working_days is not None and uow.catalogue.fee_settings is not None
    if request.cash and not collects:
        raise InvalidState(
            vi(
                "{code} collects no cash on delivery: the operator's TOML has no remits_within_working_days",
                code=operator.code,
            )
        )
    if request.cash is not None or not collects or request.direction is not Direction.RESULT_TO_CITIZEN:
        return request.cash or 0
    return int(one(uow.conn, _OUTSTANDING, (dossiers[0]["id"],))["amount"])


def _service(direction: Direction) -> Service:
    return Service.RESULT if direction is Direction.RESULT_TO_CITIZEN else Service.DOCUMENTS


def _items(uow: UnitOfWork, dossier: dict[str, Any], direction: Direction) -> list[ManifestItem]:
    """The manifest's lines of one dossier, in the catalogue's words."""
    procedure = uow.catalogue.procedures.get(dossier["procedure"])
    if direction in (Direction.RESULT_TO_CITIZEN, Direction.DEPARTMENT_TO_CENTRE):
        title = procedure.title if procedure else str(dossier["procedure"])
        return [ManifestItem(dossier["id"], ItemKind.RESULT, title)]
    titles = {paper.code: paper.title for paper in procedure.papers} if procedure else {}
    papers = uow.submission(dossier["id"]).papers
    return [ManifestItem(dossier["id"], ItemKind.DOCUMENTS, titles.get(paper.code, paper.code)) for paper in papers]
