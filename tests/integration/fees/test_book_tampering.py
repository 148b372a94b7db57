"""O6: what somebody does to the book who owns the database, and who sees it: the book itself, or only a checkpoint.

A row that was changed or is missing is seen by the book. A book that was numbered and hashed anew is not: only the
signed roots see that, and where those were made anew too, only the checkpoint that a department holds. What came after
the last checkpoint and was taken away with all that it came from is seen by nobody in the hub: its provider knows.
"""

from typing import Any, Final

import pytest

from hub.clock import now
from hub.db import Connection
from hub.errors import InvalidState
from hub.fees.ledger import checkpoints
from hub.fees.proof import proving
from hub.fees.proof.findings import Invariant
from hub.fees.proof.ledger_checks import CHAIN, CONTENT, ROOTS
from hub.fees.resolutions import commands
from hub.signing import checkpoints as log
from hub.signing import custody
from hub.signing.auditing import AuditCode, audit
from hub.signing.checkpoints import CheckpointSchedule
from hub.worker import jobs
from schemas.custody import LogCheckpoint
from tests.integration.fees.booking import opened, tampered
from tests.integration.fees.casework import MAKER, REASON, Casework
from tests.integration.fees.conftest import Cashier
from tests.integration.fees.matching import AccountTill
from tests.integration.fees.telling import DUE, NotifyingProvider
from tests.scripted_hub import ScriptedHub

GAP: Final = "entries are numbered without a gap"
POSTED: Final = "every entry is the one that was posted"
IN_THE_BOOK: Final = "every payment that was notified is in the book once, with its amount and its account"
BOOK: Final = ("ledger_entry", "ledger_line", "ledger_checkpoint")
LOG: Final = (
    "custody_witness", "custody_stamp", "custody_checkpoint", "custody_node", "custody_content", "custody_leaf",
    "outbox",
)  # fmt: skip
SIGNED, LAST = 4, 6
"""entries that the checkpoint covers, and all there are"""

EDIT: Final = """
UPDATE ledger_line SET dr = dr * 2, cr = cr * 2 WHERE entry_seq = {0};
UPDATE ledger_entry SET amount = amount * 2 WHERE seq = {0};
"""
DELETE: Final = "DELETE FROM ledger_line WHERE entry_seq = {0}; DELETE FROM ledger_entry WHERE seq = {0};"
NUMBER: Final = """
UPDATE ledger_line SET entry_seq = 1000000 + entry_seq - 1 WHERE entry_seq > {0};
UPDATE ledger_entry SET seq = 1000000 + seq - 1 WHERE seq > {0};
UPDATE ledger_line SET entry_seq = entry_seq - 1000000 WHERE entry_seq > 1000000;
UPDATE ledger_entry SET seq = seq - 1000000 WHERE seq > 1000000;
"""
HASH: Final = f"""
UPDATE ledger_entry e SET digest = sha256(convert_to(c.content, 'UTF8')) FROM ({CONTENT}) c WHERE c.seq = e.seq;
"""
CUT: Final = "DELETE FROM ledger_line WHERE entry_seq >= {0}; DELETE FROM ledger_entry WHERE seq >= {0};"


def anchor(hub: ScriptedHub) -> None:
    """The night's checkpoint of the book, and the custody log's own above it."""
    at = now()
    with hub.db.transaction() as conn:
        assert checkpoints.keep(conn, hub.catalogue.signing.log, lambda: hub.signer.log_key(at), at) is not None
        assert custody.try_lock(conn)
        custody.sequence(conn)
        pace = CheckpointSchedule(every=0, leaves=1, again=600, witness_every=86_400)
        log.issue_if_due(conn, hub.catalogue, lambda: hub.signer.log_key(at), pace, at)


@pytest.fixture
def book(cashier: Cashier, provider: NotifyingProvider) -> ScriptedHub:
    """Six entries, of which the first four are signed."""
    references = [str(cashier.demand(cashier.dossier())["reference"]) for _ in range(4)]
    for reference in references[:3]:
        provider.tells(reference)
    provider.tells("khong ro", provider_txn="NOBODY")
    anchor(provider.hub)
    provider.tells(references[3])
    provider.tells("khong ro", provider_txn="LATER")
    assert provider.hub.count("ledger_entry") == LAST
    return provider.hub


