"""I1 against what was signed: the entries lead to the roots of the checkpoints, and those lie in the custody log."""

import hashlib
import json
from collections.abc import Iterator
from typing import Any, Final

from hub.db import Connection
from hub.fees.ledger.checkpoints import FIRST, root
from hub.fees.proof.findings import CheckOutcome, Invariant, Offender, ProofCode

ROOTS: Final = "the entries lead to the signed roots"
CHAIN: Final = "checkpoints follow one another and lie in the custody log"

_CHECKPOINTS: Final = (
    "SELECT c.number, c.first_seq, c.last_seq, c.root, c.day, c.body, c.signature, l.record_hash,"
    " l.signature_hashes FROM ledger_checkpoint c"
    " LEFT JOIN custody_leaf l ON l.id = c.leaf_id ORDER BY c.number"
)


def looked_at(conn: Connection) -> list[CheckOutcome]:
    """Both checks over all checkpoints."""
    kept = conn.execute(_CHECKPOINTS).fetchall()
    cut = list(_cut_off(conn, kept))
    return [_result(CHAIN, ProofCode.CHAIN, list(_chain(kept))), _result(ROOTS, ProofCode.CHECKPOINT, cut)]


def _result(name: str, code: ProofCode, offenders: list[Offender]) -> CheckOutcome:
    return CheckOutcome(Invariant.I1, name, code, offenders, len(offenders))


def _chain(kept: list[dict[str, Any]]) -> Iterator[Offender]:
    prev, last = FIRST, 0
    for number, row in enumerate(kept, start=1):
        name = f"checkpoint {row['number']}"
        said = json.loads(bytes(row["body"]))
        told = (said["number"], said["first"], said["last"], said["root"], said["day"])
        if told != (row["number"], row["first_seq"], row["last_seq"], row["root"].hex(), row["day"].isoformat()):
            yield Offender(name, "các cột không đúng với nội dung đã ký")
        if (row["number"], row["first_seq"], said["prev"]) != (number, last + 1, prev):
            yield Offender(name, f"không nối tiếp điểm kiểm tra {number - 1}, kết thúc ở bút toán {last}")
        if (row["record_hash"], row["signature_hashes"]) != (_hash(row["body"]), [_hash(row["signature"])]):
            yield Offender(name, "không phải mục đã vào sổ lưu vết")
        prev, last = _hash(row["body"]).hex(), row["last_seq"]


def _cut_off(conn: Connection, kept: list[dict[str, Any]]) -> Iterator[Offender]:
    for row in kept:
        digests = [
            bytes(found["digest"])
            for found in conn.execute(
                "SELECT digest FROM ledger_entry WHERE seq BETWEEN %s AND %s ORDER BY seq",
                (row["first_seq"], row["last_seq"]),
            )
        ]
        name, wanted = f"checkpoint {row['number']}", row["last_seq"] - row["first_seq"] + 1
        if len(digests) != wanted:
            yield Offender(name, f"gồm {wanted} bút toán từ số {row['first_seq']}; nay có {len(digests)}")
        elif root(digests) != row["root"]:
            yield Offender(name, f"có bút toán từ số {row['first_seq']} đến số {row['last_seq']} đã khác")


def _hash(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()
