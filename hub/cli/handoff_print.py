"""hub handoff print: the official forms of a dossier's handoffs, from what was signed, as a signed PDF."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from typer import Argument, Option

from hub.cli import environment, files, output
from hub.cli.exits import ExitCode, leave
from hub.cli.ids import whole_id

if TYPE_CHECKING:
    from config.catalogue import Catalogue
    from config.officers import Officer
    from hub.app import Hub
    from hub.papers.compose import HandoffPaper, PaperNames
    from hub.papers.forms import ControlSheet, Form, IssuingOffice, MinuteForm
    from hub.papers.sign import Stamp

FormName = Literal["kiem-soat", "bien-ban"]


def print_(
    named: Annotated[
        str, Argument(metavar="HANDOFF|DOSSIER", parser=whole_id, help="hd_…, sub_… or the dossier's code.")
    ],
    out: Annotated[Path | None, Option("--output", "-o", help="Where to write it; else named for the dossier.")] = None,
    form: Annotated[FormName, Option(help="Phiếu kiểm soát of the dossier, or biên bản of one handoff.")] = "kiem-soat",
    officer: Annotated[str | None, Option(help="Who signs, by the roster's id; else who is on duty.")] = None,
    *,
    unsigned: Annotated[bool, Option("--unsigned", help="To be signed by hand, or looked at.")] = False,
    time_stamp: Annotated[
        bool, Option("--time-stamp", help="Ask the time stamping authority too (PAdES B-T).")
    ] = False,
) -> None:
    """Print a form (PDF/A-3) with the signed records inside; the officer signs it, then the Centre's seal."""
    from hub.clock import now
    from hub.papers import render

    with environment.hub() as hub:
        made, department = _form(hub, named, form)
        pdf = render.render(made)
        if not unsigned:
            pdf = signed(hub, pdf, made, signatory(hub, officer, department, now()), time_stamp=time_stamp)
    target = out or Path(f"{form}-{made.dossier_code}.pdf")
    files.write(target, pdf)
    output.say(f"{target}: {made.number}, {len(pdf)} bytes" + (", chưa ký" if unsigned else ", đã ký số"))


def _form(hub: "Hub", named: str, form: FormName) -> "tuple[ControlSheet | MinuteForm, str]":
    """The form's values, and whose dossier it is."""
    from hub.handoffs import history
    from hub.papers import compose
    from hub.signing import custody

    with hub.db.connection() as conn:
        found = history.find(conn, named)
        wanted = found.handoffs if form == "kiem-soat" else _one(found.asked, found.handoffs)
        handed: list[HandoffPaper] = []
        for handoff_id in wanted:
            leaves = custody.about(conn, handoff_id)
            if leaves or form == "bien-ban":  # what is not signed yet is no row of the form yet
                handed.append(compose.HandoffPaper.of(handoff_id, leaves))
    names = _names(hub, found.procedure)
    if form == "bien-ban":
        return compose.minute(handed[0], names), found.department
    return compose.control_sheet(handed, names), found.department


def _one(asked: str | None, handoffs: Sequence[str]) -> Sequence[str]:
    if asked is not None:
        return [asked]
    if len(handoffs) != 1:
        leave(ExitCode.USAGE, f"hub: the dossier has {len(handoffs)} handoffs; name one: {' '.join(handoffs)}")
    return handoffs


def _names(hub: "Hub", procedure: str) -> "PaperNames":
    from hub.papers.compose import PaperNames

    catalogue = hub.catalogue
    known = catalogue.procedures.get(procedure)
    agencies = {one.agency: one.name for one in catalogue.departments.values()}
    return PaperNames(
        office=office(catalogue),
        agencies={catalogue.portal.centre: catalogue.portal.centre_name, **agencies},
        officers={one.id: one.name for one in catalogue.officers.values()},
        procedure=procedure if known is None else known.title,
    )


def office(catalogue: "Catalogue") -> "IssuingOffice":
    """The Centre, as it stands at the head of a form: under the committee of the province that its name ends with."""
    from hub.papers.forms import IssuingOffice

    centre = catalogue.portal.centre_name
    kind = next((one for one in ("tỉnh", "thành phố") if f" {one} " in centre), "")
    place = centre.rpartition(f" {kind} ")[2] if kind else ""
    return IssuingOffice(name=centre, superior=f"UBND {kind} {place}" if place else "", place=place or "…")


def signatory(hub: "Hub", named: str | None, department: str | None, at: datetime) -> "Officer":
    """Who signs a form of ``department`` (None: one of the Centre's own): whom the roster calls so, or who is on duty.

    Raises NotFound, InvalidState, MayNotSign.
    """
    from config.officers import on_duty
    from hub.errors import InvalidState, NotFound

    officers = hub.catalogue.officers
    if named is not None and named not in officers:
        raise NotFound(f"the roster has no officer {named}")
    able = [officers[named]] if named is not None else on_duty(list(officers.values()), department, at)
    chosen = next((one for one in able if not one.signs_elsewhere), None)
    if chosen is None:
        raise InvalidState(
            "no officer on duty has a key here; print it --unsigned and sign it on the officer's own device"
        )
    hub.signer.check_officer(chosen, at, department)
    return chosen


def signed(hub: "Hub", pdf: bytes, made: "Form", officer: "Officer", *, time_stamp: bool) -> bytes:
    """``pdf`` of the form ``made``, signed by the officer and by the Centre's seal. Raises InvalidState."""
    from hub.clock import now
    from hub.errors import InvalidState
    from hub.papers import render, sign
    from hub.signing.verdicts import Invalid, Undecided

    at, centre = now(), hub.catalogue.portal.centre_name
    person = sign.Signatory(hub.keyring.current(officer.key, at), officer.name, "Lập phiếu")
    seal = sign.Signatory(hub.keyring.current(hub.catalogue.signing.seal, at), centre, "Xác nhận của cơ quan")
    stamp = stamp_of(hub) if time_stamp else None
    try:
        return sign.sign(pdf, person, seal, at=at, trust=hub.signer.trust(), places=render.places(made), stamp=stamp)
    except (Invalid, Undecided) as error:
        raise InvalidState(f"nothing was signed: {error}") from None


def stamp_of(hub: "Hub") -> "Stamp":
    """How the first time-stamping authority of the catalogue is asked."""
    ask: Stamp = hub.port(hub.catalogue.signing.stamping[0].counterparty).stamp
    return ask
