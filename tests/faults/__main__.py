"""``python -m tests.faults --seed 7 --submissions 5000 --faults 50``: break everything, and see what it costs.

Exit code 0: nothing lost, doubled, out of order or left without an owner, and every fault recovered from; 3: findings.
An hour: ``python -m tests.faults --seconds 3600``, on either broker (``--broker rabbitmq``). The same seed makes the
same submissions and the same faults; what meets what depends on the machine. See docs/reference/faults.md.
"""

import argparse
import secrets
import sys
from collections.abc import Sequence
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp

from tests.faults.registry import BROKERS
from tests.faults.report import table
from tests.faults.run import RunOptions, drawn, planned, run
from tests.server_folder import in_memory

FINDINGS = 3


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--seed", type=int, help="default: a new one, which is printed")
    parser.add_argument("--submissions", type=int, default=5000)
    parser.add_argument("--faults", type=int, default=50)
    parser.add_argument("--seconds", type=float, help="go on for so long instead")
    parser.add_argument("--broker", choices=BROKERS, default="valkey")
    parser.add_argument("--only", action="append", default=[], metavar="FAULT", help="draw from these faults only")
    parser.add_argument("--handoffs", type=int, default=200, help="how many are exported and judged")
    parser.add_argument("--list", action="store_true", help="print the plan of faults and stop")
    parser.add_argument("--keep", action="store_true", help="keep the folder with logs and effect files")
    parsed = parser.parse_args(arguments)
    options = RunOptions(
        seed=parsed.seed if parsed.seed is not None else secrets.randbelow(10**6),
        submissions=parsed.submissions,
        faults=parsed.faults,
        seconds=parsed.seconds,
        broker=parsed.broker,
        only=tuple(parsed.only),
        handoffs=parsed.handoffs,
    )
    if unknown := set(options.only) - set(drawn(options)):
        parser.error(f"no such fault on {options.broker}: {', '.join(sorted(unknown))}")
    _say(f"seed {options.seed}; {options.submissions} submissions, {options.faults} faults on {options.broker}")
    if parsed.list:
        for plan in planned(options):
            _say(f"{plan.number:3}. {plan.name} (seed {plan.seed})")
        return 0
    folder = Path(mkdtemp(prefix="faults-", dir=in_memory()))
    folder.chmod(0o755)
    keep = parsed.keep
    try:
        result = run(options, folder / "hub", folder / "servers", _say)
        keep = keep or not result.green
    except BaseException:
        keep = True
        raise
    finally:
        if keep:
            _say(f"logs and effect files: {folder}")
        else:
            rmtree(folder)
    _say(table(result))
    return 0 if result.green else FINDINGS


def _say(line: str) -> None:
    print(line, flush=True)


if __name__ == "__main__":
    sys.exit(main())
