"""HTTP client of one counterparty: pooled, limited in time and size, trusting its CA only, recording its exchanges."""

import ssl
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from datetime import UTC, datetime
from functools import cache
from http.cookiejar import DefaultCookiePolicy
from pathlib import Path
from typing import Any, Final, Self

import requests
from requests import PreparedRequest, Response, Session
from requests.adapters import HTTPAdapter
from tenacity import (
    RetryCallState,
    Retrying,
    retry_if_exception,
    retry_if_result,
    stop_after_attempt,
    stop_before_delay,
    wait_random,
)
from urllib3 import PoolManager

from config.catalogue import Tls
from connectors.errors import ConnectorCode, ConnectorError, ContractBroken, Unavailable
from connectors.transport.addresses import AddressGuard
from connectors.transport.exchange import Exchange, RecordedMessage, is_recording, keep, without_secrets
from connectors.transport.http_connection import HttpReply, PlainPool, RequestUnderway, TLSPool, map_errors, underway
from schemas.identifiers import Prefix, new_id

_POOL_SIZE: Final = 64
"""connections that are kept to one counterparty; the most that max_in_flight may be"""


class _Adapter(HTTPAdapter):
    """requests' adapter with our connections, and with a trust that nothing outside of ``context`` can widen."""

    def __init__(self, context: ssl.SSLContext) -> None:
        self._context = context
        super().__init__(pool_connections=4, pool_maxsize=_POOL_SIZE)

    def init_poolmanager(self, connections: int, maxsize: int, block: bool = False, **options: Any) -> None:
        self.poolmanager = PoolManager(connections, maxsize=maxsize, block=block, ssl_context=self._context, **options)
        self.poolmanager.pool_classes_by_scheme = {"http": PlainPool, "https": TLSPool}

    def build_connection_pool_key_attributes(self, request: PreparedRequest, verify: Any, cert: Any = None) -> Any:
        host, _ = super().build_connection_pool_key_attributes(request, verify, cert)
        return host, {}  # nothing about TLS: the context says it all

    def cert_verify(self, conn: Any, url: str, verify: Any, cert: Any) -> None:
        """Nothing: requests would load its own bundle into the context, and the pinned CA would be one among many."""


class _Session(Session):
    def get_redirect_target(self, resp: Response) -> None:
        """None, always: requests would read a redirect's body whole, without a limit, to prepare what we never do."""


def session(context: ssl.SSLContext) -> Session:
    """A session that keeps connections and nothing else: no cookies, no proxies, no .netrc, no bundle from outside."""
    pooled = _Session()
    pooled.trust_env = False
    pooled.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    pooled.headers.clear()
    pooled.headers.update({"User-Agent": "lienthong-hub", "Accept-Encoding": "identity"})
    for scheme in ("https://", "http://"):
        pooled.mount(scheme, _Adapter(context))
    return pooled


@cache
def trust(ca: Path | None, client_certificate: Path | None) -> ssl.SSLContext:
    """TLS 1.2 or newer, the name checked; ``ca`` instead of the system's roots, not beside them. Raises OSError.

    One for all who trust the same: the system's roots are a megabyte each time.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if ca is None:
        context.load_default_certs()
    else:
        context.load_verify_locations(cafile=ca)
    if client_certificate is not None:
        context.load_cert_chain(client_certificate)
    return context


CONNECT_TIMEOUT: Final = 5.0
"""seconds for TCP and TLS together to stand"""
SIZE_CAP: Final = 2 * 1024 * 1024
"""bytes of a reply's body"""
PIECE: Final = 64 * 1024
"""bytes that are read at a time"""
ATTEMPTS: Final = 3
"""within one call, and only where nothing was done"""
SHORT: Final = 1.0
"""seconds; a longer pause belongs to the hub's schedule, not to a worker that waits"""
_SERVICE_UNAVAILABLE: Final = 503


