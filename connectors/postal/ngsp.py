"""The older dialect of operators: the postal interface of the national gateway (NGSP, 2017).

Tokens by client credentials, PostOrder, CancelOrder, and GetOrderTracking: a feed of all items of the customer code
behind a cursor. Nobody can ask it for one order; whoever reads it from its start for each does everyone harm.
"""

import json
import re
from collections.abc import Callable
from typing import Any, Final
from urllib.parse import urlencode

from config.catalogue import Catalogue, Operator
from connectors.errors import Code, ContractBroken
from connectors.postal.form import JSON, filled
from connectors.postal.replies import SIZE_CAP, answer, document, event, ordered, whole
from connectors.postal.tokens import Tokens
from connectors.transport.http import Transport
from connectors.transport.wall import Reply
from schemas.postal import Accepted, Feed, Order, TrackingEvent, Unreadable

START: Final = "0" * 24
"""the cursor before everything: an ObjectId of MongoDB, of zeros"""
CALLS: Final = 4
"""requests of one conversation at most: a token, an order that is refused for it, a new token, the order again"""
NAMES: Final = {
    "order_number": "OrderNumber",
    "item_code": "ItemCode",
    "status_code": "StatusCode",
    "text": "StatusMessage",
    "at": "EventTime",
    "place": "POSID",
    "notes": "Notes",
}
_OBJECT_ID: Final = re.compile(r"[0-9a-f]{24}")
_UNAUTHORISED: Final = 401


class NGSPOperator:
    """A postal port over NGSP."""

    def __init__(
        self, operator: Operator, catalogue: Catalogue, url: str, on_sent: Callable[[], None] | None = None
    ) -> None:
        """``url``: the base address. Raises ValueError or OSError where the catalogue names what cannot be used."""
        if operator.consumer_key is None or operator.consumer_secret is None:
            raise ValueError(f"{operator.code}: ngsp needs consumer_key and consumer_secret")
        self._operator = operator
        self._base = url.rstrip("/")
        self._transport = Transport(
            operator.counterparty,
            timeout=operator.timeout_seconds / CALLS,
            tls=operator.tls,
            folder=catalogue.folder,
            size_cap=SIZE_CAP,
            on_sent=on_sent,
        )
        self._tokens = Tokens(
            self._transport,
            f"{self._base}/{operator.operation('token')}",
            catalogue.secret(operator.consumer_key),
            catalogue.secret(operator.consumer_secret),
        )

    def order(self, order: Order, key: str) -> Accepted:  # noqa: ARG002 - the order number is what it knows us by
        """PostOrder. What it answers is in its Status."""
        if order.item_code is not None:
            raise ContractBroken(Code.OUR_MESSAGE, "this dialect has no place for an item code of ours")
        url = f"{self._base}/{self._operator.operation('order')}"
        body = json.dumps(filled(self._operator, order), ensure_ascii=False).encode()
        reply = self._with_token(
            lambda headers: self._transport.post(url, body, {**headers, "Content-Type": JSON, "Accept": JSON})
        )
        return ordered(self._operator, reply, order.order_number, None)

    def cancel(self, order_number: str, key: str) -> None:  # noqa: ARG002 - as above
        """CancelOrder, a GET: to cancel twice is to cancel."""
        reply = self._get("cancel", {"CustomerCode": self._operator.customer_code, "OrderNumber": order_number})
        answer(self._operator, document(whole(reply, idempotent=True)))

    def feed(self, cursor: str) -> Feed:
        """GetOrderTracking. What belongs to another customer code is passed over."""
        after = cursor or START
        reply = self._get("feed", {"pagesize": str(self._operator.page_size), "lastId": after})
        entries = _entries(document(whole(reply, idempotent=True)))
        ids = [_id(entry) for entry in entries]
        if any(later <= before for before, later in zip([after, *ids], ids, strict=False)):
            raise ContractBroken(Code.CONTRACT, "the feed does not go on from the lastId that was asked for")
        read = [
            event(entry, NAMES, key=f"oid:{name}")
            for entry, name in zip(entries, ids, strict=True)
            if entry.get("CustomerCode", self._operator.customer_code) == self._operator.customer_code
        ]
        return Feed(
            events=[one for one in read if isinstance(one, TrackingEvent)],
            unreadable=[one for one in read if isinstance(one, Unreadable)],
            cursor=ids[-1] if ids else after,
        )

    def check(self) -> str:
        """Asks for a token, and for one entry of the feed."""
        self._tokens.drop(self._tokens.current())
        whole(self._get("feed", {"pagesize": "1", "lastId": START}), idempotent=True)
        return f"{self._operator.name}: address, connection and credentials are accepted"

    def _get(self, operation: Any, query: dict[str, str]) -> Reply:
        url = f"{self._base}/{self._operator.operation(operation)}?{urlencode(query)}"
        return self._with_token(lambda headers: self._transport.get(url, {**headers, "Accept": JSON}))

    def _with_token(self, say: Callable[[dict[str, str]], Reply]) -> Reply:
        """The reply; a token that is refused is replaced once. Who is refused for that has had nothing done for him."""
        token = self._tokens.current()
        reply = say({"Authorization": token})
        if reply.status != _UNAUTHORISED:
            return reply
        self._tokens.drop(token)
        return say({"Authorization": self._tokens.current()})


def _entries(said: dict[str, Any]) -> list[dict[str, Any]]:
    """The entries in RESTHeart's envelope; an empty page may lack the list."""
    embedded = said.get("_embedded")
    entries = embedded.get("rh:doc") if isinstance(embedded, dict) else None
    if entries is None and said.get("_returned") == 0:
        return []
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise ContractBroken(Code.CONTRACT, "the feed's page holds no list _embedded.rh:doc")
    return entries


def _id(entry: dict[str, Any]) -> str:
    holder = entry.get("_id")
    found = holder.get("$oid") if isinstance(holder, dict) else None
    if not isinstance(found, str) or not _OBJECT_ID.fullmatch(found):
        raise ContractBroken(Code.CONTRACT, "an entry of the feed has no _id.$oid to go on from")
    return found
