"""When a day is matched: once its statement is accepted, by a message of ours for each account and day."""

import json
from datetime import date
from typing import Final

from hub.codes import HubCode
from hub.errors import RetryLater
from hub.events import Event
from hub.fees.reconciliation.matching.run import AccountBusy, run
from hub.messages import inbox
from hub.messages.model import Arrival, Message, Wakeup
from hub.unit_of_work import UnitOfWork
from schemas.identifiers import Prefix, new_id

KIND: Final = "fees.match"
SOURCE: Final = "hub"

_DAYS: Final = """
SELECT l.account, l.booking_date AS day FROM statement_line l JOIN statement s ON s.id = l.statement_id
WHERE s.file_id = %(file)s
UNION
SELECT account, to_date FROM statement WHERE file_id = %(file)s AND kind = 'statement'
ORDER BY account, day
"""


def ask(uow: UnitOfWork, file_id: str) -> None:
    """Ask for the days of an accepted file to be matched, in order; each account has an ordering key of its own."""
    for row in uow.conn.execute(_DAYS, {"file": file_id}).fetchall():
        name = f"match {file_id} {row['account']} {row['day']}"
        body = json.dumps({"account": row["account"], "day": row["day"].isoformat()}).encode()
        ordering_key = f"match {row['account']}"
        arrival = Arrival(new_id(Prefix.INBOX), SOURCE, KIND, name, name, body, ordering_key=ordering_key)
        uow.wakeups.append(Wakeup(inbox.QUEUE, inbox.accept(uow.conn, arrival).id))


def asked(uow: UnitOfWork, message: Message) -> list[Event]:
    """The message that ``ask`` left."""
    said = json.loads(message.body)
    try:
        return run(uow, said["account"], date.fromisoformat(said["day"])).events
    except AccountBusy as error:
        raise RetryLater(HubCode.MATCHING_BUSY, str(error)) from error
