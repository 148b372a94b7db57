"""Every kind of record × every wrong signer: never VALID, by the hub's judge and by ``openssl`` alone (verify.sh)."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from connectors.trust import development_authority
from connectors.trust.development_authority import KeyPair as Issuer
from hub.clock import now
from hub.signing import archive, canonical
from hub.signing.bundle import Bundle, BundledRecord
from hub.signing.judge import judge
from hub.signing.parties import fingerprint
from hub.signing.verdicts import VerdictAnswer, VerdictCode, Weight
from schemas.trust_list import TrustEntry
from tests.unit.signing.authority import KeyHolder
from tests.unit.signing.judges import needs_openssl
from tests.unit.signing.notary import CENTRE, DEPARTMENT, LOG, MINUTE, Notary, listed
from tests.unit.signing.test_tampering import verify_sh

OTHER: Final = "000.00.17.H42"
OTHER_LOG: Final = "hub.other"
DAY: Final = timedelta(days=1)


class ForgeryTown(Notary):
    """A notary's world with a second department, an officer of it, a second log, and whoever forges."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.other_seal = self.issue("Sở B (thử nghiệm)", "rest-b")
        self.other_officer = self.issue("Lê Thị Sở B", "rb-01")
        self.other_log = self.issue("sổ khác", OTHER_LOG)
        self.department_officer = self.issue("Cán bộ Sở A", "sa-01")
        self.right = {"officer": self.officer, "seal": self.seal, "receiver": self.receiver, "log": self.log}
        self.ended = {who: self.namesake(holder) for who, holder in self.right.items()}
        self.expired = {who: self.namesake(holder, ends=self.at - MINUTE) for who, holder in self.right.items()}
        holders = {"officer": ("officer", CENTRE), "seal": ("seal", CENTRE), "receiver": ("seal", DEPARTMENT)}
        for who, (kind, holder) in {**holders, "log": ("log", LOG)}.items():
            officer: dict[str, Any] = {"officer": "tt-01"} if kind == "officer" else {}
            until: dict[str, Any] = {"until": self.at - DAY}
            self.entries.append(listed(kind, holder, self.ended[who], **officer, **until))  # type: ignore[arg-type]
            self.entries.append(listed(kind, holder, self.expired[who], **officer))  # type: ignore[arg-type]
        self.entries += [
            listed("seal", OTHER, self.other_seal),
            listed("officer", CENTRE, self.other_officer, officer="rb-01", unit=OTHER),
            listed("log", OTHER_LOG, self.other_log),
        ]

    def namesake(self, holder: KeyHolder, **period: Any) -> KeyHolder:
        """Another certificate of the same subject, by the same authority."""
        key, name = ec.generate_private_key(ec.SECP256R1()), holder.certificate.subject
        common, serial = (
            [str(one.value) for one in name if one.oid.dotted_string == oid] for oid in ("2.5.4.3", "2.5.4.5")
        )
        begins = {"begins": self.at - 2 * DAY} if period else {}
        certificate = self.authority.issue(
            common[0], key.public_key(), serial_name=serial[0] if serial else "", **begins, **period
        )
        return KeyHolder(key, certificate, (self.authority.issuing.certificate,))

    def by_itself(self, holder: KeyHolder) -> KeyHolder:
        """A certificate of the same subject that nobody vouches for but its own authority, of the right name too."""
        root_key = ec.generate_private_key(ec.SECP256R1())
        root = Issuer(root_key, development_authority.root(root_key, "Development root", DAY * 30))
        key = ec.generate_private_key(ec.SECP256R1())
        named = [str(one.value) for one in holder.certificate.subject if one.oid.dotted_string == "2.5.4.5"]
        certificate = development_authority.signer(
            key.public_key(), "như nhau", now() - DAY, now() + DAY, root, serial_name=named[0] if named else ""
        )
        return KeyHolder(key, certificate)

    def table(self) -> bytes:
        """A month's table of nothing."""
        sums = dict.fromkeys(("opening", "receipts", "refunds", "adjustments", "retained", "net"), 0)
        return canonical.encode(
            sums
            | {"v": 1, "typ": "vn.hub.settlement", "settlement_id": "st_1", "month": "2026-10", "department": "so-a"}
            | {"department_name": "Sở A", "closed_at": "2026-11-01T00:00:00Z", "fees": [], "lines": []}
            | {"open_exceptions": [], "book": "0" * 64, "last_entry": 1}
        )

    def evidence(self, kind: str, by: Mapping[str, KeyHolder]) -> Bundle:
        """A bundle about ``kind`` in which everybody signs who has to, with what ``by`` says instead."""
        hands = {**self.right, **by}

        def both(record: bytes) -> tuple[bytes, bytes]:
            person = self.sign(record, hands["officer"])
            return person, self.sign(person, hands["seal"])

        if kind == "settlement":
            record = self.table()
            return self._logged(hands, ("settlement", record, (self.sign(record, hands["seal"]),)))
        if kind == "return":
            giver, receiver = _side(DEPARTMENT, "department"), _side(CENTRE, "centre")
            record = self.record(act="return", giver=giver, receiver=receiver)
            answer = self.counter_record(record, receiver=_side(CENTRE, "centre", "tt-01"))
            act = ("handoff", record, (self.sign(record, hands["receiver"]),))
            return self._logged(hands, act, ("receipt", answer, both(answer)))
        record = self.record()
        if kind == "minute":
            minute = self.minute(record)
            return self._logged(hands, ("handoff", record, self.signed(record)), ("minute", minute, both(minute)))
        answer = self.counter_record(record)
        counter = ("receipt", answer, (self.sign(answer, hands["receiver"]),))
        return self._logged(hands, ("handoff", record, both(record)), counter)

    def _logged(self, hands: Mapping[str, KeyHolder], *parts: tuple[str, bytes, tuple[bytes, ...]]) -> Bundle:
        acts: list[BundledRecord] = []
        for kind, record, signatures in parts:
            act = self.logged(kind, record, *signatures)
            acts.append(replace(act, checkpoint_signature=self.sign(act.checkpoint, hands["log"])))
        return self.bundle(*acts)


