"""A bank's or gateway's server: its file service, and a control API for whoever plays payers and bank.

Beside the settings of every sandbox server:

    POST  /_sandbox/transfers      pay: {"amount": 150000, "reference": "HC000000000149", "behaviour": "lost"}
    POST  /_sandbox/tell           tell now what was held back or lost
    POST  /_sandbox/reversals      take a credit back: {"ref": "FT2632800000001"}
    POST  /_sandbox/payouts        a gateway pays what it has collected: {"charge_bp": 50}; answers with its report
    POST  /_sandbox/orders         execute a payment order of ours: {"reference": "LC000000000147", "amount": 1000}
    POST  /_sandbox/statements     lay out a statement: {"day": "2026-11-24", "format": "camt", "behaviour": "right"}
    POST  /_sandbox/release        lay out what was withheld
    PUT   /_sandbox/files/<name>   lay this file out; again: in place of the earlier one of this name
    GET   /_sandbox/book           the bank's own book of the accounts
    GET   /_sandbox/paid           what was paid through it
    GET   /_sandbox/told           every notification sent to the hub, with the hub's answer
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final, TypeVar

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from config.catalogue import Bank
from connectors.sandbox.bank_ledger import BankLedgers, BankMovement
from connectors.sandbox.bank_notices import BankNotifier
from connectors.sandbox.bank_server import (
    BankOrderForm,
    BankServer,
    CannotDo,
    PayerTransferForm,
    PayoutForm,
    StatementForm,
    TakeBack,
)
from connectors.sandbox.bank_statement_files import FileService, StatementWriter
from connectors.sandbox.runtime_settings import RuntimeControl, SandboxSettings
from connectors.sandbox.server import PREFIX, Obstacles, control
from schemas import strict
from schemas.strict import Refused, Strict

_REFUSED: Final = 422

Asked = TypeVar("Asked", bound=Strict)


class BankControlApi:
    """One bank or gateway, ready to be served. ``token``: what who fetches its files must show."""

    def __init__(
        self,
        bank: Bank,
        books: BankLedgers,
        data: Path,
        settings: SandboxSettings,
        notifier: BankNotifier | None,
        token: str | None,
    ) -> None:
        self.runtime = RuntimeControl(settings)
        self._bank = bank
        self._books = books
        self._files = FileService(bank, data, token)
        self._server = BankServer(bank, books, data, self.runtime, notifier)
        self._writer = StatementWriter(bank, self._server, self._files)
        self.app = Starlette(
            routes=[
                *self._commands(),
                *self._files.routes,
                control(self.runtime, book=self._book, paid=self._server.paid, told=self._server.notification_calls),
            ],
            middleware=[Middleware(Obstacles, runtime=self.runtime)],
            lifespan=lambda _: self._open(),
        )

    def _commands(self) -> list[Route]:
        server = self._server
        return [
            _command("transfers", PayerTransferForm, server.transfer),
            _command("reversals", TakeBack, lambda asked: server.take_back(asked.ref)),
            _command("payouts", PayoutForm, server.pay_out),
            _command("orders", BankOrderForm, server.execute),
            _command("statements", StatementForm, self._writer.lay_out),
            Route(f"{PREFIX}/tell", self._tell, methods=["POST"]),
            Route(f"{PREFIX}/release", self._release, methods=["POST"]),
        ]

    def _book(self) -> list[BankMovement]:
        return [entry for account in self._server.accounts for entry in self._server.book(account).entries]

    async def _tell(self, _: Request) -> Response:
        return JSONResponse({"told": await self._server.notify_held()})

    async def _release(self, _: Request) -> Response:
        return JSONResponse({"released": self._writer.release()})

    @asynccontextmanager
    async def _open(self) -> AsyncIterator[None]:
        try:
            yield
        finally:
            self._server.close()
            self._books.close([account.number for account in self._bank.accounts])


def _command(name: str, form: type[Asked], act: Callable[[Asked], Awaitable[Strict | Sequence[Strict]]]) -> Route:
    """A form that is posted, and what comes of it; 422 where it is none, or asks for what is not done."""

    async def take(request: Request) -> Response:
        try:
            done = await act(strict.read(form, await request.body()))
        except Refused as refused:
            return JSONResponse([f"{fault.pointer} {fault.code}" for fault in refused.faults], _REFUSED)
        except CannotDo as error:
            return JSONResponse([str(error)], _REFUSED)
        if isinstance(done, Strict):
            return JSONResponse(done.model_dump(mode="json"))
        return JSONResponse([one.model_dump(mode="json") for one in done])

    return Route(f"{PREFIX}/{name}", take, methods=["POST"])
