"""Export bundle of a handoff: the signed records and the evidence to verify them, years later and without the hub.

    01-handoff/    record.json record.p7s seal.p7s proof.txt checkpoint.json checkpoint.p7s checkpoint.tst
    02-receipt/    the same of the receiver's counter-record, 03-minute/ of the scanned minute, where there are any
    certificates/  issuers between the signers and the roots        crls/  revocation lists of the time
    README.txt verify.sh SHA256SUMS

record.p7s signs record.json; seal.p7s signs record.p7s, so the person signed first (Decree 30/2020 Article 32). Both
are detached CAdES-B. Where retention has deleted the record, record.sha256 takes its place.
"""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from hub.signing import archive
from hub.signing.archive import NotABundle

SUMS: Final = "SHA256SUMS"
FOR_OUTSIDERS: Final = Path(__file__).parent / "outsider"
OUTSIDERS: Final = ("README.txt", "verify.sh")
"""the same in every bundle"""
SIGNATURES: Final = ("record.p7s", "seal.p7s")
"""by the order of signing"""
_EVIDENCE: Final = {"proof.txt": "proof", "checkpoint.json": "checkpoint", "checkpoint.p7s": "checkpoint_signature"}
_STAMP: Final = "checkpoint.tst"
_SUM: Final = re.compile(r"([0-9a-f]{64})  (.+)")
_EXPIRED: Final = re.compile(rb"([0-9a-f]{64})\n")


@dataclass(frozen=True, slots=True)
class BundledRecord:
    """A signed record with its proof of inclusion in the log. ``record`` is None where retention has deleted it."""

    kind: str
    record: bytes | None
    record_hash: bytes
    signatures: tuple[bytes, ...]
    proof: bytes
    checkpoint: bytes
    checkpoint_signature: bytes
    stamp: bytes | None
    """RFC 3161 token over ``checkpoint``; None if there was none yet"""


@dataclass(frozen=True, slots=True)
class Bundle:
    """Contents of a bundle."""

    records: tuple[BundledRecord, ...]
    """the handoff first"""
    certificates: tuple[bytes, ...]
    """PEM, one each"""
    crls: tuple[bytes, ...]
    """DER"""
    changed: tuple[str, ...] = field(default=())
    """files that differ from SHA256SUMS"""
    foreign: tuple[str, ...] = field(default=())
    """which of README.txt and verify.sh are not those of this version of the hub"""

    def write(self) -> bytes:
        """Write the bundle as a zip; equal bundles give equal bytes."""
        files = {name: (FOR_OUTSIDERS / name).read_bytes() for name in OUTSIDERS}
        for number, bundled in enumerate(self.records, start=1):
            files |= {f"{number:02}-{bundled.kind}/{name}": data for name, data in _files(bundled).items()}
        files |= {f"certificates/{number:02}.pem": pem for number, pem in enumerate(self.certificates, start=1)}
        files |= {f"crls/{number:02}.crl": der for number, der in enumerate(self.crls, start=1)}
        return archive.pack(files | {SUMS: sums_of(files)})


def sums_of(files: Mapping[str, bytes]) -> bytes:
    """SHA256SUMS over ``files``, in the format of sha256sum."""
    return "".join(f"{hashlib.sha256(files[name]).hexdigest()}  {name}\n" for name in sorted(files)).encode()


def read(data: bytes) -> Bundle:
    """Parse a bundle (zip). Raises NotABundle."""
    return assemble(archive.unpack(data))


def assemble(files: Mapping[str, bytes]) -> Bundle:
    """Build a bundle from its files. Raises NotABundle if one is missing or superfluous."""
    rest = {name: data for name, data in files.items() if "/" not in name}
    for name in (*OUTSIDERS, SUMS):
        if name not in rest:
            raise NotABundle(f"{name} is missing")
    folders: dict[str, dict[str, bytes]] = {}
    for name, content in files.items():
        if "/" in name:
            folder, _, own = name.partition("/")
            folders.setdefault(folder, {})[own] = content
    certificates, crls = folders.pop("certificates", {}), folders.pop("crls", {})
    if [folder[:3] for folder in sorted(folders)] != [f"{number:02}-" for number in range(1, len(folders) + 1)]:
        raise NotABundle("the numbers of its parts have a gap")
    if not folders or not next(iter(sorted(folders))).endswith("-handoff"):
        raise NotABundle("it has no 01-handoff")
    return Bundle(
        records=tuple(_bundled(folder, folders[folder]) for folder in sorted(folders)),
        certificates=tuple(certificates[name] for name in sorted(certificates)),
        crls=tuple(crls[name] for name in sorted(crls)),
        changed=tuple(changed_in(files)),
        foreign=tuple(name for name in OUTSIDERS if files[name] != (FOR_OUTSIDERS / name).read_bytes()),
    )


def _files(bundled: BundledRecord) -> dict[str, bytes]:
    files = dict(zip(SIGNATURES, bundled.signatures, strict=False))
    files |= {name: getattr(bundled, attribute) for name, attribute in _EVIDENCE.items()}
    if bundled.record is None:
        files["record.sha256"] = bundled.record_hash.hex().encode() + b"\n"
    else:
        files["record.json"] = bundled.record
    if bundled.stamp is not None:
        files[_STAMP] = bundled.stamp
    return files


def _bundled(folder: str, files: Mapping[str, bytes]) -> BundledRecord:
    missing = {*_EVIDENCE, SIGNATURES[0]} - files.keys()
    if missing:
        raise NotABundle(f"{folder}/{min(missing)} is missing")
    if ("record.json" in files) == ("record.sha256" in files):
        raise NotABundle(f"{folder} has to have either record.json or record.sha256")
    record = files.get("record.json")
    if record is None:
        record_hash = _hash_of_expired(folder, files["record.sha256"])
    else:
        record_hash = hashlib.sha256(record).digest()
    return BundledRecord(
        kind=folder[3:],
        record=record,
        record_hash=record_hash,
        signatures=tuple(files[name] for name in SIGNATURES if name in files),
        proof=files["proof.txt"],
        checkpoint=files["checkpoint.json"],
        checkpoint_signature=files["checkpoint.p7s"],
        stamp=files.get(_STAMP),
    )


def _hash_of_expired(folder: str, text: bytes) -> bytes:
    match = _EXPIRED.fullmatch(text)
    if match is None:
        raise NotABundle(f"{folder}/record.sha256 is no hash")
    return bytes.fromhex(match[1].decode())


def changed_in(files: Mapping[str, bytes]) -> list[str]:
    """Names of files that differ from SHA256SUMS, are not listed in it, or are listed and missing."""
    listed: dict[str, str] = {}
    for line in files[SUMS].decode("utf-8", errors="replace").splitlines():
        match = _SUM.fullmatch(line)
        if match is None or match[2] in listed:
            return [SUMS]
        listed[match[2]] = match[1]
    others = {name: data for name, data in files.items() if name != SUMS}
    actual = {name: hashlib.sha256(data).hexdigest() for name, data in others.items()}
    differing = sorted(name for name in listed.keys() | actual.keys() if listed.get(name) != actual.get(name))
    return differing or ([] if sums_of(others) == files[SUMS] else [SUMS])
