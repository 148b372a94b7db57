"""``python -m tests.called_files FOLDER api|worker …``: a process of the hub that writes down which files it calls.

While FOLDER/recording exists, each product file of which a function is called is appended to FOLDER/<process id>.
Module bodies do not count (an import is no call), nor does the heartbeat, which a worker makes for nobody's sake.
"""

import os
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any, Final

from hub.cli.main import main

ROOT: Final = Path(__file__).parents[1]
PACKAGES: Final = ("config", "connectors", "hub", "schemas")
RECORDING: Final = "recording"
NOTICED: Final = 0.2
"""seconds within which every process has noticed that the recording has begun, or ended"""


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

    def watch() -> None:
        while True:
            if not (folder / RECORDING).exists():
                recording.clear()
                seen.clear()
            else:
                recording.set()
            time.sleep(NOTICED / 4)

    threading.Thread(target=watch, daemon=True).start()
    threading.setprofile(on_call)
    sys.setprofile(on_call)


def called(folder: Path, during: Callable[[], object]) -> list[str]:
    """The files that the processes which record into ``folder`` call during ``during``, by path below the checkout."""
    flag = folder / RECORDING
    flag.touch()
    time.sleep(NOTICED)
    during()
    files = {line for file in folder.iterdir() for line in file.read_text().splitlines()}
    for file in folder.iterdir():
        file.unlink()
    time.sleep(NOTICED)
    return sorted(files)


if __name__ == "__main__":
    record(Path(sys.argv.pop(1)))
    main()
