"""What a forger may do to a bundle: a function a deed, each with what has to be found."""

import hashlib
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

from hub.signing import merkle
from hub.signing.bundle import Bundle, BundledRecord
from hub.signing.verdicts import VerdictCode
from tests.unit.signing.notary import MINUTE, Notary


def deed_swapped_signatures(notary: Notary) -> Bundle:
    act = notary.handoff()
    return notary.bundle(replace(act, signatures=act.signatures[::-1]))


def deed_sealed_first(notary: Notary) -> Bundle:
    """The seal on the record, and the person's signature over the seal's."""
    record = notary.record()
    seal = notary.sign(record, notary.seal)
    return notary.bundle(notary.logged("handoff", record, notary.sign(seal, notary.officer), seal))


def deed_sealed_beside(notary: Notary) -> Bundle:
    """Both on the record: nothing shows who came first."""
    record = notary.record()
    return notary.bundle(
        notary.logged("handoff", record, notary.sign(record, notary.officer), notary.sign(record, notary.seal))
    )


def deed_seal_dated_before_the_person(notary: Notary) -> Bundle:
    record = notary.record()
    person = notary.sign(record, notary.officer)
    return notary.bundle(notary.logged("handoff", record, person, notary.sign(person, notary.seal, after=-MINUTE)))


def deed_swapped_documents(notary: Notary) -> Bundle:
    """The record lists another document than the one that was signed."""
    act = notary.handoff()
    other = notary.record(documents=[{**_document(), "sha256": hashlib.sha256(b"swapped").hexdigest()}])
    return notary.bundle(replace(act, record=other, record_hash=hashlib.sha256(other).digest()))


def deed_re_signed_after_the_log(notary: Notary) -> Bundle:
    """Swapped documents, signed well by the right people, under the old proof."""
    act = notary.handoff()
    other = notary.record(documents=[{**_document(), "sha256": hashlib.sha256(b"swapped").hexdigest()}])
    return notary.bundle(
        replace(act, record=other, record_hash=hashlib.sha256(other).digest(), signatures=notary.signed(other))
    )


def deed_replayed_receipt(notary: Notary) -> Bundle:
    """A receipt that the department gave for another handoff: well signed, logged and stamped."""
    return notary.bundle(notary.handoff(1), notary.receipt(notary.handoff(2)))


def deed_replayed_proof_of_the_receipt(notary: Notary) -> Bundle:
    first, second = notary.handoff(1), notary.handoff(2)
    mine, other = notary.receipt(first), notary.receipt(second)
    return notary.bundle(first, replace(mine, proof=other.proof))


def deed_proof_of_another_leaf(notary: Notary) -> Bundle:
    first, second = notary.handoff(1), notary.handoff(2)
    shown = replace(merkle.read_proof(second.proof), record_hash=first.record_hash, signature_hashes=_hashes(first))
    return notary.bundle(replace(first, proof=shown.write(), checkpoint=second.checkpoint,
                                 checkpoint_signature=second.checkpoint_signature, stamp=second.stamp))  # fmt: skip


def deed_truncated_log(notary: Notary) -> Bundle:
    """A checkpoint of a time before the handoff was in the log."""
    before = notary.logged("handoff", notary.record(7), *notary.signed(notary.record(7)))
    act = notary.handoff(8)
    return notary.bundle(replace(act, checkpoint=before.checkpoint, stamp=before.stamp,
                                 checkpoint_signature=before.checkpoint_signature))  # fmt: skip


def deed_rewritten_log(notary: Notary) -> Bundle:
    """A root of the forger's own, signed by a key that is not the log's."""
    act = notary.handoff()
    return notary.bundle(replace(act, checkpoint_signature=notary.sign(act.checkpoint, notary.officer)))


def deed_another_log_s_name(notary: Notary) -> Bundle:
    return notary.bundle(notary.handoff(log="hub.other"))


