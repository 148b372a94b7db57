"""The demo's last proof: a handoff's bundle, judged with nothing but the bundle and the trust list."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final
from zipfile import ZipFile

from hub.db import Connection, one
from hub.embedded.waiting import wait_for
from hub.signing import crl_store, exporting, trust_list
from hub.signing.findings import VerdictAnswer
from hub.signing.judge import judge
from hub.signing.keyring import ROOTS

# Handed over to a department, and both sides have signed.
_COMPLETE: Final = """
SELECT id FROM handoff WHERE dossier_id = ANY(%s) AND act = 'transfer' AND status = 'complete' ORDER BY id LIMIT 1
"""
_ANCHORED: Final = """
SELECT bool_and(EXISTS (SELECT FROM custody_checkpoint c JOIN custody_stamp s ON s.checkpoint = c.number
                        WHERE c.size > l.place)) AS anchored
FROM custody_leaf l WHERE l.subject = %s
"""
_STAMPS: Final = "SELECT count(*) AS stamps FROM custody_stamp"


@dataclass(frozen=True, slots=True)
class Shown:
    """A bundle on the disk, and the trust list that judges it."""

    bundle: Path
    folder: Path
    """what is in it, unpacked"""
    trust: Path
    roots: Path
    answer: VerdictAnswer

    @property
    def commands(self) -> tuple[str, ...]:
        """How to judge it again: by the hub without its database; by openssl the signature alone, and everything."""
        part = self.folder / "01-handoff"
        return (
            f"hub handoff verify {self.bundle} --offline --trust {self.trust}",
            (
                f"openssl cms -verify -cades -binary -inform DER -in {part}/record.p7s -content {part}/record.json"
                f" -CAfile {self.roots} -purpose any -out /dev/null"
            ),
            f"sh {self.folder}/verify.sh {self.trust}",
        )


def show(conn: Connection, dossiers: list[str], folder: Path, keys: Path | None) -> Shown | None:
    """Export and judge one complete handoff of these ``dossiers``; None if none is complete. Raises NothingMoves."""
    row = conn.execute(_COMPLETE, (dossiers,)).fetchone()
    if row is None or keys is None:
        return None
    _wait_until_anchored(conn, row["id"])
    bundle = exporting.export(conn, row["id"], crl_store.beside(keys))
    folder.mkdir(parents=True, exist_ok=True)
    path, trust = folder / f"{row['id']}.zip", keys / trust_list.FILE
    path.write_bytes(bundle.write())
    unpacked = path.with_suffix("")
    with ZipFile(path) as archive:
        archive.extractall(unpacked)
    return Shown(path, unpacked, trust, keys / ROOTS, judge(bundle, trust_list.load(trust)).answer)


def _wait_until_anchored(conn: Connection, handoff_id: str) -> None:
    wait_for(
        f"dấu thời gian của {handoff_id}",
        lambda: one(conn, _ANCHORED, (handoff_id,))["anchored"],
        moves=lambda: one(conn, _STAMPS, ())["stamps"],
    )
