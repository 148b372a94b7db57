"""A department of a catalogue together with its recordings, played on a real socket."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Final

from config.catalogue import Catalogue, Department, load
from connectors import registry
from connectors.ports import DepartmentPort
from schemas.department import Handoff
from schemas.settlement import HandedTable
from tests.catalogue_secrets import generated
from tests.contract.canonical import canonical_handoff, canonical_table
from tests.contract.dialects import DIALECTS, DialectRecordings
from tests.unit.connectors.partner import Partner, answering, partner

RECORDINGS: Final = Path(__file__).parent / "recordings" / "departments"

REPLIES: Final = ("submit", "duplicate", "refused", "garbled", "found", "not-found", "settle", "settle-refused")
"""Recorded replies to a submission, to a question and to a month's table, whole: <name>.reply.http."""


@dataclass(frozen=True)
class ContractSubject:
    """What the checks are about."""

    department: Department
    catalogue: Catalogue
    folder: Path
    """its recordings"""
    keys: Mapping[str, str] = field(repr=False)
    """the secrets of both sides, by name"""

    @cached_property
    def dialect(self) -> DialectRecordings:
        return DIALECTS[self.department.dialect]

    @cached_property
    def handoff(self) -> Handoff:
        return canonical_handoff(self.department, self.catalogue)

    @cached_property
    def table(self) -> HandedTable:
        return canonical_table()

    @property
    def files(self) -> set[str]:
        """The recordings that the department must have: no more, no fewer."""
        suffix = self.dialect.suffix
        return (
            {f"submit.request.{suffix}", f"settle.request.{suffix}"}
            | {f"{name}.reply.http" for name in REPLIES}
            | {f"status.{code}.{suffix}" for code in self.department.status}
        )

    def recorded(self, file: str) -> bytes:
        return (self.folder / file).read_bytes()

    def reply(self, name: str) -> bytes:
        """The recorded reply ``name`` as it goes over the wire."""
        head, _, body = self.recorded(f"{name}.reply.http").partition(b"\n\n")
        return self._whole(head.splitlines(), body)

    def report(self, code: str) -> bytes:
        """The recorded page of changes in which one dossier comes to stand at ``code``."""
        head = [b"HTTP/1.1 200 OK", f"Content-Type: {self.dialect.media_type}".encode()]
        return self._whole(head, self.recorded(f"status.{code}.{self.dialect.suffix}"))

    def _whole(self, head: list[bytes], body: bytes) -> bytes:
        played = self.dialect.played(body, self.department, self.keys) if body.strip() else b""
        return b"\r\n".join([*head, b"Content-Length: %d" % len(played), b"", played])

    @contextmanager
    def playing(self, *replies: bytes) -> Iterator[tuple[DepartmentPort, Partner]]:
        """While it is open, the department answers with ``replies``, in order; and a port that speaks to it."""
        with partner(answering(*replies)) as server:
            yield registry.department_port(self.department, self.catalogue, server.url), server


def subject(catalogue: Path, code: str, recordings: Path = RECORDINGS) -> ContractSubject:
    """The department ``code`` of the catalogue in ``catalogue``, with secrets generated for it."""
    secrets = generated(catalogue)
    keys = secrets.hub | secrets.departments
    loaded = load(catalogue, keys)
    return ContractSubject(loaded.departments[code], loaded, recordings / code, keys)
