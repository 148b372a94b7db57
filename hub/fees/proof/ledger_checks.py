"""I1, the ledger itself: both sides equal, numbers without gaps, every entry as it was posted."""

import hashlib
import json
from collections.abc import Iterator
from typing import Any, Final, LiteralString

from hub.db import Connection
from hub.fees.ledger.checkpoints import FIRST, root
from hub.fees.proof.findings import Check, CheckOutcome, Invariant, Offender, ProofCode
from hub.locale import vi

CONTENT: Final[LiteralString] = """
SELECT e.seq, concat_ws('|', to_char(e.business_date, 'YYYY-MM-DD'), e.kind, e.source_type, e.source_id,
                        coalesce(e.bank_account, ''), to_char(e.original_date, 'YYYY-MM-DD'))
    || string_agg(E'\\n' || concat_ws('|', l.account, coalesce(l.department, ''), coalesce(l.fee_code, ''),
                  coalesce(l.demand_id, ''), coalesce(l.item, ''), l.dr, l.cr), '' ORDER BY l.number) AS content
FROM ledger_entry e JOIN ledger_line l ON l.entry_seq = e.seq GROUP BY e.seq
"""
"""The text of each entry: ledger.entry.Entry.content, put together by other means."""

BOOK_CHECKS: Final = (
    Check(
        Invariant.I1,
        "entries are numbered without a gap",
        """
        SELECT 'entry ' || seq AS what, 'bút toán liền trước là ' || before AS how
        FROM (SELECT seq, lag(seq, 1, 0::bigint) OVER (ORDER BY seq) AS before FROM ledger_entry) AS numbered
        WHERE seq <> before + 1 ORDER BY seq
        """,
        ProofCode.CHAIN,
    ),
    Check(
        Invariant.I1,
        "both sides of every entry are equal and what it says",
        """
        SELECT 'entry ' || coalesce(e.seq, l.seq) AS what,
               CASE WHEN e.seq IS NULL THEN format('không có bút toán; có %s dòng, Nợ %s, Có %s', l.n, l.dr, l.cr)
                    ELSE format('ghi %s đ trong %s dòng; Nợ %s, Có %s trong %s dòng', e.amount, e.lines,
                                coalesce(l.dr, 0), coalesce(l.cr, 0), coalesce(l.n, 0)) END AS how
        FROM ledger_entry e FULL JOIN (
            SELECT entry_seq AS seq, sum(dr) AS dr, sum(cr) AS cr, count(*) AS n FROM ledger_line GROUP BY entry_seq
        ) AS l ON l.seq = e.seq
        WHERE (e.amount, e.amount, e.lines) IS DISTINCT FROM (l.dr, l.cr, l.n) ORDER BY coalesce(e.seq, l.seq)
        """,
    ),
    Check(
        Invariant.I1,
        "debit and credit of the whole book are equal",
        """
        SELECT 'book' AS what, format('Nợ %s, Có %s', sum(dr), sum(cr)) AS how
        FROM ledger_line HAVING sum(dr) <> sum(cr)
        """,
    ),
    Check(
        Invariant.I1,
        "every entry is the one that was posted",
        f"""
        SELECT 'entry ' || e.seq AS what, format('%s %s %s đã bị sửa', e.source_type, e.source_id, e.kind) AS how
        FROM ledger_entry e JOIN ({CONTENT}) AS c ON c.seq = e.seq
        WHERE sha256(convert_to(c.content, 'UTF8')) <> e.digest ORDER BY e.seq
        """,
        ProofCode.CHAIN,
    ),
)


# I1 of what was closed: the entries of a closed day or month are those that two persons agreed to.

