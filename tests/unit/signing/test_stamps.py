"""Time stamps: ``openssl ts`` as a real authority, and what a forged or a foreign token cannot do."""

import hashlib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from asn1crypto import tsp
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hub.clock import now
from hub.signing import asn1, cms, der, stamps
from hub.signing.trust import Trust
from hub.signing.verdicts import Invalid, Undecided
from tests.unit.signing.authority import SIGNER, STAMPER, Extensions, KeyHolder, SigningAuthority, pem
from tests.unit.signing.judges import needs_openssl, openssl

DATA = b'{"root":"00","size":2000}'
DIGEST = hashlib.sha256(DATA).digest()
NONCE = 0xC0FFEE_0123_4567_89AB
POLICY = "1.3.6.1.4.1.99999.1"
ROOT = SigningAuthority()
ISSUING = SigningAuthority("Stamping CA", ROOT)
pytestmark = needs_openssl


class TSA:
    """A time stamping authority that answers on the command line."""

    def __init__(self, folder: Path, extensions: Extensions = STAMPER, identified_by: str = "sha256") -> None:
        self.folder = folder
        self.holder: KeyHolder = ISSUING.issue("Time stamps", extensions=extensions)
        key, certificate = self.holder.write(folder)
        (folder / "chain.pem").write_bytes(pem(ISSUING.certificate))
        (folder / "serial").write_text("01\n")
        (folder / "tsa.cnf").write_text(
            f"[tsa]\ndefault_tsa = own\n[own]\nserial = {folder}/serial\nsigner_cert = {certificate}\n"
            f"signer_key = {key}\ncerts = {folder}/chain.pem\nsigner_digest = sha256\ndefault_policy = {POLICY}\n"
            f"digests = sha256, sha384\naccuracy = secs:1\ness_cert_id_chain = no\ness_cert_id_alg = {identified_by}\n"
        )

    def reply(self, question: bytes) -> bytes:
        (self.folder / "question.tsq").write_bytes(question)
        answer = openssl(
            *("ts", "-reply", "-config", self.folder / "tsa.cnf", "-queryfile", self.folder / "question.tsq")
        )
        assert answer.returncode == 0, answer.stderr
        return answer.stdout

    def token(self, data: bytes = DATA) -> bytes:
        digest = hashlib.sha256(data).digest()
        return stamps.read_reply(self.reply(stamps.request(digest, NONCE)), digest, NONCE)


@pytest.fixture
def tsa(tmp_path: Path) -> TSA:
    return TSA(tmp_path)