def _root(town: ForgeryTown) -> str:
    return fingerprint(town.authority.root.certificate)


def _side(agency: str, role: str, officer: str | None = None) -> dict[str, str | None]:
    return {"agency": agency, "role": role, "officer": officer}


@dataclass(frozen=True)
class Wrong:
    """Somebody who must not sign, and what the judge answers."""

    signer: Callable[[ForgeryTown, str], KeyHolder]
    answer: VerdictAnswer = VerdictAnswer.INVALID


WRONG: Final[Mapping[str, Wrong]] = {
    "another department": Wrong(lambda town, _: town.other_seal),
    "an officer of another unit": Wrong(lambda town, _: town.other_officer),
    "the log": Wrong(lambda town, who: town.seal if who == "log" else town.log),
    "a log of another name": Wrong(lambda town, _: town.other_log),
    "expired": Wrong(lambda town, who: town.expired[who]),
    "outside its period": Wrong(lambda town, who: town.ended[who]),
    "of the same name, not listed": Wrong(lambda town, who: town.namesake(town.right[who]), VerdictAnswer.CANNOT_TELL),
    "self-signed, of the same name": Wrong(
        lambda town, who: town.by_itself(town.right[who]), VerdictAnswer.CANNOT_TELL
    ),
}
SIGNED: Final = [
    ("handoff", "officer"), ("handoff", "seal"), ("handoff", "log"), ("handoff", "receiver"),
    ("return", "receiver"), ("return", "officer"), ("return", "seal"),
    ("minute", "officer"), ("minute", "seal"), ("settlement", "seal"), ("settlement", "log"),
]  # fmt: skip
"""kind of the evidence, and who signs in it"""


@pytest.fixture(scope="module")
def _town(tmp_path_factory: pytest.TempPathFactory) -> ForgeryTown:
    return ForgeryTown(tmp_path_factory.mktemp("town"))


@pytest.fixture
def town(_town: ForgeryTown) -> Iterator[ForgeryTown]:
    """The same town for every test, with the trust list as it was."""
    entries = list(_town.entries)
    yield _town
    _town.entries = entries


@needs_openssl
@pytest.mark.parametrize("kind", sorted({kind for kind, _ in SIGNED}))
def test_with_everybody_who_has_to_sign_it_is_valid_in_both(town: ForgeryTown, kind: str, tmp_path: Path) -> None:
    """So that the refusals below are about the signer that they name."""
    bundle = town.evidence(kind, {})
    verdict = judge(bundle, town.trust)
    assert verdict.answer is VerdictAnswer.VALID, verdict.findings
    judged = verify_sh(archive.unpack(bundle.write()), town.trust_list, tmp_path)
    assert judged.returncode == 0, judged.stdout + judged.stderr


@needs_openssl
@pytest.mark.parametrize("wrong", WRONG)
@pytest.mark.parametrize(("kind", "who"), SIGNED, ids=lambda each: each)
def test_a_wrong_signer_is_never_valid(town: ForgeryTown, kind: str, who: str, wrong: str, tmp_path: Path) -> None:
    forged = town.evidence(kind, {who: WRONG[wrong].signer(town, who)})
    assert judge(forged, town.trust).answer is WRONG[wrong].answer
    judged = verify_sh(archive.unpack(forged.write()), town.trust_list, tmp_path)
    assert judged.returncode in (1, 4), judged.stdout + judged.stderr


