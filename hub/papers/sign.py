"""Sign a printed form with PAdES (ETSI EN 319 142-1, B-B; B-T with a time stamp): the person first, then the seal.

NĐ 30/2020/NĐ-CP Article 32: an organisation signs only what the competent person has signed. Each signature is an
incremental update, so the second covers the first. Loads pyHanko: imported by the command that prints, by no worker.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from io import BytesIO
from tempfile import NamedTemporaryFile
from typing import Any, Final, Literal

from pyhanko.pdf_utils.content import ImportedPdfPage
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.layout import AxisAlignment, Margins, SimpleBoxLayoutRule
from pyhanko.sign.fields import SigFieldSpec, SigSeedSubFilter
from pyhanko.sign.signers import PdfSignatureMetadata, PdfSigner, Signer
from pyhanko.sign.signers.pdf_signer import DSSContentSettings, SigDSSPlacementPreference
from pyhanko.sign.timestamps import TimeStamper
from pyhanko.stamp import StaticStampStyle
from pyhanko_certvalidator.registry import SimpleCertificateStore

from hub.papers.render import SignaturePlace, drawn_signature
from hub.papers.verify import context
from hub.signing import asn1, stamps
from hub.signing.cms import SigningKey
from hub.signing.trust import Trust

Who = Literal["person", "seal"]
Stamp = Callable[[bytes], bytes]
"""sends an RFC 3161 request to a TSA and returns its reply"""

FIELDS: Final[Mapping[Who, str]] = {"person": "nguoi-ky", "seal": "co-quan-ky"}
"""names of the signature fields"""
_INK: Final[Mapping[Who, str]] = {"person": "#0a2a8c", "seal": "#b8000c"}
"""a person signs in blue, an organisation in red (NĐ 30/2020, Annex I)"""
_BOX: Final = (225, 62)
"""width and height of a drawn signature, in points, as in the templates"""
_WITH_THE_SIGNATURE: Final = DSSContentSettings(
    placement=SigDSSPlacementPreference.TOGETHER_WITH_SIGNATURE, include_vri=False
)
"""issuers and revocation lists are signed too, and the last signature covers the whole file"""
_RAW_SIGNATURE: Final = 512
"""bytes (RSA-4096): the size for which pyHanko reserves space"""


@dataclass(frozen=True, slots=True)
class Signatory:
    """A signer: the key, and the name and reason to print."""

    key: SigningKey
    name: str
    reason: str


def sign(
    pdf: bytes,
    person: Signatory,
    seal: Signatory,
    *,
    at: datetime,
    trust: Trust,
    places: Mapping[Who, SignaturePlace],
    stamp: Stamp | None = None,
) -> bytes:
    """Sign ``pdf`` as the person, then as the organisation. A signature without a place in ``places`` is invisible.

    Issuers and revocation lists of ``trust`` are stored in the file (DSS), so that it can be verified by itself.
    Raises, before anything is signed, Invalid or Undecided (hub.signing.verdicts) for a certificate that is not valid
    now; Invalid for a wrong time stamp; and what ``stamp`` raises.
    """
    for signatory in (person, seal):
        trust.path(signatory.key.certificate, at, signatory.key.chain)
    first = _signed(pdf, "person", person, at, trust, places.get("person"), stamp)
    return _signed(first, "seal", seal, at, trust, places.get("seal"), stamp)


def _signed(
    pdf: bytes,
    who: Who,
    signatory: Signatory,
    at: datetime,
    trust: Trust,
    place: SignaturePlace | None,
    stamp: Stamp | None,
) -> bytes:
    field = SigFieldSpec(FIELDS[who], on_page=place.page if place else 0, box=_box(place))
    meta = PdfSignatureMetadata(
        field_name=FIELDS[who],
        md_algorithm="sha256",
        subfilter=SigSeedSubFilter.PADES,
        name=signatory.name,
        reason=signatory.reason,
        embed_validation_info=True,
        validation_context=context(trust, at),
        dss_settings=_WITH_THE_SIGNATURE,
    )
    with NamedTemporaryFile(suffix=".pdf") as page:  # pyHanko reads the page from a file only
        page.write(drawn_signature(signatory.name, at, _INK[who]))
        page.flush()
        signer = _AtItsTime(
            meta,
            _Signer(signatory.key),
            timestamper=None if stamp is None else _Stamper(stamp),
            stamp_style=_picture(page.name),
            new_field_spec=field,
        )
        signer.at = at
        signed: bytes = signer.sign_pdf(IncrementalPdfFileWriter(BytesIO(pdf))).getvalue()
    return signed


def _box(place: SignaturePlace | None) -> tuple[int, int, int, int] | None:
    if place is None:
        return None
    width, height = _BOX
    left, top = round(place.x), round(place.y)
    return (left, top - height, left + width, top)


def _picture(page: str) -> StaticStampStyle:
    whole = SimpleBoxLayoutRule(AxisAlignment.ALIGN_MID, AxisAlignment.ALIGN_MID, Margins.uniform(0))
    return StaticStampStyle(background=ImportedPdfPage(page), background_layout=whole, border_width=0)


class _AtItsTime(PdfSigner):  # type: ignore[misc] # pyHanko is untyped
    """pyHanko's signer with the signing time set by the caller, since hub.clock is the only clock."""

    at: datetime

    def init_signing_session(self, *args: Any, **kwargs: Any) -> Any:
        session = super().init_signing_session(*args, **kwargs)
        session.system_time = self.at
        return session


class _Signer(Signer):  # type: ignore[misc] # pyHanko is untyped
    """Adapter of a SigningKey for pyHanko; SHA-256 only."""

    def __init__(self, key: SigningKey) -> None:
        store = SimpleCertificateStore()  # type: ignore[no-untyped-call] # its own package leaves __init__ bare
        store.register_multiple(asn1.pyhanko_certificate(certificate) for certificate in key.chain)
        super().__init__(signing_cert=asn1.pyhanko_certificate(key.certificate), cert_registry=store, embed_roots=False)
        self._key = key

    async def async_sign_raw(self, data: bytes, digest_algorithm: str, dry_run: bool = False) -> bytes:
        if digest_algorithm != "sha256":
            raise ValueError(f"our keys sign over SHA-256, not {digest_algorithm}")
        return bytes(_RAW_SIGNATURE) if dry_run else self._key.sign(data)


class _Stamper(TimeStamper):  # type: ignore[misc] # pyHanko is untyped
    """Adapter of a Stamp function for pyHanko."""

    def __init__(self, stamp: Stamp) -> None:
        super().__init__()
        self._stamp = stamp

    async def async_request_tsa_response(self, req: Any) -> Any:
        reply = self._stamp(req.dump())
        token = stamps.read_reply(reply, req["message_imprint"]["hashed_message"].native, req["nonce"].native)
        return asn1.pyhanko_stamp_reply(token)
