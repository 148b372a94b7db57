"""Programs of an embedded stack: their commands, ports and environments."""

import json
import os
import signal
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Final
from urllib.parse import urlsplit

from config.catalogue import load
from config.settings import PACKAGED
from hub.embedded import pki
from hub.embedded.environment import REHEARSAL
from hub.embedded.ports import LOOPBACK, free_port
from hub.embedded.postgres import Postgres
from hub.embedded.process import Program
from hub.embedded.secrets import KEYS_PASSPHRASE, Secrets, stored_secrets
from hub.embedded.stack_folder import Addresses, StackFolder
from hub.embedded.valkey import Valkey

FLOWER_USER: Final = "hub"
_WORKER_GRACE: Final = 20.0
"""seconds; a call that takes longer is cut off, and its outcome is asked for after the next start"""


@dataclass(frozen=True, slots=True)
class Stack:
    """Plan of an embedded stack: ports chosen, secrets generated, nothing started."""

    place: StackFolder
    postgres: Postgres
    valkey: Valkey
    api_port: int
    flower_port: int
    secrets: Secrets
    catalogue: Path
    counterparties: frozenset[str]
    """the codes of those that the catalogue has"""
    workers: int
    themselves: Mapping[str, str]
    """counterparties that the sandbox does not play → where they are; "": where the catalogue says"""

    @classmethod
    def planned(
        cls,
        place: StackFolder,
        environment: Mapping[str, str],
        *,
        workers: int,
        themselves: Mapping[str, str] = MappingProxyType({}),
    ) -> "Stack":
        """Ports of the last start where they are free. Raises CatalogueError, CannotStart."""
        catalogue = Path(environment.get("HUB_CATALOGUE") or PACKAGED)
        ports = _ports(place.remembered())
        secrets = stored_secrets(place.secrets, catalogue, environment)
        known = load(catalogue, secrets.hub)
        pki.completed(place.pki, known, secrets.hub[KEYS_PASSPHRASE])
        return cls(
            place=place,
            postgres=Postgres(place.postgres, ports["database"], place.log("postgres")),
            valkey=Valkey(place.valkey, ports["broker"], place.log("valkey")),
            api_port=ports["api"],
            flower_port=ports["flower"],
            secrets=secrets,
            catalogue=catalogue,
            counterparties=frozenset(known.counterparties),
            workers=workers,
            themselves=themselves,
        )

    def addresses(self, partners: Mapping[str, str]) -> Addresses:
        api = f"http://{LOOPBACK}:{self.api_port}"
        return Addresses(
            api=api,
            docs=f"{api}/docs",
            flower=f"http://{LOOPBACK}:{self.flower_port}",
            database=self.postgres.url,
            broker=self.valkey.url,
            partners={**partners, **{code: url for code, url in self.themselves.items() if url}},
            themselves=sorted(self.themselves),
        )

    def migration(self, environment: Mapping[str, str]) -> Program:
        return self._hub("migration", "db", "upgrade", environment=environment)

    def sandbox(self) -> Program:
        """Every counterparty; they find the hub where it is going to listen."""
        words = (
            "--catalogue", str(self.catalogue), "--hub", f"http://{LOOPBACK}:{self.api_port}",
            "--data", str(self.place.sandbox), "--ports", str(self.sandbox_ports),
            *(word for code in self.themselves for word in ("--except", code)),
        )  # fmt: skip
        environment = {**REHEARSAL, "HUB_SANDBOX_PKI": str(self.place.pki), **os.environ}
        environment |= {**self.secrets.hub, **self.secrets.departments}
        return self._hub("sandbox", "sandbox", *words, environment=environment)

    @property
    def sandbox_ports(self) -> Path:
        return self.place.sandbox / "addresses.json"

    @property
    def played(self) -> frozenset[str]:
        """Those that the sandbox plays, and the hub speaks to."""
        return self.counterparties - self.themselves.keys()

    def partners(self) -> dict[str, str]:
        """Counterparty code → where the sandbox serves it, or served it last; of those that it has to play now."""
        return {code: url for code, url in self.served().items() if code in self.played}

    def served(self) -> dict[str, str]:
        """The same of all that the sandbox plays: gateways too, to which the hub never speaks."""
        try:
            ports = json.loads(self.sandbox_ports.read_bytes())
        except FileNotFoundError:
            return {}
        return {str(code): str(url) for code, url in ports.items()}

    def api(self, environment: Mapping[str, str]) -> Program:
        return self._hub("api", "api", "--port", str(self.api_port), environment=environment)

    def flower(self, environment: Mapping[str, str]) -> Program:
        return self._hub("flower", "flower", "--port", str(self.flower_port), environment=environment)

    def beat_and_workers(self, environment: Mapping[str, str]) -> list[Program]:
        """Beat and the workers, which are stopped first."""
        names = [f"worker-{number}" for number in range(1, self.workers + 1)]
        return [
            self._hub("beat", "beat", environment=environment),
            *(
                self._hub(name, "worker", "--name", name, environment=environment, grace=_WORKER_GRACE)
                for name in names
            ),
        ]

    def _hub(self, name: str, *words: str, environment: Mapping[str, str], grace: float = 10.0) -> Program:
        return Program(
            name=name,
            command=(sys.executable, "-m", "hub.cli", *words),
            log=self.place.log(name),
            environment={**environment, "PYTHONUNBUFFERED": "1"},
            grace=grace,
            orphan_signal=signal.SIGKILL,
        )


def _ports(remembered: Addresses | None) -> dict[str, int]:
    chosen: dict[str, int] = {}
    for name in ("database", "broker", "api", "flower"):
        preferred = urlsplit(getattr(remembered, name)).port if remembered else None
        chosen[name] = free_port(preferred or 0, taken=chosen.values())
    return chosen
