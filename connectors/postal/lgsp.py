"""The newer dialect of operators: orders through a provincial gateway (LGSP, 2023), with or without an item code.

No public document says how it tells of its items. So the callback and the feed are ours: docs/integrators/postal.md.
"""

import json
import re
from collections.abc import Callable
from typing import Final
from urllib.parse import urlencode

from config.catalogue import Catalogue, Operator
from connectors.errors import ConnectorCode, ContractBroken, Rejected
from connectors.postal.messages import JSON, SIZE_CAP, entry, order_form, ordered, page
from connectors.transport import entries
from connectors.transport.http import Transport
from connectors.transport.http_connection import HttpReply, expect_success
from schemas.postal import ConsignmentAccepted, ConsignmentOrder, EventPage, TrackingEvent
from schemas.replies import UnreadableEntry

NAMES: Final = {name: name for name in TrackingEvent.model_fields}
NO_CANCELLATION: Final = "Hệ thống của bưu điện không có lệnh huỷ: báo bưu điện bằng điện thoại."
_CURSOR: Final = re.compile(r"[ -~]{0,200}")
_SERVER_ERRORS: Final = 500


class LGSPOperator:
    """A postal port over LGSP."""

    def __init__(
        self, operator: Operator, catalogue: Catalogue, url: str, on_sent: Callable[[], None] | None = None
    ) -> None:
        """``url``: the base address. Raises ValueError or OSError where the catalogue names what cannot be used."""
        if operator.token is None:
            raise ValueError(f"{operator.code}: lgsp needs a token")
        self._operator = operator
        self._base = url.rstrip("/")
        self._headers = {"access_token": catalogue.secret(operator.token), "Accept": JSON}
        self._transport = Transport(
            operator.counterparty,
            timeout=operator.timeout_seconds,
            tls=operator.tls,
            folder=catalogue.folder,
            size_cap=SIZE_CAP,
            on_sent=on_sent,
        )

    def order(self, order: ConsignmentOrder, key: str) -> ConsignmentAccepted:  # noqa: ARG002 - the order number is what it knows us by
        """One order a call, however many the operator would take at once: each is a transfer with a fate of its own."""
        form = order_form(self._operator, order) | {"FlagConfig": self._operator.flag_config}
        if order.item_code is not None:
            form["ItemCode"] = order.item_code
        if order.callback_url is not None and self._operator.callbacks:
            form["CallbackUrl"] = order.callback_url
        name = self._operator.operation("order" if order.item_code is None else "order_with_item_code")
        body = json.dumps(form, ensure_ascii=False).encode()
        reply = self._transport.post(f"{self._base}/{name}", body, {**self._headers, "Content-Type": JSON})
        return ordered(self._operator, reply, order.order_number, order.item_code)

    def cancel(self, order_number: str, key: str) -> None:  # noqa: ARG002 - the port's
        """This dialect has no such call."""
        raise Rejected(ConnectorCode.REJECTED, "this dialect has no cancellation", reason=NO_CANCELLATION)

    def feed(self, cursor: str) -> EventPage:
        """Our own contract: the events after ``cursor``, and the cursor to go on with."""
        reply = expect_success(self._ask(cursor, self._operator.page_size), idempotent=True)
        texts, following = page(reply, "events"), entries.value(reply.body, "cursor")
        if not isinstance(following, str) or not _CURSOR.fullmatch(following):
            raise ContractBroken(ConnectorCode.CONTRACT, "the feed's page holds no list events with a cursor")
        if texts and following == cursor:
            raise ContractBroken(ConnectorCode.CONTRACT, "the feed's cursor does not go on")
        read = [self.entry(text) for text in texts]
        return EventPage(
            events=[one for one in read if isinstance(one, TrackingEvent)],
            unreadable=[one for one in read if isinstance(one, UnreadableEntry)],
            cursor=following,
        )

    def entry(self, document: str) -> TrackingEvent | UnreadableEntry:
        """One entry of the feed, by itself."""
        return entry(document, NAMES)

    def check(self) -> str:
        """Asks for one entry of the feed; where there is none, any answer shows that the address is right."""
        if not self._operator.feed:
            reply = self._transport.get(self._base, self._headers)
            if reply.status >= _SERVER_ERRORS:
                expect_success(reply, idempotent=True)
            return f"{self._operator.name}: HTTP {reply.status} to a GET; address and connection are accepted"
        expect_success(self._ask("", 1), idempotent=True)
        return f"{self._operator.name}: address, connection and token are accepted"

    def _ask(self, cursor: str, limit: int) -> HttpReply:
        query = urlencode({"after": cursor, "limit": limit})
        return self._transport.get(f"{self._base}/{self._operator.operation('feed')}?{query}", self._headers)
