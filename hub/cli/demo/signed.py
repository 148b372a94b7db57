"""What has to hold of the demo's handoffs and parcels: signed by whoever can sign, carried as the post was told to."""

from collections.abc import Iterable, Iterator

from config.catalogue import Catalogue
from connectors.sandbox.postal_fates import PostalFate
from hub.cli.demo.course import Course, HandoffProgress, Parcel
from hub.cli.demo.trials import SubmissionTrial
from hub.consignments.model import Direction


def findings(trials: Iterable[SubmissionTrial], course: Course, catalogue: Catalogue) -> list[str]:
    """What does not hold, a sentence each."""
    handed = {one.dossier_id: one for one in course.handed}
    parcels = {(one.dossier_id, Direction(one.direction)): one for one in course.parcels}
    return [
        f"{trial.code} ({trial.fate.name}): {finding}"
        for trial in trials
        if (leg := course.legs.get(trial.reference))
        for finding in (
            *_handoff(trial, handed.get(leg.id), catalogue.departments[trial.department].signing.signs),
            *_parcel(trial.parcel, parcels.get((leg.id, Direction.RESULT_TO_CITIZEN)), "result"),
            *_parcel(trial.papers, parcels.get((leg.id, Direction.CENTRE_TO_DEPARTMENT)), "papers"),
        )
    ]


def _handoff(trial: SubmissionTrial, handed: HandoffProgress | None, signs: bool) -> Iterator[str]:
    if handed is None:
        yield "has no handoff"
    elif not handed.signed:
        yield "its handoff is not signed"
    elif trial.fate.transfer != "refused" and signs and not handed.countersigned:
        yield "its department can sign and has not"


def _parcel(fate: PostalFate | None, parcel: Parcel | None, what: str) -> Iterator[str]:
    if fate is None and parcel is not None:
        yield f"has a consignment of {what}, should have none"
    elif fate is not None and parcel is None:
        yield f"has no consignment of {what}, should have one"
    elif fate is not None and parcel is not None and parcel.status != fate.status:
        yield f"the consignment of its {what} ends as {parcel.status}, should be {fate.status}"
