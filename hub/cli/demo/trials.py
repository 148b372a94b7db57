"""Submissions of the demo: invented applicants, procedures of the catalogue, magic dossiers, payment scenarios."""

import base64
import hashlib
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum
from itertools import cycle, islice
from pathlib import Path
from typing import Any, Final

from config.catalogue import Catalogue, Pay, Procedure
from connectors.sandbox.dossier_behaviours import DossierBehaviour, dossier_behaviour_of
from connectors.sandbox.postal_behaviours import PostalBehaviour, postal_behaviour_of
from hub.clock import now
from schemas.handoff import Carrier
from schemas.identifiers import DossierCode
from schemas.portal import (
    Address,
    Applicant,
    ApplicantKind,
    Channel,
    DeclaredFee,
    Identity,
    Paper,
    ResultWish,
    Submission,
)


class PaymentScenario(StrEnum):
    """How somebody pays."""

    EXACT = "exact"
    SHORT = "short"
    OVER = "over"
    TWICE = "twice"
    UNREADABLE = "unreadable"
    TAKEN_BACK = "taken back"
    LOST = "lost"


TROUBLES: Final = (
    PaymentScenario.SHORT,
    PaymentScenario.OVER,
    PaymentScenario.TWICE,
    PaymentScenario.UNREADABLE,
    PaymentScenario.TAKEN_BACK,
    PaymentScenario.LOST,
    PaymentScenario.LOST,
)
"""One of each trouble of a bank day, and a second notification that is lost."""


HEALING: Final = ("9003", "9004", "9005", "9006", "9009", "9011", "9012")
"""Suffixes of what goes wrong and heals by itself; each at every department, the slowest first."""
REFUSED: Final = "9002"
REFUSALS: Final = 2
CARRIED: Final = ("9101", "9102", "9103", "9104", "9105", "9106", "9109")
"""Suffixes of parcels: delivered, twice in vain, lost, damaged, told twice, out of order, a token that runs out."""
PREFIXES: Final = 100
"""The portal's serial has six digits here: two say which run and department, four the number or the magic suffix."""
ENTERPRISE_ONE_IN: Final = 7


@dataclass(frozen=True, slots=True)
class SubmissionTrial:
    """One submission of the demo, and what is going to become of it."""

    submission: Submission
    code: str
    """the dossier's code, normalised"""
    department: str
    behaviour: DossierBehaviour
    parcel: PostalBehaviour | None
    """what the post does with its result; None: it does not go by post"""
    papers: PostalBehaviour | None
    """what the post does with its papers, on their way to the department"""
    way: PaymentScenario | None = None
    """how its fee is paid before it goes out; None: it is not paid first"""

    @property
    def reference(self) -> str:
        return self.submission.reference


def runs_a_day(catalogue: Catalogue) -> int:
    """How often the demo can run on one day before its dossier codes are used up."""
    return PREFIXES // len(catalogue.departments)


def trials(catalogue: Catalogue, day: date, run: int, count: int) -> list[SubmissionTrial]:
    """``count`` submissions; the same for the same day and run, and none in common with another's."""
    first_prefix = run * len(catalogue.departments)
    serials = islice(_serials(catalogue, first_prefix), count)
    people = tomllib.loads(Path(__file__).with_name("people.toml").read_text(encoding="utf-8"))
    drafts = [
        _trial(catalogue, people, procedure, f"{catalogue.portal.centre}-{day:%y%m%d}-{serial}", number)
        for number, (procedure, serial) in enumerate(serials)
    ]
    return _paid(catalogue, drafts)


def _paid(catalogue: Catalogue, drafts: list[SubmissionTrial]) -> list[SubmissionTrial]:
    """Who pays first, and how: the troubles go to ordinary dossiers, as far as there are some."""
    first = [trial for trial in drafts if catalogue.procedures[trial.submission.procedure].pay is Pay.FIRST]
    ordinary = sorted(first, key=lambda trial: bool(trial.behaviour.suffix or trial.parcel or trial.papers))
    troubles = {trial.code: way for trial, way in zip(ordinary, TROUBLES, strict=False)}
    ways = {trial.code: troubles.get(trial.code, PaymentScenario.EXACT) for trial in first}
    return [replace(trial, way=ways.get(trial.code)) for trial in drafts]


