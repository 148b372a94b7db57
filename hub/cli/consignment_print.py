"""hub consignment print: the slip of one consignment, or the list of several that a postman takes."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

from typer import Argument, Option

from hub.cli import environment, files, output
from hub.cli.exits import ExitCode, leave
from hub.cli.ids import whole_id

if TYPE_CHECKING:
    from config.catalogue import Catalogue
    from hub.papers.forms import Form, Manifest, PostalAddress, Slip
    from schemas.postal import ConsignmentOrder, Contact

FormName = Literal["phieu-gui", "bang-ke"]
_SERVICES: Final = {"documents": "Gửi hồ sơ", "result": "Nhận kết quả", "both": "Gửi hồ sơ và nhận kết quả"}
"""QĐ 45/2016/QĐ-TTg Article 5"""
_KINDS: Final = {"documents": "bản giấy", "result": "kết quả giải quyết"}


def print_(
    names: Annotated[
        list[str], Argument(metavar="CONSIGNMENT...", parser=whole_id, help="cs_…, order numbers or item codes")
    ],
    out: Annotated[Path | None, Option("--output", "-o", help="Where to write it; else named for the first.")] = None,
    form: Annotated[FormName, Option(help="Phiếu gửi of one, with what is inside; bảng kê of several.")] = "phieu-gui",
    bag: Annotated[str | None, Option(help="Number of the bag, on a bảng kê; unset: the first's order number.")] = None,
) -> None:
    """Print a slip or a list, to be signed by hand. The slip belongs inside the seal: it names the papers."""
    from hub.papers import render

    if form == "phieu-gui" and len(names) != 1:
        leave(ExitCode.USAGE, "hub: a phiếu gửi is of one consignment; for several: --form bang-ke")
    catalogue, rows = _read(names)
    made: Form = _slip(catalogue, *rows[0]) if form == "phieu-gui" else _manifest(catalogue, rows, bag)
    target = out or Path(f"{form}-{rows[0][0]['order_number']}.pdf")
    files.write(target, render.render(made))
    output.say(f"{target}: {made.number}")


def _read(names: list[str]) -> "tuple[Catalogue, list[tuple[dict[str, Any], ConsignmentOrder]]]":
    from hub.consignments import views
    from hub.errors import NotFound
    from hub.handoffs import history

    found = []
    with environment.hub() as hub, hub.db.connection() as conn:
        for name in names:
            row = views.consignment(conn, name)
            if row is None or row["transfer_id"] is None:
                raise NotFound(f"no consignment is called {name}")
            procedures = {history.find(conn, line["dossier_id"]).procedure for line in row["manifest"]}
            known = [hub.catalogue.procedures.get(code) for code in sorted(procedures)]
            row["procedure"] = "; ".join(one.title for one in known if one is not None)
            found.append((row, views.ordered(conn, row["transfer_id"])))
    return hub.catalogue, found


def _slip(catalogue: "Catalogue", row: dict[str, Any], order: "ConsignmentOrder") -> "Slip":
    from hub.cli.handoff_print import office
    from hub.papers.forms import MinuteDocument, Slip

    operator = catalogue.operators[row["operator"]]
    route = operator.routes[row["route_class"]]
    days = route.days_with_slip if row["service"] == "both" else route.days
    lines = row["manifest"]
    return Slip(
        number=f"{row['order_number']}/PG",
        at=row["ordered_at"],
        office=office(catalogue),
        operator=operator.name,
        item_code=row["item_code"] or "…" * 8,
        seal_number=row["seal_number"] or "…" * 6,
        service=_SERVICES[row["service"]],
        sender=_address(order.sender),
        receiver=_address(order.receiver),
        dossier_code=", ".join(dict.fromkeys(line["dossier_code"] for line in lines)),
        procedure=row["procedure"],
        documents=tuple(
            MinuteDocument(line["title"], _KINDS[line["kind"]], line["originals"] + line["copies"]) for line in lines
        ),
        term=f"J+{days} ngày làm việc ({route.title})",
        price=None,
        collect=row["cash"],
    )


def _manifest(
    catalogue: "Catalogue", rows: "list[tuple[dict[str, Any], ConsignmentOrder]]", bag: str | None
) -> "Manifest":
    from hub.cli.handoff_print import office
    from hub.consignments.model import DIRECTIONS, Direction
    from hub.papers.forms import BagItem, Manifest

    first = rows[0][0]
    if len({(row["operator"], row["direction"]) for row, _ in rows}) != 1:
        leave(ExitCode.USAGE, "hub: a bảng kê is of one operator and one direction")
    number = bag or first["order_number"]
    return Manifest(
        number=f"{number}/BK",
        at=max(row["ordered_at"] for row, _ in rows),
        office=office(catalogue),
        operator=catalogue.operators[first["operator"]].name,
        direction=DIRECTIONS[Direction(first["direction"])],
        bag_number=number,
        seal_number=first["seal_number"] or "…" * 6,
        items=tuple(
            BagItem(
                row["item_code"] or "", row["order_number"], _address(order.receiver), weight=0, collect=row["cash"]
            )
            for row, order in rows
        ),
    )


def _address(contact: "Contact") -> "PostalAddress":
    from hub.papers.forms import PostalAddress

    return PostalAddress(contact.name, f"{contact.address}, {contact.province}", contact.phone)