def seen(conn: Connection) -> set[str]:
    """What the book itself and its roots say (I1)."""
    return {result.name for result in proving.proven(conn).red if result.invariant is Invariant.I1}


@pytest.mark.parametrize(
    ("deed", "place", "named"),
    [
        *((EDIT, place, {POSTED}) for place in (1, 2, SIGNED, LAST)),
        *((DELETE, place, {GAP, ROOTS}) for place in (1, 2, SIGNED)),
        (DELETE, SIGNED + 1, {GAP}),
        # From here on the book agrees with itself: whoever numbers and hashes anew is seen by the roots alone.
        *((EDIT + HASH, place, {ROOTS}) for place in (1, 2, SIGNED)),
        *((DELETE + NUMBER + HASH, place, {ROOTS}) for place in (1, 2, SIGNED)),
        (CUT, SIGNED, {ROOTS}),
        (CUT, 1, {ROOTS}),
        # And what no checkpoint covers yet is seen by no root.
        (EDIT + HASH, LAST, set()),
        (DELETE + NUMBER + HASH, SIGNED + 1, set()),
        (DELETE, LAST, set()),
    ],
)
def test_what_was_done_to_an_entry_is_seen_by_the_book_or_only_by_its_roots(
    book: ScriptedHub, database_url: str, deed: str, place: int, named: set[str]
) -> None:
    with opened(database_url) as conn, conn.transaction(force_rollback=True):
        assert seen(conn) == set()
        tampered(conn, deed.format(place), tables=BOOK)
        assert seen(conn) == named
        assert named or IN_THE_BOOK in {result.name for result in proving.proven(conn).red}, (
            "beside the book there are still the payments"
        )
    assert book.count("ledger_entry") == LAST


FORGET: Final = """
DELETE FROM fee_exception WHERE object_id = (SELECT id FROM payment WHERE provider_txn = '{0}');
DELETE FROM payment WHERE provider_txn = '{0}';
DELETE FROM notify_verdict v USING notify_delivery d, notify_event e WHERE e.provider_txn = '{0}'
    AND v.event_id = e.id AND v.delivery_id = d.id;
DELETE FROM inbox WHERE id = (SELECT inbox_id FROM notify_event WHERE provider_txn = '{0}');
DELETE FROM notify_event WHERE provider_txn = '{0}';
DELETE FROM notify_delivery d WHERE NOT EXISTS (SELECT 1 FROM notify_verdict v WHERE v.delivery_id = d.id);
"""
TRACES: Final = ("fee_exception", "payment", "notify_verdict", "inbox", "notify_event", "notify_delivery")


def entry_of(hub: ScriptedHub, txn: str) -> int:
    [row] = hub.rows(
        "SELECT e.seq FROM ledger_entry e JOIN payment p ON p.id = e.source_id WHERE p.provider_txn = %s", txn
    )
    return int(row["seq"])


def test_what_came_after_the_last_checkpoint_and_went_with_all_its_traces_is_seen_by_nobody_here(
    book: ScriptedHub, database_url: str
) -> None:
    place = entry_of(book, "LATER")
    with opened(database_url) as conn, conn.transaction(force_rollback=True):
        tampered(conn, DELETE.format(place) + NUMBER.format(place) + FORGET.format("LATER"), tables=(*BOOK, *TRACES))
        assert proving.proven(conn).red == []
    place = entry_of(book, "NOBODY")
    with opened(database_url) as conn, conn.transaction(force_rollback=True):
        tampered(conn, DELETE.format(place) + NUMBER.format(place) + FORGET.format("NOBODY"), tables=(*BOOK, *TRACES))
        assert {result.name for result in proving.proven(conn).red} == {ROOTS}, "had it been signed, it is seen"


def test_a_book_that_was_signed_anew_is_seen_by_whoever_holds_a_checkpoint_and_by_nobody_else(
    book: ScriptedHub, database_url: str
) -> None:
    """Its payment is gone with all its traces, and he who did it has the keys: everything here agrees with itself."""
    [held] = book.rows("SELECT body FROM custody_checkpoint")
    witness = LogCheckpoint.model_validate_json(bytes(held["body"]))
    place = entry_of(book, "NOBODY")
    with opened(database_url) as conn:
        assert audit(conn, [witness]).findings == []
        tampered(conn, DELETE.format(place) + NUMBER.format(place) + FORGET.format("NOBODY"), tables=(*BOOK, *TRACES))
        tampered(conn, REPLACE, tables=(*BOOK, *LOG))
    anchor(book)

    with opened(database_url) as conn:
        assert proving.prove(conn).red == []
        assert audit(conn).findings == []
        assert {finding.code for finding in audit(conn, [witness]).findings} == {AuditCode.REPLACED}


