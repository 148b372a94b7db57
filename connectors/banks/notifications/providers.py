"""Notification dialects by name, and a bank's contract. A new dialect is a line here and in config.notifications."""

from collections.abc import Mapping
from typing import Final

from config.catalogue import Bank, Catalogue
from config.notifications import Dialect as Name
from connectors.banks.notifications import casso, keypay, momo, national, payos, sepay, signed_json, vnpay
from connectors.banks.notifications.dialect import Dialect, Key, ProviderContract

DIALECTS: Final[Mapping[Name, Dialect]] = {
    "vnpay": vnpay.DIALECT,
    "national": national.DIALECT,
    "keypay": keypay.DIALECT,
    "payos": payos.DIALECT,
    "casso": casso.DIALECT,
    "sepay": sepay.DIALECT,
    "momo": momo.DIALECT,
    "signed-json": signed_json.DIALECT,
}


def contract(bank: Bank, catalogue: Catalogue) -> ProviderContract | None:
    """What we have agreed with ``bank``; None if it does not notify."""
    terms = bank.notifications
    if terms is None:
        return None
    return ProviderContract(
        provider=bank.code,
        terms=terms,
        accounts=bank.notified,
        keys=[Key(key.id, catalogue.secret(key.secret), key.valid_from, key.valid_until) for key in terms.keys],
        access_key=catalogue.secret(terms.access_key) if terms.access_key else "",
    )
