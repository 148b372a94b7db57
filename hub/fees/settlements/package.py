"""The month package (gói chứng từ tháng): one file with which a department can check its month without us.

01-settlement/                               the table, the seal on it, and its proof of being in the custody log
table.xlsx table.pdf                         the same table for people
answer.json transfer.json receipts.json      the department's answer, the transfer, the receipts
book.json book.p7s                           the checkpoint of the ledger that the table names
certificates/ crls/ package.json README.txt verify.sh
SHA256SUMS SHA256SUMS.p7s SHA256SUMS.tst     digests of every file above, the Centre's seal, a time stamp over it
"""

import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from hub.db import Connection, one
from hub.errors import NotFound
from hub.fees.ledger import checkpoints
from hub.fees.payouts import orders as order_store
from hub.fees.payouts.orders import OrderState, PaymentOrder
from hub.fees.reconciliation import account_days
from hub.fees.settlements import sheet, store
from hub.fees.settlements.store import LEAF, Settlement
from hub.locale import vi
from hub.signing import archive, bundle, canonical, custody, exporting
from hub.signing.archive import NotABundle
from hub.signing.bundle import Bundle, BundledRecord
from schemas.settlement import SettlementTable

SEAL: Final = f"{bundle.SUMS}.p7s"
"""the Centre's seal over SHA256SUMS, and with it over every file"""
STAMP: Final = f"{bundle.SUMS}.tst"
"""a time stamp over that seal; without one it is judged as of the day on which it is looked at"""
_FOLDER: Final = f"01-{LEAF}/"
NAMES: Final = re.compile(
    r"README\.txt|verify\.sh|SHA256SUMS(\.p7s|\.tst)?|package\.json|table\.(xlsx|pdf)"
    r"|(answer|transfer|receipts)\.json|book\.(json|p7s)"
    rf"|{_FOLDER}(record\.json|record\.p7s|proof\.txt|checkpoint\.json|checkpoint\.p7s|checkpoint\.tst)"
    r"|certificates/[0-9]{2}\.pem|crls/[0-9]{2}\.crl"
)
_NEEDED: Final = frozenset(
    {"SHA256SUMS", SEAL, "package.json", "table.xlsx", "receipts.json", "book.json", "book.p7s", *bundle.OUTSIDERS}
    | {_FOLDER + name for name in ("record.json", "record.p7s", "proof.txt", "checkpoint.json", "checkpoint.p7s")}
)
_RECEIPTS: Final = """
SELECT r.series, r.number::bigint AS number, r.issued_on::text AS issued_on, l.fee_code,
       (l.amount - l.waived)::bigint AS amount
FROM receipt r JOIN fee_demand_line l ON l.demand_id = r.demand_id AND l.kind = r.kind AND l.amount > l.waived
JOIN settlement s ON s.id = %s
WHERE r.department = s.department AND r.issued_on >= s.month AND r.issued_on < s.month + interval '1 month'
  AND (r.voided_at IS NULL OR r.voided_at > s.computed_at)
ORDER BY l.fee_code, r.series, r.number
"""


@dataclass(frozen=True, slots=True)
class Package:
    """The files of the zip. ``evidence`` holds the table as the one signed record."""

    files: Mapping[str, bytes]
    evidence: Bundle
    changed: Sequence[str] = field(default=())
    """files whose digest is not the one in SHA256SUMS"""

    @property
    def table(self) -> bytes:
        return self.files[f"{_FOLDER}record.json"]


def contents(
    conn: Connection, settlement: Settlement, centre: str, lists: Sequence[bytes], printed: bytes | None
) -> dict[str, bytes]:
    """The package's files, to be sealed. ``lists``: revocation lists (DER) beside those fetched; ``printed``: the PDF.

    Raises InvalidState while the table is not in the custody log yet.
    """
    leaves = [leaf for leaf in custody.leaves_about(conn, settlement.id) if leaf.kind == LEAF]
    evidence = exporting.bundle_of(conn, leaves, lists)
    files = _evidence(evidence) | _papers(conn, settlement, centre)
    if printed is not None:
        files["table.pdf"] = printed
    return files | {name: (bundle.FOR_OUTSIDERS / name).read_bytes() for name in bundle.OUTSIDERS}


