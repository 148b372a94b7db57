"""``python -m tests.called_files FOLDER api|worker …``: a process of the hub that writes down which files it calls.

As soon as FOLDER/recording exists, each product file of which a function is called is appended to FOLDER/<process id>.
Module bodies do not count (an import is no call), nor does the heartbeat, which a worker makes for nobody's sake.
"""

import os
import sys
import threading
import time
from pathlib import Path
from types import FrameType
from typing import Any, Final

from hub.cli.main import main

ROOT: Final = Path(__file__).parents[1]
PACKAGES: Final = ("config", "connectors", "hub", "schemas")
RECORDING: Final = "recording"


def record(folder: Path) -> None:
    """Record the calls of this thread and of all that are started from now on."""
    recording = threading.Event()
    product = tuple(f"{ROOT / package}{os.sep}" for package in PACKAGES)
    seen: set[str] = set()

    def on_call(frame: FrameType, event: str, _: Any) -> None:
        file = frame.f_code.co_filename
        if event != "call" or file in seen or not recording.is_set() or not file.startswith(product):
            return
        if frame.f_code.co_name != "<module>" and threading.current_thread().name != "heartbeat":
            seen.add(file)
            with (folder / str(os.getpid())).open("a") as written:
                written.write(f"{Path(file).relative_to(ROOT)}\n")

    def wait_for_start() -> None:
        while not (folder / RECORDING).exists():
            time.sleep(0.05)
        recording.set()

    threading.Thread(target=wait_for_start, daemon=True).start()
    threading.setprofile(on_call)
    sys.setprofile(on_call)


def called(folder: Path) -> list[str]:
    """What the processes that record into ``folder`` have called, by path below the checkout."""
    return sorted({line for file in folder.iterdir() for line in file.read_text().splitlines()})


if __name__ == "__main__":
    record(Path(sys.argv.pop(1)))
    main()
