"""An export bundle: one handoff with everything that a stranger needs to judge it, years later and without us.

    01-handoff/    record.json record.p7s seal.p7s proof.txt checkpoint.json checkpoint.p7s checkpoint.tst
    02-receipt/    the same of the receiver's counter-record, 03-minute/ of the scanned minute, where there are any
    certificates/  issuers between the signers and the roots        crls/  revocation lists of the time
    README.txt verify.sh SHA256SUMS

record.p7s signs record.json; seal.p7s signs record.p7s, so the person signed first (Decree 30/2020 Article 32). Both
are detached CAdES-B. Where retention has taken the record away, record.sha256 stands in its place.
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
class BundledAct:
    """One signed record, and its proof of being in the log. ``record`` is None where retention took it away."""

    kind: str
    record: bytes | None
    record_hash: bytes
    signatures: tuple[bytes, ...]
    proof: bytes
    checkpoint: bytes
    checkpoint_signature: bytes
    stamp: bytes | None
    """RFC 3161 token over ``checkpoint``; None while no stamp has come"""


@dataclass(frozen=True, slots=True)
class Bundle:
    """What is in the zip. ``changed`` names files that are not what SHA256SUMS says."""

    acts: tuple[BundledAct, ...]
    certificates: tuple[bytes, ...]
    """PEM, one each"""
    crls: tuple[bytes, ...]
    """DER"""
    changed: tuple[str, ...] = field(default=())
    foreign: tuple[str, ...] = field(default=())
    """of README.txt and verify.sh, those that this version of the hub does not write"""

    def write(self) -> bytes:
        """The bundle's bytes: the same for the same content."""
        files = {name: (FOR_OUTSIDERS / name).read_bytes() for name in OUTSIDERS}
        for number, act in enumerate(self.acts, start=1):
            files |= {f"{number:02}-{act.kind}/{name}": data for name, data in _files(act).items()}
        files |= {f"certificates/{number:02}.pem": pem for number, pem in enumerate(self.certificates, start=1)}
        files |= {f"crls/{number:02}.crl": der for number, der in enumerate(self.crls, start=1)}
        return archive.pack(files | {SUMS: sums_of(files)})


def sums_of(files: Mapping[str, bytes]) -> bytes:
    """SHA256SUMS over ``files``, as sha256sum writes it."""
    return "".join(f"{hashlib.sha256(files[name]).hexdigest()}  {name}\n" for name in sorted(files)).encode()


def read(data: bytes) -> Bundle:
    """The bundle in a zip's bytes. Raises NotABundle."""
    return assemble(archive.unpack(data))


def assemble(files: Mapping[str, bytes]) -> Bundle:
    """The bundle that ``files`` make up. Raises NotABundle where one is missing or superfluous."""
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
        acts=tuple(_act(folder, folders[folder]) for folder in sorted(folders)),
        certificates=tuple(certificates[name] for name in sorted(certificates)),
        crls=tuple(crls[name] for name in sorted(crls)),
        changed=tuple(changed_in(files)),
        foreign=tuple(name for name in OUTSIDERS if files[name] != (FOR_OUTSIDERS / name).read_bytes()),
    )


def _files(act: BundledAct) -> dict[str, bytes]:
    files = dict(zip(SIGNATURES, act.signatures, strict=False))
    files |= {name: getattr(act, attribute) for name, attribute in _EVIDENCE.items()}
    if act.record is None:
        files["record.sha256"] = act.record_hash.hex().encode() + b"\n"
    else:
        files["record.json"] = act.record
    if act.stamp is not None:
        files[_STAMP] = act.stamp
    return files


def _act(folder: str, files: Mapping[str, bytes]) -> BundledAct:
    missing = {*_EVIDENCE, SIGNATURES[0]} - files.keys()
    if missing:
        raise NotABundle(f"{folder}/{min(missing)} is missing")
    if ("record.json" in files) == ("record.sha256" in files):
        raise NotABundle(f"{folder} has to have either record.json or record.sha256")
    record = files.get("record.json")
    return BundledAct(
        kind=folder[3:],
        record=record,
        record_hash=_expired(folder, files["record.sha256"]) if record is None else hashlib.sha256(record).digest(),
        signatures=tuple(files[name] for name in SIGNATURES if name in files),
        proof=files["proof.txt"],
        checkpoint=files["checkpoint.json"],
        checkpoint_signature=files["checkpoint.p7s"],
        stamp=files.get(_STAMP),
    )


def _expired(folder: str, text: bytes) -> bytes:
    match = _EXPIRED.fullmatch(text)
    if match is None:
        raise NotABundle(f"{folder}/record.sha256 is no hash")
    return bytes.fromhex(match[1].decode())


def changed_in(files: Mapping[str, bytes]) -> list[str]:
    """The files that differ from SHA256SUMS, are not in it, or are in it and not here."""
    told: dict[str, str] = {}
    for line in files[SUMS].decode("utf-8", errors="replace").splitlines():
        match = _SUM.fullmatch(line)
        if match is None or match[2] in told:
            return [SUMS]
        told[match[2]] = match[1]
    found = {name: hashlib.sha256(data).hexdigest() for name, data in files.items() if name != SUMS}
    differing = sorted(name for name in told.keys() | found.keys() if told.get(name) != found.get(name))
    return differing or ([] if sums_of({n: d for n, d in files.items() if n != SUMS}) == files[SUMS] else [SUMS])