def deed_unsigned_root(notary: Notary) -> Bundle:
    act = notary.handoff()
    body = notary.checkpoint(root="0" * 64)
    shown = replace(merkle.read_proof(act.proof), root=b"\x00" * 32)
    return notary.bundle(replace(act, checkpoint=body, stamp=notary.stamp(body), proof=shown.write(),
                                 checkpoint_signature=notary.sign(body, notary.log)))  # fmt: skip


def deed_replaced_stamp(notary: Notary) -> Bundle:
    return notary.bundle(replace(notary.handoff(1), stamp=notary.handoff(2).stamp))


def deed_stamp_from_before_the_checkpoint(notary: Notary) -> Bundle:
    act = notary.handoff()
    return notary.bundle(replace(act, stamp=notary.stamp(act.checkpoint, notary.at - timedelta(minutes=30))))


def deed_dated_after_its_stamp(notary: Notary) -> Bundle:
    tomorrow = (notary.at + timedelta(days=1)).isoformat().replace("+00:00", "Z")
    return notary.bundle(notary.handoff(given_at=tomorrow))


def deed_forked_log(notary: Notary) -> Bundle:
    """Two roots of one size: the log showed different faces to two people."""
    handoff = notary.handoff()
    receipt = notary.receipt(handoff)
    size = merkle.read_proof(receipt.proof).size
    body = notary.checkpoint(size=size, root="1" * 64)
    return notary.bundle(replace(handoff, checkpoint=body, stamp=notary.stamp(body),
                                 checkpoint_signature=notary.sign(body, notary.log)), receipt)  # fmt: skip


def forged_list(notary: Notary) -> Bundle:
    """A list that says nothing of the revoked, by a forger in the issuer's name."""
    forger = Notary(notary.authority.folder.parent / "forger")
    return replace(notary.bundle(), crls=(forger.authority.crl(at=notary.at - MINUTE),))


def _document() -> dict[str, object]:
    return {"code": "TP-01", "name": "Đơn đề nghị", "media_type": "application/pdf", "size": 1234}


def _hashes(act: BundledRecord) -> tuple[bytes, ...]:
    return tuple(hashlib.sha256(one).digest() for one in act.signatures)


DEEDS: dict[Callable[[Notary], Bundle], tuple[set[VerdictCode], bool]] = {
    deed_swapped_signatures: ({VerdictCode.ORDER, VerdictCode.PROOF_OF_ANOTHER}, True),
    deed_sealed_first: ({VerdictCode.ORDER}, True),
    deed_sealed_beside: ({VerdictCode.ORDER}, True),
    deed_seal_dated_before_the_person: ({VerdictCode.ORDER}, False),
    deed_swapped_documents: ({VerdictCode.PROOF_OF_ANOTHER, VerdictCode.PERSON}, True),
    deed_re_signed_after_the_log: ({VerdictCode.PROOF_OF_ANOTHER}, True),
    deed_replayed_receipt: ({VerdictCode.ANSWER_OF_ANOTHER}, True),
    deed_replayed_proof_of_the_receipt: ({VerdictCode.PROOF_OF_ANOTHER}, True),
    deed_proof_of_another_leaf: ({VerdictCode.PROOF}, True),
    deed_truncated_log: ({VerdictCode.PROOF_OF_ANOTHER}, True),
    deed_rewritten_log: ({VerdictCode.PARTY}, True),
    deed_another_log_s_name: ({VerdictCode.OTHER_LOG}, False),
    deed_unsigned_root: ({VerdictCode.PROOF}, True),
    deed_replaced_stamp: ({VerdictCode.STAMP}, True),
    deed_stamp_from_before_the_checkpoint: (
        {VerdictCode.TIMES, VerdictCode.CHECKPOINT, VerdictCode.PERSON, VerdictCode.SEAL},
        True,
    ),
    deed_dated_after_its_stamp: ({VerdictCode.TIMES}, False),
    deed_forked_log: ({VerdictCode.FORKED, VerdictCode.PROOF_OF_ANOTHER}, True),
}
"""What a forger does → what the judge calls it, and whether openssl alone sees it too"""
