"""Reads for people: handoffs, what is missing before each is complete, and what could not be signed."""

from dataclasses import dataclass
from typing import Any, Final

from hub.codes import HubCode
from hub.db import Connection
from hub.errors import NotFound
from hub.handoffs.store import HandoffStatus
from hub.locale import vi

Row = dict[str, Any]

UNSIGNABLE: Final = (
    HubCode.OFFICER_MAY_NOT_SIGN,
    HubCode.KEY_UNAVAILABLE,
    HubCode.CERTIFICATE_REFUSED,
    HubCode.REVOCATION_UNKNOWN,
)
"""codes for which a submission waits in the inbox before it has become a handoff"""

_HANDOFFS: Final = """
SELECT h.id, d.code AS dossier_code, h.dossier_id, h.leg, h.act, h.department, h.carrier, h.officer, h.status, h.result,
    h.number, h.transfer_id, h.prepared_at, h.answered_at, h.delivered_at, h.taken_at, h.completed_at,
    encode(h.record_hash, 'hex') AS record_hash, h.receipt_leaf_id IS NOT NULL AS countersigned,
    m.at AS minute_at, encode(m.sha256, 'hex') AS minute_sha256, l.place AS log_place
FROM handoff h JOIN dossier d ON d.id = h.dossier_id LEFT JOIN handoff_minute m ON m.handoff_id = h.id
    LEFT JOIN custody_leaf l ON l.id = h.leaf_id
"""


def handoffs(conn: Connection, *, status: str | None = None, department: str | None = None, limit: int) -> list[Row]:
    """Handoffs, oldest first, each with what it lacks."""
    rows = conn.execute(
        _HANDOFFS + " WHERE (%(status)s::text IS NULL OR h.status = %(status)s)"
        " AND (%(department)s::text IS NULL OR h.department = %(department)s) ORDER BY h.prepared_at LIMIT %(limit)s",
        {"status": status, "department": department, "limit": limit},
    ).fetchall()
    return [{**row, "lacks": lacks(row)} for row in rows]


def handoff(conn: Connection, handoff_id: str) -> Row | None:
    """One handoff with its signed records and its audit log. None if there is none with this id."""
    row = conn.execute(_HANDOFFS + " WHERE h.id = %s", (handoff_id,)).fetchone()
    if row is None:
        return None
    signed = conn.execute(
        "SELECT l.id, l.kind, encode(l.record_hash, 'hex') AS record_hash,"
        " cardinality(l.signature_hashes) AS signatures, l.entered_at, l.place, c.record IS NULL AS expired"
        " FROM custody_leaf l"
        " JOIN custody_content c ON c.leaf_id = l.id WHERE l.subject = %s ORDER BY l.seq",
        (handoff_id,),
    ).fetchall()
    lines = conn.execute(
        "SELECT at, actor, action, before, after, reason FROM audit_log WHERE subject = %s ORDER BY id", (handoff_id,)
    ).fetchall()
    return {**row, "lacks": lacks(row), "signed": signed, "audit_log": lines}


def unsignable(conn: Connection, *, limit: int) -> list[Row]:
    """Submissions whose handoff could not be signed: they are retried, or dead and wait to be requeued."""
    return conn.execute(
        "SELECT id, source, received_at, state, backoff_attempts, due_at, error_code, error_detail FROM inbox"
        " WHERE state IN ('waiting', 'dead') AND error_code = ANY(%s) ORDER BY received_at LIMIT %s",
        ([str(code) for code in UNSIGNABLE], limit),
    ).fetchall()


def lacks(row: Row) -> str:
    """What a handoff still needs before it is complete, in Vietnamese; empty where nothing."""
    match HandoffStatus(row["status"]):
        case HandoffStatus.COMPLETE | HandoffStatus.REFUSED:
            return ""
        case HandoffStatus.UNSIGNED:
            return vi("the giver's signature")
        case _:
            return ", ".join(_missing(row))


def _missing(row: Row) -> list[str]:
    if row["carrier"] != "post":
        return [vi("the receiver's signature, or minutes")]
    missing = [] if row["minute_at"] else [vi("minutes")]
    return missing + ([] if row["delivered_at"] else [vi("delivery of the paper dossier by post")])


@dataclass(frozen=True, slots=True)
class HandoffHistory:
    """A dossier, and the ids of its handoffs by leg. ``asked`` is the one that was asked for, if it was a handoff."""

    dossier_id: str
    procedure: str
    department: str
    handoffs: tuple[str, ...]
    asked: str | None


def find_history(conn: Connection, named: str) -> HandoffHistory:
    """``named``: a handoff (hd_…), a dossier (sub_…) or a dossier's code. Raises NotFound."""
    row = conn.execute(
        "SELECT d.id, d.procedure, d.department FROM dossier d WHERE d.id = %(named)s OR d.code = %(named)s"
        " OR d.raw_code = %(named)s OR d.id = (SELECT dossier_id FROM handoff WHERE id = %(named)s)",
        {"named": named},
    ).fetchone()
    if row is None:
        raise NotFound(f"no handoff and no dossier is called {named}")
    rows = conn.execute("SELECT id FROM handoff WHERE dossier_id = %s ORDER BY leg", (row["id"],)).fetchall()
    ids = tuple(one["id"] for one in rows)
    return HandoffHistory(row["id"], row["procedure"], row["department"], ids, named if named in ids else None)
