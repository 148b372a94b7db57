"""Sessions of requests that keep connections and nothing else, and trust what they are given and nothing else."""

import ssl
from functools import cache
from http.cookiejar import DefaultCookiePolicy
from pathlib import Path
from typing import Any, Final

from requests import PreparedRequest, Response, Session
from requests.adapters import HTTPAdapter
from urllib3 import PoolManager

from connectors.transport.http_adapter import PlainPool, TLSPool

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
