"""A contract with each provider, and what it sends, for the tests of the dialects."""

from datetime import datetime
from typing import Any, Final

from config.notifications import Notifications
from connectors.banks.notifications.dialect import (
    Dialect,
    Key,
    NotificationRequest,
    NotificationVerdict,
    NotVerified,
    ProviderContract,
)
from connectors.banks.notifications.providers import DIALECTS
from hub.clock import now
from schemas.payment import Notification
from schemas.strict import Refused
from tests.notices import ACCOUNT, MOMO_KEY, SENDERS, SIGNED_JSON, NoticeDraft, Sent, rsa_pair

SECRET: Final = "a secret of this test alone"
MERCHANT: Final = "DEMOTMN1"
EACH: Final = sorted(DIALECTS)


def terms_of(dialect: str, **changes: Any) -> Notifications:
    terms: dict[str, Any] = {"dialect": dialect, "keys": [{"id": "k1", "secret": "HUB_SECRET_TEST_K1"}]}
    if dialect in ("vnpay", "national", "keypay", "momo"):
        terms["merchant"] = MERCHANT
    if dialect == "momo":
        terms["access_key"] = "HUB_SECRET_TEST_MOMO"
    if dialect == "signed-json":
        terms["signed_json"] = SIGNED_JSON
    return Notifications.model_validate(terms | changes)


def contract_of(dialect: str, *keys: Key, **changes: Any) -> ProviderContract:
    secret = rsa_pair()[1] if dialect == "signed-json" else SECRET
    return ProviderContract(
        provider=f"{dialect}-test",
        terms=terms_of(dialect, **changes),
        accounts=[ACCOUNT],
        keys=keys or [Key("k1", secret)],
        access_key=MOMO_KEY,
    )


def sent(dialect: str, notice: NoticeDraft, secret: str | None = None) -> NotificationRequest:
    """What the provider sends of this, signed."""
    own = rsa_pair()[0] if dialect == "signed-json" else SECRET
    return delivery(SENDERS[dialect](notice, secret or own))


def delivery(request: Sent) -> NotificationRequest:
    headers = {name.lower(): value for name, value in dict(request.headers).items()}
    return NotificationRequest(request.query, headers, request.body)


def judged(
    dialect: str, came: NotificationRequest, contract: ProviderContract | None = None, at: datetime | None = None
) -> Notification | NotificationVerdict:
    """What is made of a delivery: the notification, or why there is none."""
    speaker: Dialect = DIALECTS[dialect]  # type: ignore[index]  # a name of the table
    agreed = contract or contract_of(dialect)
    try:
        speaker.verify(came, agreed, at or now())
        return speaker.read(came, agreed) or NotificationVerdict.IGNORED
    except NotVerified as error:
        return error.verdict
    except Refused:
        return NotificationVerdict.MALFORMED
