"""A notification that comes after the statement has shown its money: that payment is told late, and nothing is paid."""

from typing import Final

from hub.fees import cases, store
from hub.messages.model import Message
from hub.work import Work
from schemas.payment import Notification

_FOUND: Final = """
SELECT p.id FROM payment p JOIN match_leg t ON t.payment_id = p.id AND t.confirmed AND t.number = 1
JOIN statement_line l ON l.id = t.line_id
WHERE (p.reference, p.account, p.amount) = (%(reference)s, %(account)s, %(amount)s)
    AND p.source = 'statement' AND p.status = 'found_on_statement'
    AND (%(bank_ref)s::text IS NULL OR l.bank_ref IS NULL OR l.bank_ref = %(bank_ref)s)
    AND NOT EXISTS (SELECT 1 FROM late_notification n WHERE n.payment_id = p.id)
ORDER BY p.id
"""
_JOIN: Final = """
INSERT INTO late_notification (event_id, payment_id, joined_at)
SELECT id, %(payment)s, %(now)s FROM notify_event WHERE inbox_id = %(message)s
"""


def joined(work: Work, said: Notification, account: str, reference: str, message: Message) -> bool:
    """Whether it is the one payment that a statement made of the same reference, amount and account.

    The bank's numbers do not contradict, and nothing was told of it yet. Several, or none: it is money of its own.
    """
    demand = work.conn.execute("SELECT id FROM fee_demand WHERE reference = %s", (reference,)).fetchone()
    if demand is None:
        return False
    store.lock(work.conn, demand["id"])  # whoever matches the day at this moment has it until he has written
    asked = {"reference": reference, "account": account, "amount": said.amount, "bank_ref": said.bank_ref}
    found = work.conn.execute(_FOUND, asked).fetchall()
    if len(found) != 1:
        return False
    payment = found[0]["id"]
    work.conn.execute(_JOIN, {"payment": payment, "now": work.now, "message": message.id})
    cases.explained(work.conn, ["N02"], "payment", [payment], "notified late")
    work.note(payment, "notified late", reason=message.id)
    return True
