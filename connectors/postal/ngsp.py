"""The older dialect of operators: the postal interface of the national gateway (NGSP, 2017).

Tokens by client credentials, PostOrder, CancelOrder, and GetOrderTracking: a feed of all items of the customer code
behind a cursor. Nobody can ask it for one order; whoever reads it from its start for each does everyone harm.
"""

import base64
import json
import re
import threading
import time
from collections.abc import Callable
from typing import Any, Final
from urllib.parse import urlencode

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from config.catalogue import Catalogue, Operator
from connectors.errors import ConnectorCode, ContractBroken
from connectors.postal.messages import JSON, SIZE_CAP, answer, document, entry, order_form, ordered, page
from connectors.transport import entries
from connectors.transport.http import Transport
from connectors.transport.http_connection import HttpReply, expect_success
from schemas.postal import ConsignmentAccepted, ConsignmentOrder, EventPage, TrackingEvent
from schemas.replies import UnreadableEntry

_FORM: Final = b"grant_type=client_credentials"
_MARGIN: Final = 0.1
"""share of its life at whose end a token is not used any more"""


class _Granted(BaseModel):
    model_config = ConfigDict(frozen=True, strict=True, extra="ignore")

    access_token: str = Field(pattern=r"^[\x21-\x7e]+$", max_length=4096)
    token_type: str = Field(pattern=r"^[A-Za-z][A-Za-z0-9_-]*$", max_length=32)
    expires_in: int = Field(gt=0)


class Tokens:
    """The token of one operator. Safe to share between threads: one asks, the others wait for what it gets."""

    def __init__(self, transport: Transport, url: str, key: str, secret: str) -> None:
        self._transport = transport
        self._url = url
        self._credentials = base64.b64encode(f"{key}:{secret}".encode()).decode()
        self._lock = threading.Lock()
        self._token = ""
        self._until = 0.0

    def current(self) -> str:
        """The value for Authorization. Raises Unavailable or ContractBroken; in neither case has anything been done."""
        with self._lock:
            if not self._token or time.monotonic() >= self._until:
                self._renew()
            return self._token

    def drop(self, refused: str) -> None:
        """The operator has refused this one, whatever it had said about its life."""
        with self._lock:
            if self._token == refused:
                self._token = ""

    def _renew(self) -> None:
        asked_at = time.monotonic()
        headers = {
            "Authorization": f"Basic {self._credentials}",
            "Content-Type": "application/x-www-form-urlencoded",
            "Accept": "application/json",
        }
        reply = expect_success(self._transport.post(self._url, _FORM, headers, idempotent=True), idempotent=True)
        try:
            granted = _Granted.model_validate(document(reply))
        except ValidationError:
            raise ContractBroken(ConnectorCode.CONTRACT, "the reply holds no token (RFC 6749 section 5.1)") from None
        self._token = f"{granted.token_type} {granted.access_token}"
        self._until = asked_at + granted.expires_in * (1 - _MARGIN)


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

    def order(self, order: ConsignmentOrder, key: str) -> ConsignmentAccepted:  # noqa: ARG002 - the order number is what it knows us by
        """PostOrder. What it answers is in its Status."""
        if order.item_code is not None:
            raise ContractBroken(ConnectorCode.OUR_MESSAGE, "this dialect has no place for an item code of ours")
        url = f"{self._base}/{self._operator.operation('order')}"
        body = json.dumps(order_form(self._operator, order), ensure_ascii=False).encode()
        reply = self._with_token(
            lambda headers: self._transport.post(url, body, {**headers, "Content-Type": JSON, "Accept": JSON})
        )
        return ordered(self._operator, reply, order.order_number, None)

    def cancel(self, order_number: str, key: str) -> None:  # noqa: ARG002 - as above
        """CancelOrder, a GET: to cancel twice is to cancel."""
        reply = self._get("cancel", {"CustomerCode": self._operator.customer_code, "OrderNumber": order_number})
        answer(self._operator, document(expect_success(reply, idempotent=True)))

    def feed(self, cursor: str) -> EventPage:
        """GetOrderTracking. What belongs to another customer code is passed over."""
        after = cursor or START
        reply = expect_success(
            self._get("feed", {"pagesize": str(self._operator.page_size), "lastId": after}), idempotent=True
        )
        texts = _entries(reply)
        ids = [entry_id for text in texts if (entry_id := _id(text)) is not None]
        if any(later <= before for before, later in zip([after, *ids], ids, strict=False)) or (texts and not ids):
            raise ContractBroken(ConnectorCode.CONTRACT, "the feed does not go on from the lastId that was asked for")
        read = [self.entry(text) for text in texts if self._is_ours(text)]
        return EventPage(
            events=[one for one in read if isinstance(one, TrackingEvent)],
            unreadable=[one for one in read if isinstance(one, UnreadableEntry)],
            cursor=ids[-1] if ids else after,
        )

    def entry(self, document: str) -> TrackingEvent | UnreadableEntry:
        """One entry of the feed, by itself."""
        name = _id(document)
        return entry(document, NAMES, key=f"oid:{name}" if name else None)

    def _is_ours(self, text: str) -> bool:
        """An entry that names no customer code is looked at too."""
        return _value_at(text, "CustomerCode") in (None, self._operator.customer_code)

    def check(self) -> str:
        """Asks for a token, and for one entry of the feed."""
        self._tokens.drop(self._tokens.current())
        expect_success(self._get("feed", {"pagesize": "1", "lastId": START}), idempotent=True)
        return f"{self._operator.name}: address, connection and credentials are accepted"

    def _get(self, operation: Any, query: dict[str, str]) -> HttpReply:
        url = f"{self._base}/{self._operator.operation(operation)}?{urlencode(query)}"
        return self._with_token(lambda headers: self._transport.get(url, {**headers, "Accept": JSON}))

    def _with_token(self, say: Callable[[dict[str, str]], HttpReply]) -> HttpReply:
        """The reply; a token that is refused is replaced once. Who is refused for that has had nothing done for him."""
        token = self._tokens.current()
        reply = say({"Authorization": token})
        if reply.status != _UNAUTHORISED:
            return reply
        self._tokens.drop(token)
        return say({"Authorization": self._tokens.current()})


def _entries(reply: HttpReply) -> list[str]:
    """The entries in RESTHeart's envelope; an empty page may lack the list."""
    try:
        return page(reply, "_embedded", "rh:doc")
    except ContractBroken:
        if document(reply).get("_returned") == 0:
            return []
        raise


def _value_at(text: str, *path: str) -> Any:
    """What an entry says there; None: nothing."""
    try:
        return entries.value(text.encode("utf-8", "surrogateescape"), *path)
    except ValueError:
        return None


def _id(text: str) -> str | None:
    """What the feed calls this entry, and goes on from."""
    entry_id = _value_at(text, "_id", "$oid")
    return entry_id if isinstance(entry_id, str) and _OBJECT_ID.fullmatch(entry_id) else None
