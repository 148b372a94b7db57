"""Outcomes of a signature, certificate or time-stamp check other than valid; their codes, explained in Vietnamese."""

from collections.abc import Mapping
from typing import Final

from hub.errors import HubError
from hub.locale import vi


class _Verdict(HubError):
    def __init__(self, code: str, sentence: str) -> None:
        self.code = code
        self.sentence = sentence
        super().__init__(sentence)


class Invalid(_Verdict):
    """Invalid: no further evidence can make it valid."""


class Undecided(_Verdict):
    """Undecided: evidence is missing that could decide it either way (a revocation list, an issuer)."""


REASONS_VI: Final[Mapping[str, str]] = {
    "another-party": vi("by the trust list this certificate is another party's"),
    "algorithm-refused": vi("the algorithm is not accepted"),
    "certificate-absent": vi("there is no certificate of the signer"),
    "certificate-refused": vi("the certificate has a critical extension that is not understood"),
    "certificate-unreadable": vi("the certificate cannot be read"),
    "certificates-superfluous": vi("there are certificates that have nothing to do with the signature"),
    "content-changed": vi("the content is not what was signed"),
    "content-gone": vi("the content is gone and the signature uses another digest"),
    "content-type": vi("wrong type of signed content"),
    "crl-missing": vi("the revocation list of the certificate's issuer is missing"),
    "crl-stale": vi("no revocation list speaks of that time"),
    "expired": vi("the certificate had expired at that time"),
    "issuer-refused": vi("the issuer of the certificate may not issue"),
    "key-refused": vi("the key is too weak or not accepted"),
    "key-usage": vi("the certificate is not for signing"),
    "no-path": vi("the certificate does not lead to a trusted root"),
    "not-a-signature": vi("the file is not a signature, or is damaged"),
    "not-a-stamp": vi("the file is not a time stamp, or is damaged"),
    "not-der": vi("the signature file is not in canonical form; it was changed"),
    "not-detached": vi("the signature file holds the content as well"),
    "not-listed": vi(
        "the trust list does not have this certificate for the party that has to sign; ask for a newer version"
    ),
    "not-one-signer": vi("the file does not have exactly one signature"),
    "not-yet-valid": vi("the certificate was not valid yet at that time"),
    "officer-absent": vi("the record names no officer, and one of the Centre's needs an officer's signature"),
    "out-of-period": vi("by the trust list the certificate did not sign for this party at that time"),
    "revoked": vi("the certificate had been revoked before that time"),
    "sides": vi("the parties in the record do not fit the kind of handoff"),
    "signature-wrong": vi("the signature was not made with this certificate's key"),
    "signing-certificate-absent": vi("the signature is not bound to a certificate (not CAdES)"),
    "signing-certificate-wrong": vi("the signature is bound to another certificate"),
    "signing-time": vi("the time of signing is not plausible"),
    "stamp-imprint": vi("the time stamp is of other content"),
    "stamp-purpose": vi("the certificate is not of a time-stamping authority"),
    "unsigned-parts": vi("the signature file has parts that the signature does not cover"),
}


def explain_vi(end: Invalid | Undecided) -> str:
    """The code and what it means; in English where nobody has put it into Vietnamese yet."""
    return f"{end.code}: {REASONS_VI.get(end.code, end.sentence)}"