def _serials(catalogue: Catalogue, first_prefix: int) -> Iterator[tuple[Procedure, str]]:
    """Magic dossiers first, because they take longest; then ordinary ones over all procedures in turn."""
    offered = {
        code: cycle([procedure for procedure in catalogue.procedures.values() if procedure.department == code])
        for code in catalogue.departments
    }
    for suffix in HEALING:
        for number, code in enumerate(offered):
            yield next(offered[code]), f"{first_prefix + number:02}{suffix}"
    for number, code in enumerate(list(offered)[:REFUSALS]):
        # Nobody in the demo pays for what is refused.
        later = (procedure for procedure in offered[code] if procedure.pay is not Pay.FIRST)
        yield next(later), f"{first_prefix + number:02}{REFUSED}"
    by_post = cycle([procedure for procedure in catalogue.procedures.values() if procedure.by_post])
    for suffix in CARRIED:
        yield next(by_post), f"{first_prefix:02}{suffix}"
    for number, procedure in enumerate(cycle(catalogue.procedures.values()), start=1):
        yield procedure, f"{first_prefix:02}{number:04}"


def _trial(
    catalogue: Catalogue, people: dict[str, Any], procedure: Procedure, raw: str, number: int
) -> SubmissionTrial:
    code = DossierCode.received(raw)
    submission = Submission(
        reference=f"demo-{code.day:%y%m%d}-{code.serial:06}",
        dossier_code=raw,
        procedure=procedure.code,
        channel=Channel.ONLINE if number % 3 else Channel.COUNTER,
        submitted_at=now(),
        applicant=_applicant(people, number),
        summary=_pick(people["summaries"].get(procedure.code, [procedure.title[:1000]]), number),
        papers=[
            _paper(paper.code, paper.title, raw, inline=place == 0) for place, paper in enumerate(procedure.papers)
        ],
        fees=[DeclaredFee(code=fee.code, kind=fee.kind, amount=fee.amount) for fee in procedure.fees_on(code.day)],
        result=_wish(people, number, raw) if procedure.by_post else ResultWish(method="electronic"),
    )
    department = catalogue.departments[procedure.department]
    behaviour = dossier_behaviour_of(raw, procedure.code)
    parcel = (
        postal_behaviour_of(raw) if submission.result.method == "post" and behaviour.transfer != "refused" else None
    )
    papers = postal_behaviour_of(raw) if procedure.carrier is Carrier.POST else None
    return SubmissionTrial(submission, code.normalised, department.code, behaviour, parcel, papers)


def _applicant(people: dict[str, Any], number: int) -> Applicant:
    if number % ENTERPRISE_ONE_IN == 0:
        kind, name = ApplicantKind.ENTERPRISE, f"{_pick(people['companies'], number)} {number:03}"
        identity = Identity(kind="tax_code", number=f"00000000{number % 100:02}")
    else:
        kind = ApplicantKind.CITIZEN
        parts = (people["surnames"], number), (people["middles"], number // 3), (people["givens"], number // 7)
        name = " ".join(_pick(*part) for part in parts)
        identity = Identity(kind="cccd", number=f"{number:012}")
    return Applicant(
        kind=kind,
        name=name,
        identity=identity,
        phone=f"0000000{number % 1000:03}",
        email=f"nguoi-nop-{number:03}@vi-du.example",
        address=_address(people, number),
    )


def _address(people: dict[str, Any], number: int) -> Address:
    return Address(
        province=people["province"],
        commune=_pick(people["communes"], number),
        detail=f"Số {number % 90 + 1}, {_pick(people['hamlets'], number // 5)}",
    )


def _wish(people: dict[str, Any], number: int, raw: str) -> ResultWish:
    match 0 if raw.endswith(CARRIED) else number % 3:
        case 0:
            return ResultWish(method="post", address=_address(people, number))
        case 1:
            return ResultWish(method="counter")
        case _:
            return ResultWish(method="electronic")


def _paper(code: str, title: str, dossier_code: str, *, inline: bool) -> Paper:
    """The first paper of a dossier travels inside, the others by reference into the portal's store."""
    data = f"Tài liệu mẫu để diễn tập, không có giá trị sử dụng.\n{title}\n{dossier_code}\n".encode()
    place: dict[str, str] = (
        {"content": base64.b64encode(data).decode()} if inline else {"reference": f"kho-mau/{dossier_code}/{code}.pdf"}
    )
    return Paper(
        code=code,
        name=title[:255],
        media_type="text/plain" if inline else "application/pdf",
        size=len(data),
        sha256=hashlib.sha256(data).hexdigest(),
        reference=place.get("reference"),
        content=place.get("content"),
    )


def _pick(choices: list[str], number: int) -> str:
    return choices[number % len(choices)]
