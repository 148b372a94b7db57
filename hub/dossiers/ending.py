"""A dossier that has not gone out is ended by a person: the applicant takes it back, or nobody pays for it."""

from hub.dossiers import store
from hub.dossiers.model import LIFECYCLE, DossierStatus
from hub.errors import InvalidState, NotFound
from hub.events import Event, StatusMoved
from hub.unit_of_work import UnitOfWork


def end(uow: UnitOfWork, dossier_id: str, to: DossierStatus, reason: str) -> tuple[None, list[Event]]:
    """Withdrawn or stopped.

    Raises NotFound, or InvalidState once it has gone out: from then on its department ends it.
    """
    try:
        dossier = store.lock(uow.conn, dossier_id)
    except LookupError:
        raise NotFound(f"no dossier has the id {dossier_id}") from None
    if dossier.released_at is not None:
        raise InvalidState("the dossier has gone out: its department ends it")
    if to not in (DossierStatus.WITHDRAWN, DossierStatus.STOPPED) or to not in LIFECYCLE.moves[dossier.stands]:
        raise InvalidState(f"a dossier that is {dossier.status} cannot be {to}")
    store.move(uow.conn, dossier, to, at=uow.now, reason=reason)
    uow.note(dossier.id, "ended", before=dossier.status, after=to, reason=reason)
    return None, [StatusMoved(dossier.id)]
