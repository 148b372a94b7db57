"""ISO 20022 camt.053, camt.052 and camt.054, any version: read by local names, an entry at a time.

With or without namespace, and inside whatever envelope (BizMsgEnvlp). A DOCTYPE is refused, no entity is resolved and
nothing is fetched. Elements are freed as soon as they are read, so a large file takes no more memory than a small one.
https://www.iso20022.org/catalogue-messages/iso-20022-messages-archive?search=camt.053
"""

import io
import re
from collections.abc import Iterator
from itertools import chain
from typing import Any, Final

from lxml import etree

from config.statements import Camt
from connectors.banks.statements import camt_head
from connectors.banks.statements.camt_entry import EntryReader
from connectors.banks.statements.camt_head import CONTAINERS, local
from connectors.banks.statements.camt_plan import line_of
from schemas.statement import Portion, StatementCode, StatementEntry, UnreadableFile

PROLOG: Final = 64 * 1024
"""bytes that are looked through for a DOCTYPE before the parser sees anything"""
_MESSAGE: Final = re.compile(r"\{urn:iso:std:iso:20022:tech:xsd:camt\.05[234]\.001\.[0-9]{2}\}")
_DOCTYPES: Final = tuple("<!DOCTYPE".encode(encoding) for encoding in ("ascii", "utf-16-le", "utf-16-be"))
Element = etree._Element  # noqa: SLF001 - lxml has no public name for its elements


def read(raw: bytes, _: Camt) -> Iterator[Portion]:
    """The statements in ``raw``. Raises UnreadableFile."""
    return stream(io.BytesIO(raw))


def stream(source: io.BufferedIOBase) -> Iterator[Portion]:
    """The statements of a file that is read as it goes; memory does not grow with it. Raises UnreadableFile."""
    beginning = source.read(PROLOG)
    if any(doctype in beginning for doctype in _DOCTYPES):
        raise UnreadableFile(StatementCode.UNPARSABLE, "the document has a DOCTYPE")
    source.seek(0)
    events = _events(source)
    for element in events:
        parent = element.getparent()
        is_entry = local(element) == "Ntry" and parent is not None
        container = parent if is_entry and parent is not None else element
        if local(container) not in CONTAINERS:
            raise UnreadableFile(
                StatementCode.UNPARSABLE, "an entry stands outside of every statement", line_of(element)
            )
        entries = _Entries(container, element if is_entry else None, events)
        head = camt_head.read(container)
        yield Portion(head, entries.read(EntryReader(container, head)))
        entries.finish()
        _free(container)


class _Entries:
    """The entries of one container: the one at which it was found, and those that follow until it ends."""

    def __init__(self, container: Element, first: Element | None, events: Iterator[Element]) -> None:
        self._container = container
        self._first = first
        self._events = events
        self._ended = first is None

    def read(self, reader: EntryReader) -> Iterator[StatementEntry]:
        if self._first is None:
            return
        for element in chain((self._first,), self._events):
            if element is self._container:
                self._ended = True
                camt_head.check_end(element)
                return
            entry = reader.read(element)
            _free(element)
            yield entry

    def finish(self) -> None:
        if not self._ended:
            raise RuntimeError("the entries of a statement were not used up")


def _free(element: Element) -> None:
    """Give back what ``element`` holds, and what stands before it: all of that has been read."""
    element.clear()
    parent = element.getparent()
    if parent is not None:
        while element.getprevious() is not None:
            del parent[0]


def _events(source: io.BufferedIOBase) -> Iterator[Element]:
    """Entries and their containers, at their ends. Raises UnreadableFile."""
    tags = ["{*}Ntry", *(f"{{*}}{name}" for name in CONTAINERS)]
    checked = False
    try:
        for _, element in _parser(source, tags):
            if not checked:
                _check(element.getroottree())
                checked = True
            yield element
    except etree.XMLSyntaxError as error:
        # libxml2's own sentence quotes the document, so only what it is about is told.
        about = "is not in the encoding that it names" if "ncod" in str(error) else "is not well-formed"
        raise UnreadableFile(
            StatementCode.UNPARSABLE, f"the XML breaks off, or {about}", error.lineno or None
        ) from None
    if not checked:
        raise UnreadableFile(StatementCode.UNPARSABLE, "the document holds no account statement (camt.052, 053, 054)")


def _parser(source: io.BufferedIOBase, tags: list[str]) -> Any:
    return etree.iterparse(
        source,
        events=("end",),
        tag=tags,
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        dtd_validation=False,
        attribute_defaults=False,
        huge_tree=False,
        recover=False,
        remove_comments=True,
        remove_pis=True,
        remove_blank_text=True,
    )


def _check(tree: Any) -> None:
    """What can be told from the document's beginning."""
    if tree.docinfo.doctype:
        raise UnreadableFile(StatementCode.UNPARSABLE, "the document has a DOCTYPE")
    root = tree.getroot()
    for element in chain((root,), root.iter("{*}Document")):
        if local(element) == "Document" and element.tag != "Document" and not _MESSAGE.match(element.tag):
            raise UnreadableFile(
                StatementCode.UNPARSABLE, "the document is not of camt.052, 053 or 054", line_of(element)
            )
