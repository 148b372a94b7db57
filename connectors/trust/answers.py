"""What a trust service's HTTP status means: it knows no dossier, so it can neither refuse one nor have it already."""

from connectors.errors import Code, ContractBroken, Duplicate, Rejected
from connectors.transport.wall import Reply, checked


def whole(reply: Reply) -> Reply:
    """The reply, if it is a success. Raises Unavailable where later may help, else ContractBroken."""
    try:
        return checked(reply, idempotent=True)
    except (Duplicate, Rejected):
        raise ContractBroken(Code.CONTRACT, f"HTTP {reply.status}") from None
