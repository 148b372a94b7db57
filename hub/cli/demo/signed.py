"""What has to hold of the demo's handoffs and parcels: signed by whoever can sign, carried as the post was told to."""

from collections.abc import Iterable, Iterator

from config.catalogue import Catalogue
from hub.cli.demo.course import Course, Handed, Parcel
from hub.cli.demo.trials import Trial
from schemas.identifiers import DossierCode


def findings(trials: Iterable[Trial], course: Course, catalogue: Catalogue) -> list[str]:
    """What does not hold, a sentence each."""
    handed = {one.dossier_id: one for one in course.handed}
    parcels = {DossierCode.received(one.order_number).normalised: one for one in course.parcels}
    return [
        f"{trial.code} ({trial.fate.name}): {finding}"
        for trial in trials
        if (leg := course.legs.get(trial.reference))
        for finding in (
            *_handoff(trial, handed.get(leg.id), catalogue.departments[trial.department].signing.signs),
            *_parcel(trial, parcels.get(trial.code)),
        )
    ]


def _handoff(trial: Trial, handed: Handed | None, signs: bool) -> Iterator[str]:
    if handed is None:
        yield "has no handoff"
    elif not handed.signed:
        yield "its handoff is not signed"
    elif trial.fate.transfer != "refused" and signs and not handed.countersigned:
        yield "its department can sign and has not"


def _parcel(trial: Trial, parcel: Parcel | None) -> Iterator[str]:
    if trial.parcel is None or parcel is None:
        if (trial.parcel is None) != (parcel is None):
            yield f"has {'no' if parcel is None else 'a'} consignment, should have {'none' if parcel else 'one'}"
    elif parcel.status != trial.parcel.status:
        yield f"its consignment ends as {parcel.status}, should be {trial.parcel.status}"
