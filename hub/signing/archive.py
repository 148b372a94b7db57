"""Zip container of a bundle, in a single form, so that no two zip readers can see different contents.

Entries are uncompressed and undated, under names from a fixed list, and a file must be byte for byte what ``pack``
writes: no comments, no second directory, no bytes before, between or after the entries.
"""

import io
import re
import struct
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Final

MOST_FILES: Final = 200
LARGEST_FILE: Final = 8 * 1024 * 1024
"""bytes; the largest file of a bundle is a revocation list"""
LARGEST: Final = 32 * 1024 * 1024
"""bytes of the whole"""
_NAME: Final = re.compile(
    r"README\.txt|verify\.sh|SHA256SUMS|certificates/[0-9]{2}\.pem|crls/[0-9]{2}\.crl"
    r"|[0-9]{2}-[a-z]{3,20}/(record\.json|record\.sha256|record\.p7s|seal\.p7s|proof\.txt"
    r"|checkpoint\.json|checkpoint\.p7s|checkpoint\.tst)"
)
_DAMAGED: Final = (ValueError, LookupError, NotImplementedError, RuntimeError, EOFError, OSError, OverflowError)
"""what zipfile raises, besides BadZipFile, for a manipulated zip"""
_EPOCH: Final = (1980, 1, 1, 0, 0, 0)
"""the earliest date of a zip entry"""


class NotABundle(ValueError):
    """The bytes or files are not a bundle as the hub writes it; the message says why."""


def pack(files: Mapping[str, bytes]) -> bytes:
    """Pack ``files`` (name → content), sorted by name; equal files give equal bytes."""
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_STORED) as archive:
        for name in sorted(files):
            entry = zipfile.ZipInfo(name, _EPOCH)
            entry.create_system = 3  # Unix, wherever it is written, so that verify.sh keeps its mode
            entry.external_attr = (0o100755 if name == "verify.sh" else 0o100644) << 16
            archive.writestr(entry, files[name])
    return written.getvalue()


def read_path(path: Path, names: re.Pattern[str] = _NAME) -> dict[str, bytes]:
    """Read the files of a bundle, from a zip or from a folder into which one was unpacked. Raises NotABundle."""
    try:
        if not path.is_dir():
            if not path.is_file() and path.exists():  # a pipe or a device has no size and need not end
                raise NotABundle("neither a file nor a folder")
            if path.stat().st_size > LARGEST:
                raise NotABundle("larger than a bundle can be")
            return unpack(path.read_bytes(), names)
        paths = [file for file in sorted(path.rglob("*")) if file.is_symlink() or not file.is_dir()]
        if any(file.is_symlink() or not file.is_file() for file in paths):
            raise NotABundle("something that is neither a file nor a folder, such as a link")
        if len(paths) > MOST_FILES or sum(file.stat().st_size for file in paths) > LARGEST:
            raise NotABundle("larger than a bundle can be")
        files = {file.relative_to(path).as_posix(): file.read_bytes() for file in paths}
    except OSError as error:
        raise NotABundle(f"cannot be read: {error.strerror}") from None
    if not files or any(names.fullmatch(name) is None for name in files):
        raise NotABundle("not the files of a bundle, or others beside them")
    return files


def unpack(data: bytes, names: re.Pattern[str] = _NAME) -> dict[str, bytes]:
    """Unpack ``data``; every name matches ``names``. Raises NotABundle for bytes that ``pack`` would not write."""
    if len(data) > LARGEST:
        raise NotABundle("larger than a bundle can be")
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            entries = archive.infolist()
            _check(entries, names)
            files = {entry.filename: archive.read(entry) for entry in entries}
    except (zipfile.BadZipFile, struct.error, *_DAMAGED) as error:
        if isinstance(error, NotABundle):
            raise
        raise NotABundle("not a zip file, or a damaged one") from None
    if pack(files) != data:
        raise NotABundle("not written by the hub, or changed since: its container is not the one form that it has")
    return files


def _check(entries: list[zipfile.ZipInfo], allowed: re.Pattern[str]) -> None:
    names = [entry.filename for entry in entries]
    if not entries or len(entries) > MOST_FILES:
        raise NotABundle("empty, or more files than a bundle can have")
    if len(set(names)) != len(names):
        raise NotABundle("the same name twice")
    if sum(entry.file_size for entry in entries) > LARGEST:
        raise NotABundle("more inside than a bundle can have: entries that share their bytes")
    for entry in entries:
        if allowed.fullmatch(entry.filename) is None:
            raise NotABundle("a file whose name no bundle has")
        if entry.compress_type != zipfile.ZIP_STORED or entry.compress_size != entry.file_size:
            raise NotABundle("a compressed file; a bundle has none")
        if entry.file_size > LARGEST_FILE:
            raise NotABundle("a file larger than a bundle can have")