CLOSE_CHECKS: Final = (
    Check(
        Invariant.I1,
        "a closed day has the entries with which it was closed",
        """
        SELECT c.account || ' ' || c.day AS what, format('khóa với %s bút toán; nay có %s, %s',
                   c.totals #>> '{entries,count}', coalesce(e.count, 0),
                   CASE WHEN e.count = (c.totals #>> '{entries,count}')::bigint THEN 'nội dung khác'
                        ELSE 'khác số lượng' END) AS how
        FROM day_close c LEFT JOIN (
            SELECT bank_account, business_date, count(*) AS count, sha256(string_agg(digest, ''::bytea ORDER BY seq))
                       AS hash FROM ledger_entry GROUP BY bank_account, business_date
        ) AS e ON (e.bank_account, e.business_date) = (c.account, c.day)
        WHERE c.reopened_at IS NULL AND c.totals ? 'entries'
          AND c.totals #>> '{entries,sha256}' <> encode(coalesce(e.hash, sha256('')), 'hex')
        ORDER BY c.account, c.day
        """,
        ProofCode.CHAIN,
    ),
    Check(
        Invariant.I1,
        "a closed month has the entries with which it was closed",
        """
        SELECT to_char(c.month, 'YYYY-MM') AS what, format('khóa với %s bút toán; nay có %s, %s',
                   c.totals #>> '{entries,count}', coalesce(e.count, 0),
                   CASE WHEN e.count = (c.totals #>> '{entries,count}')::bigint THEN 'nội dung khác'
                        ELSE 'khác số lượng' END) AS how
        FROM month_close c LEFT JOIN (
            SELECT date_trunc('month', business_date)::date AS month, count(*) AS count,
                   sha256(string_agg(digest, ''::bytea ORDER BY seq)) AS hash
            FROM ledger_entry WHERE bank_account IS NOT NULL OR kind NOT LIKE 'retained%' GROUP BY 1
        ) AS e ON e.month = c.month
        WHERE c.reopened_at IS NULL AND c.totals #>> '{entries,sha256}' <> encode(coalesce(e.hash, sha256('')), 'hex')
        ORDER BY c.month
        """,
        ProofCode.CHAIN,
    ),
)


# I1 against what was signed: the entries lead to the roots of the checkpoints, and those lie in the custody log.

ROOTS: Final = "the entries lead to the signed roots"
CHAIN: Final = "checkpoints follow one another and lie in the custody log"

_CHECKPOINTS: Final = (
    "SELECT c.number, c.first_seq, c.last_seq, c.root, c.day, c.body, c.signature, l.record_hash,"
    " l.signature_hashes FROM ledger_checkpoint c"
    " LEFT JOIN custody_leaf l ON l.id = c.leaf_id ORDER BY c.number"
)


def check_anchors(conn: Connection) -> list[CheckOutcome]:
    """Check the chain of checkpoints, and that the entries lead to their signed roots."""
    checkpoints = conn.execute(_CHECKPOINTS).fetchall()
    cut = list(_cut_off(conn, checkpoints))
    return [_result(CHAIN, ProofCode.CHAIN, list(_chain(checkpoints))), _result(ROOTS, ProofCode.CHECKPOINT, cut)]


def _result(name: str, code: ProofCode, offenders: list[Offender]) -> CheckOutcome:
    return CheckOutcome(Invariant.I1, name, code, offenders, len(offenders))


def _chain(checkpoints: list[dict[str, Any]]) -> Iterator[Offender]:
    """Yield checkpoints whose columns differ from what was signed, that do not follow the one before, or that the
    custody log does not have.
    """
    prev, last = FIRST, 0
    for number, row in enumerate(checkpoints, start=1):
        name = f"checkpoint {row['number']}"
        body = json.loads(bytes(row["body"]))
        signed = (body["number"], body["first"], body["last"], body["root"], body["day"])
        if signed != (row["number"], row["first_seq"], row["last_seq"], row["root"].hex(), row["day"].isoformat()):
            yield Offender(name, vi("the columns do not agree with the signed content"))
        if (row["number"], row["first_seq"], body["prev"]) != (number, last + 1, prev):
            yield Offender(
                name,
                vi("does not follow checkpoint {number}, which ends at entry {last}", number=number - 1, last=last),
            )
        if (row["record_hash"], row["signature_hashes"]) != (_hash(row["body"]), [_hash(row["signature"])]):
            yield Offender(name, vi("is not an entry of the custody log"))
        prev, last = _hash(row["body"]).hex(), row["last_seq"]


def _cut_off(conn: Connection, checkpoints: list[dict[str, Any]]) -> Iterator[Offender]:
    """Yield checkpoints under which an entry is missing or changed."""
    for row in checkpoints:
        digests = [
            bytes(entry["digest"])
            for entry in conn.execute(
                "SELECT digest FROM ledger_entry WHERE seq BETWEEN %s AND %s ORDER BY seq",
                (row["first_seq"], row["last_seq"]),
            )
        ]
        name, expected = f"checkpoint {row['number']}", row["last_seq"] - row["first_seq"] + 1
        if len(digests) != expected:
            yield Offender(
                name,
                vi(
                    "has {expected} entries from number {first_seq}; now {actual}",
                    expected=expected,
                    first_seq=row["first_seq"],
                    actual=len(digests),
                ),
            )
        elif root(digests) != row["root"]:
            yield Offender(
                name,
                vi(
                    "has changed entries from number {first_seq} to number {last_seq}",
                    first_seq=row["first_seq"],
                    last_seq=row["last_seq"],
                ),
            )


def _hash(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()
