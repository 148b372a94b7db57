"""A dossier that has not gone out is ended by a person: the applicant takes it back, or nobody pays for it."""

from hub.dossiers import store
from hub.dossiers.model import LIFECYCLE, Status
from hub.errors import NotFound, NotNow
from hub.events import Event, StatusMoved
from hub.work import Work


def end(work: Work, dossier_id: str, to: Status, reason: str) -> tuple[None, list[Event]]:
    """Withdrawn or stopped. Raises NotFound, or NotNow once it has gone out: from then on its department ends it."""
    try:
        dossier = store.lock(work.conn, dossier_id)
    except LookupError:
        raise NotFound(f"no dossier has the id {dossier_id}") from None
    if dossier.released_at is not None:
        raise NotNow("the dossier has gone out: its department ends it")
    if to not in (Status.WITHDRAWN, Status.STOPPED) or to not in LIFECYCLE.moves[dossier.stands]:
        raise NotNow(f"a dossier that is {dossier.status} cannot be {to}")
    store.move(work.conn, dossier, to, at=work.now, reason=reason)
    work.note(dossier.id, "ended", before=dossier.status, after=to, reason=reason)
    return None, [StatusMoved(dossier.id)]
