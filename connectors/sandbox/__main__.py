"""``python -m connectors.sandbox``: see connectors.sandbox.counterparties."""

import argparse
import gc
import os
import sys
from pathlib import Path

from config.settings import PACKAGED


def main(arguments: list[str]) -> int:
    """The exit code: 0 after a clean stop, 2 when it cannot begin."""
    options = _parser().parse_args(arguments)
    # Modules stay: searching them for garbage would be a tenth of the start.
    gc.disable()
    from connectors.sandbox.counterparties import run  # noqa: PLC0415 - see above

    gc.enable()
    gc.freeze()
    try:
        run(
            catalogue=options.catalogue,
            data=options.data,
            hub=options.hub,
            ports=options.ports,
            environment=os.environ,
            only=options.only.split(",") if options.only else None,
            without=options.without,
        )
    except (ValueError, OSError) as error:
        sys.stderr.write(f"sandbox: {error}\n")
        return 2
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m connectors.sandbox", description="Counterparties to try out with.")
    catalogue = Path(os.environ.get("HUB_CATALOGUE") or PACKAGED)
    parser.add_argument("--catalogue", type=Path, default=catalogue, help="folder of the catalogue (HUB_CATALOGUE)")
    parser.add_argument("--data", type=Path, required=True, help="folder for effect files and reports")
    parser.add_argument("--hub", required=True, help="the hub's public address")
    parser.add_argument("--ports", type=Path, required=True, help="JSON file: {counterparty: address}")
    parser.add_argument("--only", help="counterparty codes, separated by commas")
    parser.add_argument(
        "--except", action="append", default=[], dest="without", help="a counterparty that plays itself"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
