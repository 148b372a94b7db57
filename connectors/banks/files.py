"""Statement files over HTTP: list the files of a bank and download the new ones.

``GET {url}?after=<cursor>`` answers ``{"files": [{"name", "size", "sha256"}], "cursor"}``, the oldest first; then
``GET {url}/<name>`` gives a file's bytes. An SFTP server behind a gateway is the same.
What is inside is not looked at here: the bytes go to the inbox as they are.
"""

import hashlib
import json
from collections.abc import Callable
from typing import Annotated, Final
from urllib.parse import quote, urlencode

from pydantic import Field, StringConstraints

from config.catalogue import Bank, Catalogue
from connectors.errors import ConnectorCode, ContractBroken, Unavailable
from connectors.transport.http import Transport
from connectors.transport.http_connection import HttpReply, expect_success
from schemas import replies
from schemas.statement import DeliveredFile, StatementPage
from schemas.strict import Refused, Strict

FILES: Final = 4
"""downloaded in one call at most: each may be as large as the catalogue allows"""


class _ListedFile(Strict):
    name: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,119}$")]
    size: Annotated[int, Field(ge=0)]
    sha256: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]


class _List(Strict):
    files: list[_ListedFile]
    cursor: Annotated[str, StringConstraints(max_length=200)]
    """behind the last of ``files``"""


class BankFileService:
    """A bank port over the bank's HTTP file service."""

    def __init__(self, bank: Bank, catalogue: Catalogue, url: str, on_sent: Callable[[], None] | None = None) -> None:
        """``url``: of the list; empty if nothing is fetched. Raises OSError if a PEM file cannot be used."""
        fetch = bank.statements.fetch
        self._name = bank.name
        self._url = url.rstrip("/") if fetch else ""
        self._most = bank.statements.max_bytes
        self._headers = {"Authorization": f"Bearer {catalogue.secret(fetch.token)}"} if fetch else {}
        self._transport = Transport(
            bank.counterparty,
            timeout=bank.timeout_seconds,
            tls=bank.tls,
            folder=catalogue.folder,
            size_cap=self._most,
            on_sent=on_sent,
        )

    def statements(self, cursor: str) -> StatementPage:
        """The next files. One whose bytes are not those of the list is asked for again later."""
        if not self._url:
            return StatementPage([], cursor)
        listed = self._list(cursor)
        if not listed.files:
            return StatementPage([], cursor)
        return StatementPage([DeliveredFile(file.name, self._download(file)) for file in listed.files], listed.cursor)

    def check(self) -> str:
        """Asks for the list."""
        if not self._url:
            return f"{self._name}: its files are brought in by hand (hub fee import)"
        self._list("")
        return f"{self._name}: address, connection and credentials are accepted"

    def _list(self, cursor: str) -> _List:
        query = urlencode({"after": cursor, "limit": str(FILES)})
        reply = self._get(f"{self._url}?{query}", "application/json")
        try:
            listed = replies.read(_List, replies.parse(reply.body))
        except Refused as error:
            raise ContractBroken(
                ConnectorCode.CONTRACT, f"the list of files: {json.dumps(str(error.faults[0]))}"
            ) from None
        if len(listed.files) > FILES:
            raise ContractBroken(
                ConnectorCode.CONTRACT, f"the list has more than the {FILES} files that were asked for"
            )
        return listed

    def _download(self, file: _ListedFile) -> bytes:
        if file.size > self._most:
            raise ContractBroken(ConnectorCode.CONTRACT, f"a file has more than {self._most} bytes")
        body = self._get(f"{self._url}/{quote(file.name)}", "*/*").body
        if len(body) != file.size or hashlib.sha256(body).hexdigest() != file.sha256:
            raise Unavailable(
                ConnectorCode.CUT, "a file is not the one of the list: it came cut, or is still being written"
            )
        return body

    def _get(self, url: str, accept: str) -> HttpReply:
        """The reply, if it is a success: a bank's file service can neither refuse a dossier nor have it already."""
        return expect_success(self._transport.get(url, {**self._headers, "Accept": accept}))
