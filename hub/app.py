"""The Hub: settings and catalogue in, a running application out. The only place that wires real implementations."""

import threading
from collections.abc import Collection
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from functools import cached_property
from types import TracebackType
from typing import Any, Self

from celery import Celery

from config.catalogue import Bank, Catalogue, Counterparty, Idempotency
from config.settings import Settings
from connectors import registry
from hub import broker, crashpoints
from hub.calendar import WorkingCalendar
from hub.configuration import read_catalogue, read_settings
from hub.crashpoints import Point
from hub.db import Database
from hub.errors import NotFound
from hub.messages import claim
from hub.messages.backlog import Backlog
from hub.messages.claim import Limits
from hub.messages.model import Wakeup
from hub.messages.wakeups import PromptQueue, WakeupPublisher, find_due, mark_sent, select_unsent
from hub.signing import crl_store
from hub.signing.keyring import Keyring
from hub.signing.keys import Pkcs11Token
from hub.signing.signer import Signer
from hub.untrusted import files
from schemas.statement import Format, Statement


class Hub:
    """The hub in one process: database, broker, ports, keys. A context manager that opens and closes them."""

    def __init__(self, settings: Settings, catalogue: Catalogue) -> None:
        self.settings = settings
        self.catalogue = catalogue
        self.calendar = WorkingCalendar(catalogue.calendar)
        self.backlog = Backlog(catalogue.limits.backlog)
        self.db = Database(str(settings.database_url), size=settings.pool_size)
        self._senders: dict[str, ThreadPoolExecutor] = {}
        self._ports: dict[str, Any] = {}
        self._ports_lock = threading.Lock()

    def __enter__(self) -> Self:
        self.db.open()
        with self.db.transaction() as conn:
            claim.enrol(conn, self.catalogue.counterparties)
        self._wakeup_publisher.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for senders in self._senders.values():
            senders.shutdown()
        self._wakeup_publisher.stop()
        self._publisher.close()
        self.db.close()

    @cached_property
    def _celery(self) -> Celery:
        return broker.application(self.settings, broker.queue_names(self.catalogue))

    @cached_property
    def _publisher(self) -> broker.Publisher:
        return broker.Publisher(self._celery, self.settings)

    @cached_property
    def _wakeup_publisher(self) -> WakeupPublisher:
        return WakeupPublisher(self._unsent, self._publisher.publish, self._mark)

    def _unsent(self, wakeups: list[Wakeup]) -> list[Wakeup]:
        with self.db.connection() as conn:
            return select_unsent(conn, wakeups)

    def _mark(self, wakeups: list[Wakeup]) -> None:
        with self.db.transaction(durable=False) as conn:
            mark_sent(conn, wakeups)

    def wake(self, wakeups: list[Wakeup]) -> None:
        """Publish these wake-ups in the background; never waits. One that is lost is repeated by the sweep."""
        self._wakeup_publisher.wake(wakeups)

    def sweep(self) -> None:
        """Wake the due rows that have no wake-up on the broker, or whose wake-up it has lost."""
        with self.db.connection() as conn:
            wakeups = find_due(
                conn,
                self.queues,
                repeat_after=self.settings.wakeup_repeat_after,
                depths=lambda queues: broker.depths(self._celery, queues),
            )
        self.wake(wakeups)

    def prompt_queue(self, queues: Collection[str]) -> AbstractContextManager[PromptQueue]:
        """While open, this thread may continue by itself with what it makes due in ``queues``."""
        return self._wakeup_publisher.prompt_queue(queues)

    def port(self, counterparty: str) -> Any:
        """The counterparty's port, one of connectors.ports, built at first use: a WSDL takes long. Raises NotFound."""
        port = self._ports.get(counterparty)
        if port is None:
            with self._ports_lock:
                port = self._ports.get(counterparty) or self._build_port(counterparty)
                self._ports[counterparty] = port
        return port

    def senders(self, counterparty: str) -> ThreadPoolExecutor:
        """The threads that speak with this counterparty: as many as it takes at once, so that others keep theirs."""
        senders = self._senders.get(counterparty)
        if senders is None:
            fresh = ThreadPoolExecutor(self._party(counterparty).max_in_flight, thread_name_prefix=counterparty)
            senders = self._senders.setdefault(counterparty, fresh)  # a pool without work has no threads
        return senders

    def _build_port(self, counterparty: str) -> Any:
        party = self._party(counterparty)
        url = self.settings.partner_urls.get(counterparty, party.address)
        options = registry.PortOptions(self.catalogue, url, self.settings.webhook_networks, _sent)
        return registry.port(party, options)

    def _party(self, counterparty: str) -> Counterparty:
        party = self.catalogue.counterparties.get(counterparty)
        if party is None:
            raise NotFound(f"the catalogue has no counterparty {counterparty!r}")
        return party

    def limits(self, counterparty: str) -> Limits:
        """The limits of a counterparty, from the catalogue and the settings. Raises NotFound."""
        party = self._party(counterparty)
        return Limits(
            counterparty=counterparty,
            queue=party.queue,
            max_in_flight=party.max_in_flight,
            lease=party.timeout_seconds + self.settings.lease_margin,
            breaker_threshold=self.settings.breaker_threshold,
            breaker_pause=self.settings.breaker_pause,
        )

    def profile(self, counterparty: str) -> Idempotency:
        """How a call to the counterparty is idempotent. Raises NotFound."""
        return self._party(counterparty).idempotency

    def read_statements(self, bank: Bank, body: bytes) -> tuple[Format, list[Statement]]:
        """The format and the statements of a bank's file. Raises schemas.statement.UnreadableFile."""
        return files.statements(bank.statements, body)

    @cached_property
    def keyring(self) -> Keyring:
        """Our signing keys, loaded when something is signed."""
        return keyring(self.settings, self.catalogue)

    @cached_property
    def signer(self) -> Signer:
        """Signs in the name of officers and of the Centre."""
        signing = self.catalogue.signing
        roots = self.catalogue.folder / signing.roots if signing.roots else None
        return Signer(self.keyring, signing, self.catalogue.officers, roots, self._revocation_lists)

    def _revocation_lists(self) -> list[bytes]:
        with self.db.connection() as conn:
            fetched = crl_store.newest(conn)
        return fetched + (crl_store.in_folder(self.settings.keys) if self.settings.keys else [])

    @cached_property
    def queues(self) -> dict[str, str]:
        """counterparty → queue"""
        return {code: party.queue for code, party in self.catalogue.counterparties.items()}


def keyring(settings: Settings, catalogue: Catalogue) -> Keyring:
    """The signing keys that settings and catalogue name; needs no database."""
    token = catalogue.signing.token
    slot = Pkcs11Token(token.module, token.label, catalogue.secret(token.pin)) if token else None
    return Keyring(settings.keys, settings.keys_passphrase, token=slot, production=settings.production)


def _sent() -> None:
    crashpoints.reached(Point.SEND_AFTER_BYTES)


def build(*, signs: bool = True) -> Hub:
    """The Hub that this process's environment describes (HUB_…). Raises NotConfigured, CatalogueError.

    ``signs=False``: it is not told the token's PIN, and cannot sign.
    """
    settings = read_settings()
    return Hub(settings, read_catalogue(settings, signs=signs))
