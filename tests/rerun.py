"""Run the tests that failed once more, by themselves, and name those that pass now: they are flaky.

`.ci/run` calls it after a red `make test`: ``python -m tests.rerun``. Exit code 0 only if every test passed in the end.
"""

import json
import subprocess
import sys
from pathlib import Path
from typing import Final

LAST_FAILED: Final = Path("var") / "pytest" / "v" / "cache" / "lastfailed"
"""where pytest keeps the names of failed tests (``cache_dir`` in pyproject.toml)"""


def failed_tests() -> set[str]:
    return set(json.loads(LAST_FAILED.read_text(encoding="utf-8"))) if LAST_FAILED.is_file() else set()


def main() -> int:
    first = failed_tests()
    if not first:
        print("make test failed, and no test did: see above")
        return 1
    command = [sys.executable, "-m", "pytest", "tests", "--last-failed", "--last-failed-no-failures", "none"]
    status = subprocess.run(command, check=False).returncode
    # A test that was not run again (it crashed pytest, or is not there any more) still has its name in the cache.
    again = first & failed_tests()
    for name in sorted(first - again):
        print(f"FLAKY   {name} failed, and passed when it was run again by itself")
    for name in sorted(again):
        print(f"FAILED  {name} failed twice")
    return status or int(bool(again))


if __name__ == "__main__":
    sys.exit(main())
