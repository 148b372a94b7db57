"""Bind a program to the life of the process that started it, then become that program.

Run as a script of its own, ``tether.py SIGNAL PARENT USER COMMAND…``: when the process PARENT dies, however it dies,
the kernel sends SIGNAL to the program (prctl(2), PR_SET_PDEATHSIG). USER is an account to run as, or "" for no change.
Linux only; elsewhere the program runs untethered.
"""

import ctypes
import os
import pwd
import sys
from typing import Final

PR_SET_PDEATHSIG: Final = 1


def become(signal_number: int, parent: int, user: str, command: list[str]) -> None:
    """Never returns. Ends with status 1 if the parent has died meanwhile."""
    if user:
        account = pwd.getpwnam(user)
        os.setgroups([])
        os.setgid(account.pw_gid)
        os.setuid(account.pw_uid)
    if sys.platform == "linux":
        # After the change of account, which would clear it.
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal_number)
    if os.getppid() != parent:
        sys.exit(1)
    os.execv(command[0], command)  # noqa: S606 - the whole point; the command comes from hub.embedded


if __name__ == "__main__":
    become(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3], sys.argv[4:])
