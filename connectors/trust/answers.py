"""What a trust service's HTTP status means: it knows no dossier, so it can neither refuse one nor have it already."""

from connectors.errors import ConnectorCode, ContractBroken, Duplicate, Rejected
from connectors.transport.http_errors import HttpReply, checked


def whole(reply: HttpReply) -> HttpReply:
    """The reply, if it is a success. Raises Unavailable where later may help, else ContractBroken."""
    try:
        return checked(reply, idempotent=True)
    except (Duplicate, Rejected):
        raise ContractBroken(ConnectorCode.CONTRACT, f"HTTP {reply.status}") from None
