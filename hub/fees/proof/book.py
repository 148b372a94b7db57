"""I1: the book itself. Both sides equal, numbers without gaps, every entry still the one that was posted."""

from typing import Final, LiteralString

from hub.fees.proof.findings import Check, Invariant, ProofCode

CONTENT: Final[LiteralString] = """
SELECT e.seq, concat_ws('|', to_char(e.business_date, 'YYYY-MM-DD'), e.kind, e.source_type, e.source_id,
                        coalesce(e.bank_account, ''), to_char(e.original_date, 'YYYY-MM-DD'))
    || string_agg(E'\\n' || concat_ws('|', l.account, coalesce(l.department, ''), coalesce(l.fee_code, ''),
                  coalesce(l.demand_id, ''), coalesce(l.item, ''), l.dr, l.cr), '' ORDER BY l.number) AS content
FROM ledger_entry e JOIN ledger_line l ON l.entry_seq = e.seq GROUP BY e.seq
"""
"""The text of each entry: ledger.entry.Entry.content, put together by other means."""

CHECKS: Final = (
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