def sealed(files: Mapping[str, bytes], seal: Callable[[bytes], bytes], stamp: Callable[[bytes], bytes | None]) -> bytes:
    """The package's bytes: ``files`` under one seal. ``stamp``: data to the token (RFC 3161) over it, or None."""
    sums = bundle.sums_of(files)
    whole = {**files, bundle.SUMS: sums, SEAL: seal(sums)}
    token = stamp(whole[SEAL])
    if token is not None:
        whole[STAMP] = token
    return archive.pack(whole)


def _papers(conn: Connection, settlement: Settlement, centre: str) -> dict[str, bytes]:
    handed = store.sealed_table(conn, settlement.id)
    table = SettlementTable.model_validate_json(handed.body)
    checkpoint = checkpoints.signed(conn, table.last_entry)
    if checkpoint is None:
        raise NotFound(
            vi(
                "the ledger has no checkpoint up to entry {last_entry} yet: wait a moment and run it again",
                last_entry=table.last_entry,
            )
        )
    receipts = conn.execute(_RECEIPTS, (settlement.id,)).fetchall()
    files = {
        "package.json": canonical.encode({"v": 1, "typ": "vn.hub.settlement-package", "centre": centre}),
        f"{_FOLDER}record.json": handed.body,
        f"{_FOLDER}record.p7s": handed.signature,
        "table.xlsx": sheet.written(table, settlement.sha256.hex(), centre),
        "receipts.json": canonical.encode([dict(row) for row in receipts]),
        "book.json": checkpoint[0],
        "book.p7s": checkpoint[1],
    }
    answer = one(conn, "SELECT answer FROM settlement WHERE id = %s", (settlement.id,))["answer"]
    if answer is not None:
        files["answer.json"] = bytes(answer)
    if settlement.order_id is not None:
        order = order_store.find(conn, settlement.order_id)
        if order.state is OrderState.CONFIRMED:
            files["transfer.json"] = canonical.encode(_transfer(conn, order))
    return files


def _transfer(conn: Connection, order: PaymentOrder) -> dict[str, Any]:
    """The transfer as our statement shows it."""
    booking = {} if order.line_id is None else account_days.booking(conn, order.line_id)
    return {
        "id": order.id,
        "reference": order.reference,
        "amount": order.amount,
        "account": order.account,
        "bank_bin": order.payee.bank_bin,
        "to_account": order.payee.account,
        "booked_on": booking.get("booked_on"),
        "bank_ref": booking.get("bank_ref"),
    }


def _evidence(evidence: Bundle) -> dict[str, bytes]:
    [act] = evidence.records
    files = {
        f"{_FOLDER}proof.txt": act.proof,
        f"{_FOLDER}checkpoint.json": act.checkpoint,
        f"{_FOLDER}checkpoint.p7s": act.checkpoint_signature,
    }
    if act.stamp is not None:
        files[f"{_FOLDER}checkpoint.tst"] = act.stamp
    files |= {f"certificates/{number:02}.pem": pem for number, pem in enumerate(evidence.certificates, start=1)}
    return files | {f"crls/{number:02}.crl": der for number, der in enumerate(evidence.crls, start=1)}


def read(data: bytes) -> Package:
    """The package in a zip's bytes. Raises NotABundle."""
    return assemble(archive.unpack(data, NAMES))


def assemble(files: dict[str, bytes]) -> Package:
    """The package of unpacked ``files``. Raises NotABundle where one that is needed is missing."""
    missing = _NEEDED - files.keys()
    if missing:
        raise NotABundle(f"{min(missing)} is missing")
    act = BundledRecord(
        kind=LEAF,
        record=files[f"{_FOLDER}record.json"],
        record_hash=hashlib.sha256(files[f"{_FOLDER}record.json"]).digest(),
        signatures=(files[f"{_FOLDER}record.p7s"],),
        proof=files[f"{_FOLDER}proof.txt"],
        checkpoint=files[f"{_FOLDER}checkpoint.json"],
        checkpoint_signature=files[f"{_FOLDER}checkpoint.p7s"],
        stamp=files.get(f"{_FOLDER}checkpoint.tst"),
    )
    evidence = Bundle(records=(act,), certificates=_all(files, "certificates/"), crls=_all(files, "crls/"))
    listed = {name: content for name, content in files.items() if name not in (SEAL, STAMP)}
    return Package(files, evidence, tuple(bundle.changed_in(listed)))


def _all(files: Mapping[str, bytes], folder: str) -> tuple[bytes, ...]:
    return tuple(files[name] for name in sorted(files) if name.startswith(folder))