@pytest.fixture(scope="module")
def token(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A token for DATA."""
    return TSA(tmp_path_factory.mktemp("tsa")).token()


def trust() -> Trust:
    return Trust([ROOT.certificate], [ISSUING.certificate], [ISSUING.crl(now() - timedelta(hours=1))])


def refusal(call: Callable[..., object], *arguments: Any) -> str:
    with pytest.raises(Invalid) as invalid:
        call(*arguments)
    return invalid.value.code


def test_a_stamp_says_that_the_data_was_there(tsa: TSA) -> None:
    before = now() - timedelta(seconds=1)
    stamp = stamps.verify(tsa.token(), DATA, trust())
    assert before <= stamp.at <= now()
    assert stamp.at.tzinfo is UTC
    assert (stamp.serial, stamp.policy) == (2, POLICY)
    assert stamp.certificate == tsa.holder.certificate


@pytest.mark.parametrize("identified_by", ["sha1", "sha256", "sha512"])
def test_an_authority_that_names_its_certificate_the_older_way_is_read(tmp_path: Path, identified_by: str) -> None:
    assert stamps.verify(TSA(tmp_path, identified_by=identified_by).token(), DATA, trust()).serial


def test_openssl_accepts_the_token_that_we_keep(tsa: TSA) -> None:
    files = {"roots.pem": pem(ROOT.certificate), "data": DATA, "token.tst": tsa.token()}
    for name, content in files.items():
        (tsa.folder / name).write_bytes(content)
    judged = openssl(
        *("ts", "-verify", "-token_in", "-in", tsa.folder / "token.tst", "-data", tsa.folder / "data"),
        *("-CAfile", tsa.folder / "roots.pem"),
    )
    assert judged.returncode == 0, judged.stderr


def test_openssl_reads_our_question(tmp_path: Path) -> None:
    (tmp_path / "question.tsq").write_bytes(stamps.request(DIGEST, NONCE, POLICY))
    text = openssl("ts", "-query", "-in", tmp_path / "question.tsq", "-text").stdout.decode()
    assert "Hash Algorithm: sha256" in text
    assert f"Nonce: 0x{NONCE:X}" in text
    assert f"Policy OID: {POLICY}" in text
    assert "Certificate required: yes" in text


def test_a_digest_that_is_none_is_not_asked_for() -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        stamps.request(b"short", NONCE)


def test_a_reply_to_another_question_is_refused(tsa: TSA) -> None:
    reply = tsa.reply(stamps.request(DIGEST, NONCE))
    assert refusal(stamps.read_reply, reply, DIGEST, NONCE + 1) == "stamp-nonce"
    assert refusal(stamps.read_reply, reply, hashlib.sha256(b"other").digest(), NONCE) == "stamp-imprint"


def test_an_authority_that_refuses_says_so(tsa: TSA) -> None:
    sha1 = tsp.TimeStampReq(
        {
            "version": 1,
            "message_imprint": {"hash_algorithm": {"algorithm": "sha1"}, "hashed_message": b"0" * 20},
            "nonce": NONCE,
        }
    )
    assert refusal(stamps.read_reply, tsa.reply(sha1.dump()), DIGEST, NONCE) == "stamp-refused"


@pytest.mark.parametrize("reply", [b"", b"<html>", der.sequence(), der.sequence(der.sequence(der.integer(0)))])
def test_a_reply_that_is_none_is_refused(reply: bytes) -> None:
    assert refusal(stamps.read_reply, reply, DIGEST, NONCE) in ("not-a-stamp", "not-a-signature")


def test_a_stamp_for_other_data_proves_nothing(token: bytes) -> None:
    assert refusal(stamps.verify, token, DATA + b" ", trust()) == "stamp-imprint"


def test_a_signature_is_no_stamp() -> None:
    signature = cms.sign(DATA, ISSUING.issue("Time stamps", extensions=STAMPER), now())
    assert refusal(stamps.verify, signature, DATA, trust()) == "not-a-stamp"


@pytest.mark.parametrize(
    "extensions",
    [SIGNER, (*SIGNER, (STAMPER[-1][0], False))],
)
def test_only_a_certificate_for_stamps_and_nothing_else_stamps(extensions: Extensions) -> None:
    holder = ISSUING.issue("Officer", extensions=extensions)
    assert refusal(stamps.verify, forged(holder, now()), DATA, trust()) == "stamp-purpose"


def test_a_stamp_made_by_hand_of_the_right_parts_holds() -> None:
    # So that the refusals of forged ones above and below are about what they say.
    holder = ISSUING.issue("Time stamps", extensions=STAMPER)
    at = now().replace(microsecond=0)
    assert stamps.verify(forged(holder, at), DATA, trust()).at == at


def test_a_stamp_from_a_time_when_its_certificate_was_not_valid_is_refused() -> None:
    holder = ISSUING.issue("Time stamps", extensions=STAMPER, ends=now() - timedelta(days=1))
    assert refusal(stamps.verify, forged(holder, now()), DATA, trust()) == "expired"


def test_a_stamp_made_after_the_authority_was_revoked_is_refused_and_one_made_before_holds() -> None:
    holder = ISSUING.issue("Time stamps", extensions=STAMPER)
    revoked = ISSUING.crl(now() - timedelta(hours=1), revoked={holder.certificate: now() - timedelta(hours=2)})
    known = Trust([ROOT.certificate], [ISSUING.certificate], [revoked])
    assert refusal(stamps.verify, forged(holder, now()), DATA, known) == "revoked"
    assert stamps.verify(forged(holder, now() - timedelta(hours=3)), DATA, known).serial == 1


def test_a_stamp_of_an_unknown_authority_decides_nothing(token: bytes) -> None:
    with pytest.raises(Undecided):
        stamps.verify(token, DATA, SigningAuthority("Other").trust())


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_no_bit_of_what_a_stamp_says_can_be_flipped(token: bytes, data: st.DataObject) -> None:
    whole = stamps.verify(token, DATA, trust())
    bit = data.draw(st.integers(0, len(token) * 8 - 1))
    bent = (int.from_bytes(token) ^ 1 << bit).to_bytes(len(token))
    try:
        stamp = stamps.verify(bent, DATA, trust())
    except (Invalid, Undecided):
        return
    # Bits that the signature does not cover (spare certificates, outer version numbers) change nothing that is said.
    assert stamp == whole


def forged(holder: KeyHolder, at: datetime) -> bytes:
    """A token for DATA by ``holder``, who need not be one who may stamp."""
    info = der.sequence(
        der.integer(1),
        der.oid(POLICY),
        der.sequence(der.sequence(der.oid("2.16.840.1.101.3.4.2.1"), der.NULL), der.tlv(der.OCTETS, DIGEST)),
        der.integer(1),
        der.tlv(0x18, at.strftime("%Y%m%d%H%M%SZ").encode()),
    )
    detached = cms.sign(info, holder, at)
    stamp = der.oid(stamps.TST_INFO)
    signed = asn1.read_signed_data(detached)
    attributes = dict(signed.attributes) | {cms.CONTENT_TYPE: stamp}
    encoded = [der.sequence(der.oid(kind), der.set_of([value])) for kind, value in attributes.items()]
    signer = der.sequence(
        der.integer(1),
        signed.sid,
        signed.digest_algorithm,
        der.set_of(encoded, 0xA0),
        signed.signature_algorithm,
        der.tlv(der.OCTETS, holder.sign(der.set_of(encoded))),
    )
    token = der.sequence(
        der.oid(asn1.SIGNED_DATA),
        der.context(
            0,
            der.sequence(
                der.integer(3),
                der.set_of([signed.digest_algorithm]),
                der.sequence(stamp, der.context(0, der.tlv(der.OCTETS, info))),
                der.context(0, *(cms.encoded(one) for one in holder.chain)),
                der.set_of([signer]),
            ),
        ),
    )
    return stamps.normalised(token)
