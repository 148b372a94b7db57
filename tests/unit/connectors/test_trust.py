"""Who trusts the same shares it: the system's roots are loaded once for all counterparties."""

from connectors.transport.http import trust


def test_one_trust_serves_all_that_have_no_authority_of_their_own() -> None:
    assert trust(ca=None, client_certificate=None) is trust(ca=None, client_certificate=None)
