"""How a test of the transport posts to a partner."""

from connectors.transport.http import Transport
from tests.unit.connectors.partner import Partner


def post(transport: Transport, server: Partner, *, idempotent: bool = False, body: bytes = b"{}") -> None:
    transport.post(f"{server.url}/dossiers", body, {"Content-Type": "application/json"}, idempotent=idempotent)
