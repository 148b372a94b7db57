"""The sandbox as a program: every counterparty of a catalogue as a real server, until SIGTERM."""

import asyncio
import signal
from collections.abc import Mapping, Sequence
from pathlib import Path

import uvloop

from config.catalogue import load
from connectors.sandbox.counterparties import Sandbox
from connectors.sandbox.runtime_settings import SandboxSettings
from connectors.sandbox.server import ServedParty, serve


def run(
    *,
    catalogue: Path,
    data: Path,
    hub: str,
    ports: Path,
    environment: Mapping[str, str],
    only: Sequence[str] | None = None,
    without: Sequence[str] = (),
) -> None:
    """Returns after SIGTERM or SIGINT and a clean stop. Raises ValueError (CatalogueError) and OSError at the start.

    ``data``: the folder of effect files and reports. ``hub``: its public address. ``only`` and ``without`` are
    counterparty codes.
    """
    sandbox = Sandbox(load(catalogue, environment), data, hub.rstrip("/"), SandboxSettings(), environment)
    parties = sandbox.parties(only, without)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_until_stopped(parties, ports))


async def _until_stopped(parties: list[ServedParty], ports: Path) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    await serve(parties, ports, stop)
