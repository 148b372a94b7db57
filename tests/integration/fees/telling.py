"""A provider whose signatures hold: what it tells is processed as accepted."""

from datetime import datetime
from typing import Any

from hub.clock import VIETNAM
from hub.fees.reconciliation import notification_intake
from hub.fees.reconciliation.notification_intake import Judgement
from hub.messages import inbox
from hub.messages.model import Wakeup
from schemas.payment import Notification, NotificationKind
from tests.scripted_hub import ScriptedHub

ACCOUNT = "1020304050607"
OTHER_ACCOUNT = "7060504030201"
AT = datetime(2026, 11, 2, 8, 15, 2, tzinfo=VIETNAM)
DUE = 150_000
KEPT = Judgement("accepted", 200, b"{}", key_id="k1")
CONFLICT = Judgement("conflict", 409, b"{}", "N03", "k1")


class NotifyingProvider:
    """Tells of movements, as the notification endpoint does once a signature holds."""

    def __init__(self, hub: ScriptedHub) -> None:
        self.hub = hub
        self._number = 0

    def tells(self, text: str = "", *, carry: bool = True, **changes: Any) -> str:
        """One movement; gives the provider's name for it."""
        self._number += 1
        fields: dict[str, Any] = {
            "provider": "bank-a",
            "provider_txn": f"GD{self._number}",
            "kind": NotificationKind.PAYMENT,
            "amount": DUE,
            "paid_at": AT,
            "account": ACCOUNT,
            "text": text,
        } | changes
        notification = Notification(**fields)
        with self.hub.db.connection() as conn:
            delivery = notification_intake.keep(conn, notification.provider, b"", {}, b"{}")
            taken = notification_intake.believe(conn, delivery, notification, KEPT, CONFLICT)
        if taken.message is not None:
            self.hub.wake([Wakeup(inbox.QUEUE, taken.message)])
        if carry:
            self.hub.carry()
        return notification.provider_txn

    def payment(self, txn: str) -> dict[str, Any]:
        [row] = self.hub.rows("SELECT * FROM payment WHERE provider_txn = %s", txn)
        return row

    def cases(self) -> list[tuple[str, str, str, int]]:
        rows = self.hub.rows("SELECT code, object_type, object_id, at_risk FROM fee_exception ORDER BY id")
        return [(row["code"], row["object_type"], row["object_id"], row["at_risk"]) for row in rows]

    def book(self) -> dict[str, int]:
        """Account → debit less credit."""
        rows = self.hub.rows("SELECT account, sum(dr - cr)::bigint AS net FROM ledger_line GROUP BY account")
        return {row["account"]: row["net"] for row in rows}
