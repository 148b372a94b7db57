"""A whole office in memory: it signs handoffs, keeps a log of them, has its roots stamped, and makes bundles."""

import base64
import hashlib
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from connectors.sandbox.trust_services import time_stamp_response
from connectors.trust.development_authority import DevelopmentAuthority
from hub.clock import now
from hub.signing import canonical, cms, merkle, stamps, trust_list
from hub.signing.bundle import Bundle, BundledRecord
from hub.signing.custody import completed_subtrees
from hub.signing.merkle import InclusionProof, leaf_data
from hub.signing.parties import fingerprint
from hub.signing.trust import Trust
from schemas.trust_list import TYPE, PartyKind, TrustEntry, TrustList
from tests.unit.signing.authority import KeyHolder

LOG: Final = "hub.test"
CENTRE: Final = "000.00.01.H42"
DEPARTMENT: Final = "000.00.16.H42"
FILLERS: Final = 5
"""other people's leaves before and behind the ones that a bundle is about"""
MINUTE: Final = timedelta(minutes=1)


def listed(kind: PartyKind, holder: str, by: KeyHolder, **more: Any) -> TrustEntry:
    """An entry of a trust list."""
    return TrustEntry(kind=kind, holder=holder, certificate=fingerprint(by.certificate), **more)


class Notary:
    """One authority, one officer, one seal, one log, one receiving department."""

    def __init__(self, folder: Path) -> None:
        self.authority = DevelopmentAuthority(folder)
        self.at = now().replace(microsecond=0)
        self.officer = self.issue("Trần Văn Thử Nghiệm", "tt-01")
        self.seal = self.issue("Trung tâm Phục vụ hành chính công (thử nghiệm)")
        self.log = self.issue("sổ lưu vết", LOG)
        self.receiver = self.issue("Sở A (thử nghiệm)", "rest-a")
        self.entries = [
            listed("seal", CENTRE, self.seal),
            listed("seal", DEPARTMENT, self.receiver),
            listed("officer", CENTRE, self.officer, officer="tt-01"),
            listed("log", LOG, self.log),
            TrustEntry(kind="tsa", holder="tsa", root=fingerprint(self.authority.root.certificate)),
        ]
        self.nodes: dict[tuple[int, int], bytes] = {}
        self.size = 0
        self.lists: list[bytes] = []

    def issue(self, name: str, serial_name: str = "") -> KeyHolder:
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = self.authority.issue(name, key.public_key(), serial_name=serial_name)
        return KeyHolder(key, certificate, (self.authority.issuing.certificate,))

    @property
    def roots(self) -> bytes:
        return self.authority.roots

    @property
    def trust_list(self) -> tuple[bytes, bytes]:
        """Who signs for whom, in this notary's world; and the seal on it."""
        listed = TrustList(
            v=1,
            typ=TYPE,
            version=1,
            prev="0" * 64,
            at=self.at,
            centre=CENTRE,
            authorities=(base64.b64encode(self.authority.root.certificate.public_bytes(Encoding.DER)).decode(),),
            entries=tuple(self.entries),
        )
        body = trust_list.encoded(listed)
        return body, self.sign(body, self.seal)

    @property
    def trust(self) -> Trust:
        return trust_list.read(*self.trust_list)

    @property
    def by_roots_alone(self) -> Trust:
        return Trust.load(self.roots)

    def sign(self, content: bytes, by: KeyHolder, *, after: timedelta = timedelta()) -> bytes:
        return cms.sign(content, by, self.at + after)

    def record(self, number: int = 1, **changes: Any) -> bytes:
        record = {
            "v": 1,
            "typ": "vn.hub.handoff",
            "id": f"hd_{number:026}",
            "log": LOG,
            "dossier": f"000.00.01.H42-261124-{number:04}",
            "leg": 1,
            "act": "transfer",
            "carrier": "wire",
            "giver": {"agency": CENTRE, "role": "centre", "officer": "tt-01"},
            "receiver": {"agency": DEPARTMENT, "role": "department", "officer": None},
            "received_at": _moment(self.at - 5 * MINUTE),
            "given_at": _moment(self.at),
            "due_at": _moment(self.at + timedelta(days=5)),
            "result": "none",
            "note": None,
            "documents": [
                {
                    "code": "TP-01",
                    "name": "Đơn đề nghị",
                    "media_type": "application/pdf",
                    "size": 1234,
                    "sha256": hashlib.sha256(b"%d" % number).hexdigest(),
                }
            ],
            "personal": hashlib.sha256(b"salt %d" % number).hexdigest(),
            "prev": "0" * 64,
        }
        return canonical.encode(record | changes)

    def counter_record(self, record: bytes, **changes: Any) -> bytes:
        handoff = canonical.decode(record)
        counter = {
            "v": 1,
            "typ": "vn.hub.receipt",
            "handoff": handoff["id"],
            "dossier": handoff["dossier"],
            "leg": handoff["leg"],
            "record": hashlib.sha256(record).hexdigest(),
            "receiver": {"agency": DEPARTMENT, "role": "department", "officer": None},
            "number": "SO-1",
            "received_at": _moment(self.at),
            "note": None,
        }
        return canonical.encode(counter | changes)

    def minute(self, record: bytes, **changes: Any) -> bytes:
        handoff = canonical.decode(record)
        minute = {
            "v": 1,
            "typ": "vn.hub.minute",
            "handoff": handoff["id"],
            "dossier": handoff["dossier"],
            "leg": handoff["leg"],
            "record": hashlib.sha256(record).hexdigest(),
            "at": _moment(self.at),
            "scan": {
                "code": "bien-ban",
                "name": "Biên bản giao nhận hồ sơ",
                "media_type": "application/pdf",
                "size": 99,
                "sha256": hashlib.sha256(b"scan").hexdigest(),
            },
            "signers": 2,
            "personal": hashlib.sha256(b"names").hexdigest(),
            "entered_by": {"agency": CENTRE, "role": "centre", "officer": "tt-01"},
            "entered_at": _moment(self.at),
        }
        return canonical.encode(minute | changes)

    def enter(self, record: bytes, *signatures: bytes) -> int:
        """Into the log; its place."""
        hashes = [hashlib.sha256(one).digest() for one in signatures]
        leaf = merkle.leaf_hash(leaf_data(hashlib.sha256(record).digest(), hashes))
        edge = {n: self.nodes[n, (self.size >> n) - 1] for n in range(self.size.bit_length()) if self.size >> n & 1}
        self.nodes |= completed_subtrees(self.size, [leaf], edge)
        self.size += 1
        return self.size - 1

    def fill(self, leaves: int = FILLERS) -> None:
        for number in range(leaves):
            self.enter(b"somebody else's %d" % (self.size * 100 + number), b"signature")

    def node(self, level: int, at: int) -> bytes:
        return self.nodes[level, at]

    def checkpoint(self, **changes: Any) -> bytes:
        root = merkle.root(self.size, self.node).hex()
        record = {"v": 1, "typ": "vn.hub.checkpoint", "log": LOG, "size": self.size, "root": root, "prev": "0" * 64}
        return canonical.encode(record | {"at": _moment(self.at)} | changes)

    def stamp(self, body: bytes, at: datetime | None = None) -> bytes:
        digest = hashlib.sha256(body).digest()
        return stamps.read_reply(
            time_stamp_response(stamps.request(digest, 7), self.authority, at or self.at), digest, 7
        )

    def act(self, kind: str, record: bytes, place: int, *signatures: bytes, **changes: Any) -> BundledRecord:
        """With a checkpoint of the log as it is now."""
        body = self.checkpoint()
        shown = InclusionProof(
            place=place,
            size=self.size,
            record_hash=hashlib.sha256(record).digest(),
            signature_hashes=tuple(hashlib.sha256(one).digest() for one in signatures),
            path=tuple(merkle.inclusion_path(place, self.size, self.node)),
            root=merkle.root(self.size, self.node),
        )
        act = BundledRecord(
            kind=kind,
            record=record,
            record_hash=shown.record_hash,
            signatures=signatures,
            proof=shown.write(),
            checkpoint=body,
            checkpoint_signature=self.sign(body, self.log),
            stamp=self.stamp(body),
        )
        return replace(act, **changes)

    def signed(self, record: bytes) -> tuple[bytes, bytes]:
        """The officer's signature, then the seal's over it."""
        person = self.sign(record, self.officer)
        return person, self.sign(person, self.seal)

    def handoff(self, number: int = 1, **changes: Any) -> BundledRecord:
        """One that was signed, logged and stamped."""
        record = self.record(number, **changes)
        return self.logged("handoff", record, *self.signed(record))

    def receipt(self, handoff: BundledRecord, by: KeyHolder | None = None, **changes: Any) -> BundledRecord:
        """The receiver's answer to it: sealed, logged and stamped."""
        assert handoff.record is not None
        record = self.counter_record(handoff.record, **changes)
        return self.logged("receipt", record, self.sign(record, by or self.receiver))

    def logged(self, kind: str, record: bytes, *signatures: bytes) -> BundledRecord:
        self.fill()
        place = self.enter(record, *signatures)
        self.fill()
        return self.act(kind, record, place, *signatures)

    def bundle(self, *acts: BundledRecord) -> Bundle:
        """These parts, or a handoff with its receipt; with the issuer's certificate and the lists of the day."""
        if not acts:
            handoff = self.handoff()
            acts = handoff, self.receipt(handoff)
        return Bundle(
            records=acts,
            certificates=(_pem(self.authority.issuing.certificate),),
            crls=tuple(self.lists or [self.authority.crl(at=self.at - MINUTE)]),
        )


def _moment(at: datetime) -> str:
    return at.isoformat(timespec="seconds").replace("+00:00", "Z")


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(Encoding.PEM)
