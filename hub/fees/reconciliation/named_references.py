"""Which demand a notification names: the door that answers and the handler that books read it here alike."""

from hub.fees.ledger.normalise import normalise
from hub.fees.reconciliation.matching.references import MatchMethod
from hub.fees.reconciliation.matching.references import references as written_in
from schemas.payment import Notification
from schemas.payment_reference import is_reference


def references(said: Notification, prefix: str | None) -> list[str]:
    """The references of ours that it names, with their check digits right; ``prefix``: the letters of ours.

    What we gave the provider goes before words.
    """
    if said.reference is not None and is_reference(said.reference):
        return [said.reference]
    return [value for value in _written(said, prefix) if prefix and value.startswith(prefix)]


def is_of_others(said: Notification, prefix: str | None) -> bool:
    """It names another centre's demand, and nothing that could be one of ours."""
    return bool(_written(said, prefix)) and not references(said, prefix)


def _written(said: Notification, prefix: str | None) -> list[str]:
    """Whatever is written like a reference, of whichever centre."""
    if prefix is None:
        return []
    clues = written_in(normalise(f"{said.reference or ''} {said.text}"), (prefix,))
    return [clue.value for clue in clues if clue.how is MatchMethod.STRICT]
