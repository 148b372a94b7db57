"""``python -m connectors.sandbox``: every counterparty of a catalogue as a real server, until SIGTERM."""

import argparse
import asyncio
import os
import signal
import sys
from pathlib import Path

import uvloop

from config.catalogue import load
from connectors.sandbox.knobs import Settings
from connectors.sandbox.parties import Sandbox
from connectors.sandbox.server import Party, serve


def main(arguments: list[str]) -> int:
    """The exit code: 0 after a clean stop, 2 when it cannot begin."""
    given = _parser().parse_args(arguments)
    try:
        catalogue = load(given.catalogue, os.environ)
        sandbox = Sandbox(catalogue, given.data, given.hub.rstrip("/"), Settings(), os.environ)
        parties = sandbox.parties(given.only.split(",") if given.only else None)
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(_until_stopped(parties, given.ports))
    except (ValueError, OSError) as error:
        sys.stderr.write(f"sandbox: {error}\n")
        return 2
    return 0


async def _until_stopped(parties: list[Party], ports: Path) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    await serve(parties, ports, stop)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m connectors.sandbox", description=__doc__)
    parser.add_argument("--catalogue", type=Path, required=True, help="folder of the catalogue")
    parser.add_argument("--data", type=Path, required=True, help="folder for effect files and reports")
    parser.add_argument("--hub", required=True, help="the hub's public address")
    parser.add_argument("--ports", type=Path, required=True, help="JSON file: {counterparty: address}")
    parser.add_argument("--only", help="counterparty codes, separated by commas")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
