"""Limits of memory, time and output for reading a file."""

from typing import Final

MEGABYTE: Final = 1024 * 1024
MEMORY: Final = 1024 * MEGABYTE
"""bytes of address space, of which the interpreter and its libraries take a fifth"""
MEMORY_PER_BYTE: Final = 12
"""and so many more for each byte of the file: text and rows of a large CSV"""
SECONDS: Final = 20
"""of processor time"""
SECONDS_PER_MEGABYTE: Final = 3
"""and so many more for each MiB of the file; camt takes 0.2, a workbook 2"""
SLOWER: Final = 10
"""how many times longer it may take by the clock on a busy machine"""
ANSWER: Final = 256 * MEGABYTE
"""bytes that may come back,"""
ANSWER_PER_BYTE: Final = 4
"""and so many more for each byte of the file"""
UNLIMITED: Final = 78
"""exit status (EX_CONFIG) of a reader that the system does not let limit itself: it reads nothing"""


def memory(size: int) -> int:
    """Bytes of address space for a file of ``size`` bytes."""
    return MEMORY + MEMORY_PER_BYTE * size


def seconds(size: int) -> int:
    """Of processor time."""
    return SECONDS + SECONDS_PER_MEGABYTE * (size // MEGABYTE)


def answer(size: int) -> int:
    """Bytes of output that are accepted of the reader."""
    return ANSWER + ANSWER_PER_BYTE * size