class Transport:
    """One counterparty's connections. Safe to share between threads; ``close`` it when its process ends."""

    def __init__(
        self,
        counterparty: str,
        *,
        timeout: float,
        tls: Tls,
        folder: Path,
        size_cap: int = SIZE_CAP,
        on_sent: Callable[[], None] | None = None,
        guard: AddressGuard | None = None,
    ) -> None:
        """``timeout``: seconds from the start of a call to the last byte of its reply, its short retries included.

        ``folder``: where the catalogue's PEM files are. ``on_sent`` is called when a request has been written, before
        its reply is read. Raises OSError (ssl.SSLError) if a PEM file cannot be used.
        """
        self.counterparty = counterparty
        self._timeout = timeout
        self._size_cap = size_cap
        self._on_sent = on_sent
        self._guard = guard
        self._session = session(
            trust(
                ca=folder / tls.ca if tls.ca else None,
                client_certificate=folder / tls.client_certificate if tls.client_certificate else None,
            )
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Closes the kept connections."""
        self._session.close()

    def get(self, url: str, headers: Mapping[str, str]) -> HttpReply:
        """The reply, whatever its status. Raises Unavailable or ContractBroken where there is no whole reply."""
        return self._with_retries(requests.Request("GET", url, headers=dict(headers)), idempotent=True)

    def post(self, url: str, data: bytes, headers: Mapping[str, str], *, idempotent: bool = False) -> HttpReply:
        """As ``get``. ``idempotent``: the request only asks (SOAP asks by POST), so it may be asked again at once."""
        return self._with_retries(
            requests.Request("POST", url, data=data, headers=dict(headers)), idempotent=idempotent
        )

    def _with_retries(self, request: requests.Request, *, idempotent: bool) -> HttpReply:
        """Up to two short retries where nothing was done: no connection, or 503 in reply to an idempotent request."""
        deadline = time.monotonic() + self._timeout
        retrying = Retrying(
            stop=stop_after_attempt(ATTEMPTS) | stop_before_delay(self._timeout),
            wait=wait_random(0.1, SHORT / 2),
            retry=retry_if_exception(_was_not_reached) | retry_if_result(lambda reply: idempotent and _is_busy(reply)),
            retry_error_callback=_last_outcome,
        )
        return retrying(self._once, request, deadline, idempotent)

    def _once(self, request: requests.Request, deadline: float, idempotent: bool) -> HttpReply:
        call = RequestUnderway(deadline, on_sent=self._on_sent, guard=self._guard)
        started = time.time()
        prepared, reply, error = requests.PreparedRequest(), None, None
        try:
            with map_errors(call, idempotent=idempotent), underway(call):
                prepared = self._session.prepare_request(request)
                reply = self._exchange(prepared, call)
        except ConnectorError as failure:
            error = failure.code
            raise
        finally:
            if is_recording():
                keep(self._evidence(prepared, call, started, reply, error))
        return reply

    def _exchange(self, prepared: requests.PreparedRequest, call: RequestUnderway) -> HttpReply:
        left = call.left()
        response = self._session.send(
            prepared,
            stream=True,
            timeout=(min(CONNECT_TIMEOUT, left), left),
            allow_redirects=False,
            proxies={},
        )
        call.status = response.status_code
        with closing(response):
            return self._whole(response)

    def _whole(self, response: requests.Response) -> HttpReply:
        """The reply with its body. Raises ContractBroken for what no contract of ours has."""
        encoding = response.headers.get("Content-Encoding", "identity").strip().lower()
        if encoding != "identity":
            raise ContractBroken(ConnectorCode.CONTRACT, "the reply is compressed, which was not offered")
        if not 200 <= response.status_code < 300 and response.status_code < 400:  # noqa: PLR2004 - 1xx and 3xx
            raise ContractBroken(ConnectorCode.CONTRACT, f"HTTP {response.status_code}: redirects are not followed")
        body = bytearray()
        for piece in response.raw.stream(PIECE, decode_content=False):
            body += piece
            if len(body) > self._size_cap:
                raise ContractBroken(ConnectorCode.CONTRACT, f"the reply is larger than {self._size_cap} bytes")
        return HttpReply(response.status_code, response.headers, bytes(body))

    def _evidence(
        self,
        prepared: requests.PreparedRequest,
        call: RequestUnderway,
        started: float,
        reply: HttpReply | None,
        error: str | None,
    ) -> Exchange:
        body = prepared.body if isinstance(prepared.body, bytes) else b""
        return Exchange(
            id=new_id(Prefix.EXCHANGE),
            counterparty=self.counterparty,
            method=prepared.method or "",
            url=without_secrets(prepared.url or ""),
            started_at=datetime.fromtimestamp(started, UTC),
            duration_ms=round((time.time() - started) * 1000),
            sent=call.sent,
            request=RecordedMessage.of(prepared.headers or {}, body),
            status=call.status,
            reply=RecordedMessage.of(reply.headers, reply.body) if reply else None,
            error=error,
        )


def _was_not_reached(error: BaseException) -> bool:
    return isinstance(error, Unavailable) and error.code == ConnectorCode.UNREACHABLE


def _is_busy(reply: HttpReply) -> bool:
    return reply.status == _SERVICE_UNAVAILABLE and (reply.retry_after or 0) <= SHORT


def _last_outcome(state: RetryCallState) -> Any:
    """What the last attempt came to: its reply or its error, as if it had been the only one."""
    return state.outcome and state.outcome.result()
