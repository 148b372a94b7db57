"""Bind this process to the life of its parent, then exec a program.

Run as a script, ``child_exec.py SIGNAL PARENT USER PASSAGE COMMAND…``: when the process PARENT dies, however it
dies, the kernel sends SIGNAL to the program (prctl(2), PR_SET_PDEATHSIG). USER is an account to run as, or "" for no
change. With PASSAGE "passage" the program may read and pass every folder, as root may and USER may not
(capabilities(7)): what it is and what it works on lie behind a folder that is closed to USER.
Linux only; elsewhere the program outlives its parent.
"""

import ctypes
import os
import pwd
import sys
from typing import Final

PR_SET_PDEATHSIG: Final = 1
PR_SET_SECUREBITS: Final = 28
SECBIT_NO_SETUID_FIXUP: Final = 1 << 2
PR_CAP_AMBIENT: Final = 47
PR_CAP_AMBIENT_RAISE: Final = 2
CAP_DAC_READ_SEARCH: Final = 2
CAP_DAC_OVERRIDE: Final = 1
"""may write as well; in a container root has this one only"""
CAPABILITY_VERSION_3: Final = 0x20080522


def exec_child(signal_number: int, parent: int, user: str, passage: str, command: list[str]) -> None:
    """Never returns. Ends with status 1 if the parent has died meanwhile."""
    linux = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None
    if user:
        if linux and passage:
            # Keeps capabilities over the change of account, and lets access(2) count them too.
            linux.prctl(PR_SET_SECUREBITS, SECBIT_NO_SETUID_FIXUP)
        account = pwd.getpwnam(user)
        os.setgroups([])
        os.setgid(account.pw_gid)
        os.setuid(account.pw_uid)
        if linux and passage:
            _keep_passage(linux)
    if linux:
        # After the change of account, which would clear it.
        linux.prctl(PR_SET_PDEATHSIG, signal_number)
    if os.getppid() != parent:
        sys.exit(1)
    os.execv(command[0], command)  # noqa: S606 - the whole point; the command comes from hub.embedded


def _keep_passage(linux: ctypes.CDLL) -> None:
    """Of all that root may, only to read and pass folders, through the exec that follows."""
    header = (ctypes.c_uint32 * 2)(CAPABILITY_VERSION_3, 0)
    for capability in (CAP_DAC_READ_SEARCH, CAP_DAC_OVERRIDE):
        bit = 1 << capability
        # Twice (effective, permitted, inheritable): the low and the high words.
        sets = (ctypes.c_uint32 * 6)(bit, bit, bit, 0, 0, 0)
        if linux.capset(header, sets) == 0:
            linux.prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, capability, 0, 0)
            return
    sys.exit("this machine does not let root pass closed folders for another account: open them, or be that account")


if __name__ == "__main__":
    exec_child(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3], sys.argv[4], sys.argv[5:])
