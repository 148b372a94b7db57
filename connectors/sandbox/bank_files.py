"""A bank's file service: it lists what lies in its folder, in the order in which it was put there."""

import hashlib
import secrets
from collections import OrderedDict
from http import HTTPStatus
from pathlib import Path
from typing import Final

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from config.catalogue import Bank
from connectors.sandbox.control import PREFIX

PATH: Final = "/statements"


class FileService:
    """The files of one bank, kept in a folder of its own. ``token``: what callers must show, if anything."""

    def __init__(self, bank: Bank, data: Path, token: str | None) -> None:
        self._folder = data / bank.counterparty
        self._folder.mkdir(parents=True, exist_ok=True)
        self._token = token
        self._names = OrderedDict.fromkeys(path.name for path in sorted(self._folder.iterdir(), key=_laid_out_at))
        self.routes = [
            Route(f"{PREFIX}/files/{{name}}", self._lay_out, methods=["PUT"]),
            Route(PATH, self._list, methods=["GET"]),
            Route(f"{PATH}/{{name}}", self._serve, methods=["GET"]),
        ]

    def has(self, name: str) -> bool:
        """Whether a file of this name lies there."""
        return name in self._names

    def body(self, name: str) -> bytes:
        return (self._folder / name).read_bytes()

    def lay_out(self, name: str, body: bytes) -> None:
        """Put ``body`` where the hub finds it."""
        (self._folder / Path(name).name).write_bytes(body)
        self._names[Path(name).name] = None

    async def _lay_out(self, request: Request) -> Response:
        self.lay_out(request.path_params["name"], await request.body())
        return Response(status_code=HTTPStatus.NO_CONTENT)

    async def _list(self, request: Request) -> Response:
        if not self._may(request):
            return PlainTextResponse("unknown token\n", HTTPStatus.UNAUTHORIZED)
        after, limit = int(request.query_params.get("after") or 0), int(request.query_params.get("limit") or 100)
        names = list(self._names)[after : after + limit]
        files = [self._described(name) for name in names]
        return JSONResponse({"files": files, "cursor": str(after + len(names))})

    async def _serve(self, request: Request) -> Response:
        if not self._may(request):
            return PlainTextResponse("unknown token\n", HTTPStatus.UNAUTHORIZED)
        name = request.path_params["name"]
        if name not in self._names:
            return PlainTextResponse("no such file\n", HTTPStatus.NOT_FOUND)
        return Response((self._folder / name).read_bytes(), media_type="application/octet-stream")

    def _described(self, name: str) -> dict[str, str | int]:
        body = (self._folder / name).read_bytes()
        return {"name": name, "size": len(body), "sha256": hashlib.sha256(body).hexdigest()}

    def _may(self, request: Request) -> bool:
        shown = request.headers.get("authorization", "")
        return self._token is None or secrets.compare_digest(shown.encode(), f"Bearer {self._token}".encode())


def _laid_out_at(path: Path) -> int:
    return path.stat().st_mtime_ns
