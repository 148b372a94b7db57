"""zeep as one would use it without us: its own transport, its own WS-Security plug-in, signed both ways."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import zeep
from xmlsec import constants
from zeep.wsse.signature import BinarySignature, verify_envelope
from zeep.wsse.utils import WSU, get_security_header

from connectors.transport.xml import WIRE
from hub.clock import now


class SignedAndStamped:
    """A Timestamp and a BinarySecurityToken on what goes out; the pinned certificate on what comes in."""

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        self._paths = {name: str(folder / f"{name}.pem") for name in ("SIGN_KEY", "SIGN_CERTIFICATE", "A_CERTIFICATE")}
        for name, path in self._paths.items():
            Path(path).write_text(environment[f"HUB_SECRET_TEST_SOAP_{name}"], encoding="utf-8")
        self._signature = BinarySignature(
            self._paths["SIGN_KEY"],
            self._paths["SIGN_CERTIFICATE"],
            None,
            constants.TransformRsaSha256,
            constants.TransformSha256,
        )

    def apply(self, envelope: Any, headers: Any) -> Any:
        moment = now()
        stamp = WSU.Timestamp(WSU.Created(moment.isoformat()), WSU.Expires((moment + timedelta(minutes=1)).isoformat()))
        get_security_header(envelope).append(stamp)
        return self._signature.apply(envelope, headers)

    def verify(self, envelope: Any) -> Any:
        verify_envelope(envelope, self._paths["A_CERTIFICATE"])
        return envelope


def service(url: str, folder: Path, environment: dict[str, str]) -> Any:
    """A zeep service proxy on the department at ``url``."""
    client = zeep.Client(str(WIRE / "department.wsdl"), wsse=SignedAndStamped(folder, environment))
    return client.create_service(next(iter(client.wsdl.bindings)), url)