def test_without_a_trust_list_nothing_is_valid(town: ForgeryTown) -> None:
    verdict = judge(town.evidence("handoff", {}), town.by_roots_alone)
    assert verdict.answer is VerdictAnswer.CANNOT_TELL
    assert [one.code for one in verdict.findings if one.weight is Weight.MISSING] == [VerdictCode.TRUST_LIST]


RECORDS: Final[Mapping[str, Callable[[ForgeryTown], bytes]]] = {
    "the Centre's without an officer": lambda town: town.record(giver=_side(CENTRE, "centre")),
    "a department that calls itself the Centre": lambda town: town.record(giver=_side(OTHER, "centre", "tt-01")),
    "the Centre that calls itself a department": lambda town: town.record(
        act="return", giver=_side(CENTRE, "department", "tt-01"), receiver=_side(CENTRE, "centre")
    ),
    "a transfer to nobody but itself": lambda town: town.record(receiver=_side(CENTRE, "centre")),
    "another agency's": lambda town: town.record(
        act="return", giver=_side(OTHER, "department", "tt-01"), receiver=_side(CENTRE, "centre")
    ),
}


@needs_openssl
@pytest.mark.parametrize("record", RECORDS)
def test_the_right_hands_on_a_record_that_is_not_theirs_are_never_valid(
    town: ForgeryTown, record: str, tmp_path: Path
) -> None:
    content = RECORDS[record](town)
    bundle = town.bundle(town.logged("handoff", content, *town.signed(content)))
    assert judge(bundle, town.trust).answer is VerdictAnswer.INVALID
    assert verify_sh(archive.unpack(bundle.write()), town.trust_list, tmp_path).returncode == 1


@needs_openssl
def test_a_receipt_by_another_agency_under_a_code_of_the_other_register_is_never_valid(
    town: ForgeryTown, tmp_path: Path
) -> None:
    """H42.17 is no code that can be compared with 000.00.16.H42: whose seal it is decides."""
    town.entries.append(listed("seal", "H42.17", town.other_seal))
    handoff = town.handoff()
    answer = town.receipt(handoff, town.other_seal, receiver=_side("H42.17", "department"))
    bundle = town.bundle(handoff, answer)
    assert judge(bundle, town.trust).answer is VerdictAnswer.INVALID
    assert verify_sh(archive.unpack(bundle.write()), town.trust_list, tmp_path).returncode == 1


@needs_openssl
def test_a_department_whose_officer_signs_too_is_known_by_the_officer_s_id(town: ForgeryTown, tmp_path: Path) -> None:
    root = _root(town)
    town.entries.append(TrustEntry(kind="officer", holder=DEPARTMENT, root=root))
    handoff = town.handoff()
    assert handoff.record is not None
    answer = town.counter_record(handoff.record, receiver=_side(DEPARTMENT, "department", "sa-01"))
    for number, (signer, right) in enumerate(((town.department_officer, True), (town.other_officer, False))):
        person = town.sign(answer, signer)
        bundle = town.bundle(handoff, town.logged("receipt", answer, person, town.sign(person, town.receiver)))
        assert (judge(bundle, town.trust).answer is VerdictAnswer.VALID) == right
        judged = verify_sh(archive.unpack(bundle.write()), town.trust_list, tmp_path / str(number))
        assert (judged.returncode == 0) == right, judged.stdout


@needs_openssl
def test_a_seal_known_by_its_code_below_a_root_is_not_another_s(town: ForgeryTown, tmp_path: Path) -> None:
    town.entries = [one for one in town.entries if one.holder != DEPARTMENT or one.kind != "seal"]
    root = _root(town)
    town.entries.append(TrustEntry(kind="seal", holder=DEPARTMENT, root=root, subject="rest-a"))
    handoff = town.handoff()
    for number, (signer, right) in enumerate(((town.receiver, True), (town.other_seal, False))):
        bundle = town.bundle(handoff, town.receipt(handoff, signer))
        assert (judge(bundle, town.trust).answer is VerdictAnswer.VALID) == right
        judged = verify_sh(archive.unpack(bundle.write()), town.trust_list, tmp_path / str(number))
        assert (judged.returncode == 0) == right, judged.stdout


@needs_openssl
def test_a_time_stamp_by_an_authority_that_is_not_listed_is_never_valid(town: ForgeryTown, tmp_path: Path) -> None:
    town.entries = [one for one in town.entries if one.kind != "tsa"]
    town.entries.append(TrustEntry(kind="tsa", holder="tsa", certificate="0" * 64))
    bundle = town.bundle(town.handoff())
    assert judge(bundle, town.trust).answer is VerdictAnswer.CANNOT_TELL
    assert verify_sh(archive.unpack(bundle.write()), town.trust_list, tmp_path).returncode == 4