REPLACE: Final = """
DELETE FROM custody_witness; DELETE FROM custody_stamp; DELETE FROM custody_checkpoint; DELETE FROM custody_node;
DELETE FROM ledger_checkpoint;
DELETE FROM custody_content WHERE leaf_id IN (SELECT id FROM custody_leaf WHERE kind = 'ledger');
DELETE FROM custody_leaf WHERE kind = 'ledger';
UPDATE custody_leaf SET place = NULL;
DELETE FROM outbox WHERE key LIKE 'checkpoint-%';
"""


def test_a_checkpoint_that_was_put_together_anew_is_not_the_one_in_the_custody_log(
    book: ScriptedHub, database_url: str
) -> None:
    """Without the key: the row has another root, and its bytes say so too."""
    forged = "replace(convert_from(body, 'UTF8'), encode(root, 'hex'), encode(sha256('x'), 'hex'))"
    anew = f"{EDIT.format(2)}{HASH}UPDATE ledger_checkpoint SET root = sha256('x'), body = convert_to({forged}, 'UTF8')"
    with opened(database_url) as conn, conn.transaction(force_rollback=True):
        tampered(conn, anew, tables=BOOK)
        assert seen(conn) == {ROOTS, CHAIN}
    assert book.count("ledger_checkpoint") == 1


DEEDS: Final[dict[str, tuple[tuple[str, ...], str, str]]] = {
    "L01": (
        ("fee_demand",),
        "UPDATE fee_demand SET allocated = allocated - 1, confirmed = 0, status = 'part_paid' WHERE id = '{demand}'",
        f"UPDATE fee_demand SET allocated = {DUE}, status = 'paid_unconfirmed' WHERE id = '{{demand}}'",
    ),
    "L02": (
        BOOK,
        "UPDATE ledger_line SET department = 'so-khac' WHERE entry_seq = 1 AND account = '331'",
        "UPDATE ledger_line SET department = 'rest-a' WHERE entry_seq = 1 AND account = '331'",
    ),
    "L03": (
        BOOK,
        "UPDATE ledger_line SET fee_code = 'x' || fee_code WHERE entry_seq = 1 AND account = '331';" + HASH,
        "UPDATE ledger_line SET fee_code = substr(fee_code, 2) WHERE entry_seq = 1 AND account = '331';" + HASH,
    ),
    "L04": (
        ("payment",),
        "UPDATE payment SET amount = amount + 1 WHERE provider_txn = 'NOBODY'",
        "UPDATE payment SET amount = amount - 1 WHERE provider_txn = 'NOBODY'",
    ),
}


@pytest.mark.parametrize("code", DEEDS)
def test_a_red_night_s_case_is_over_when_the_rows_are_again_what_they_were(
    book: ScriptedHub, database_url: str, code: str
) -> None:
    tables, deed, undone = DEEDS[code]
    [paid] = book.rows("SELECT id FROM fee_demand WHERE status = 'paid_unconfirmed' ORDER BY id LIMIT 1")
    uow = Casework(AccountTill(book))

    def mended(case: str) -> Any:
        return uow.says(MAKER, lambda doing: commands.resolve(doing, case, "mended", {}, REASON))

    with opened(database_url) as conn:
        tampered(conn, deed.format(demand=paid["id"]), tables=tables)
    jobs.prove_ledger(book)
    cases = book.rows("SELECT id, code FROM fee_exception WHERE object_type = 'invariant'")
    assert code in {case["code"] for case in cases}
    for case in cases:
        with pytest.raises(InvalidState, match="vẫn còn lỗi"):
            mended(case["id"])

    with opened(database_url) as conn:
        tampered(conn, undone.format(demand=paid["id"]), tables=tables)
    for case in cases:
        mended(case["id"])
    assert book.rows("SELECT 1 FROM fee_exception WHERE object_type = 'invariant' AND state <> 'resolved'") == []
