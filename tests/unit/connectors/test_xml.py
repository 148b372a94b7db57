"""XML from strangers: what is not read, and that nothing is fetched, leaked or swollen on the way to the refusal."""

import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from connectors.transport import xml
from tests.unit.connectors.lures import BILLION_LAUGHS, LAUGHS_IN_ATTRIBUTE, WIDE, a_listener

REFUSED = {
    "nothing": (b"", "malformed"),
    "no XML": (b"Internal Server Error", "malformed"),
    "half a document": (b"<a><b>", "malformed"),
    "two documents": (b"<a/><a/>", "malformed"),
    "an unknown encoding": (b'<?xml version="1.0" encoding="no-such"?><a/>', "malformed"),
    "bytes that are not UTF-8": (b"<a>\xff\xfe\xff</a>", "malformed"),
    "an entity that nobody declared": (b"<a>&nobody;</a>", "malformed"),
    "300 levels": (b"<a>" * 300 + b"</a>" * 300, "malformed"),
    "a hundred thousand levels": (b"<a>" * 100_000 + b"</a>" * 100_000, "malformed"),
    "90000 attributes": (WIDE, "too_wide"),
    "more bytes than the cap": (b"<a>" + b"x" * xml.LIMIT + b"</a>", "too_large"),
    "a DOCTYPE": (b"<!DOCTYPE a><a/>", "doctype"),
    "a DOCTYPE in UTF-16": ("<!DOCTYPE a><a/>".encode("utf-16"), "doctype"),
    "a file by entity": (b'<!DOCTYPE a [<!ENTITY f SYSTEM "file:///etc/passwd">]><a>&f;</a>', "doctype"),
    "a parameter entity": (b'<!DOCTYPE a [<!ENTITY % p SYSTEM "file:///etc/passwd"> %p;]><a/>', "doctype"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_not_a_plain_document_is_refused(name: str) -> None:
    data, code = REFUSED[name]
    with pytest.raises(xml.UnsafeXML) as refused:
        xml.parse(data)
    assert refused.value.code == code


@pytest.mark.parametrize("bomb", [BILLION_LAUGHS, LAUGHS_IN_ATTRIBUTE])
def test_a_bomb_is_refused(bomb: bytes) -> None:
    with pytest.raises(xml.UnsafeXML):
        xml.parse(bomb)


@given(st.binary(max_size=300) | st.text(alphabet='<>/&;"!?[]DOCTYPE= ab', max_size=120).map(str.encode))
def test_whatever_the_bytes_are_only_one_exception_leaves_the_parser(data: bytes) -> None:
    with suppress(xml.UnsafeXML):
        assert isinstance(xml.parse(data).tag, str)


def test_refusing_bombs_and_wide_elements_takes_little_memory(tmp_path: Path) -> None:
    files = []
    for number, data in enumerate((BILLION_LAUGHS, LAUGHS_IN_ATTRIBUTE, WIDE)):
        files.append(tmp_path / f"{number}.xml")
        files[-1].write_bytes(data)
    script = """
import resource, sys
from connectors.transport import xml
used = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
before = used()
for file in sys.argv[1:]:
    try:
        xml.parse(open(file, "rb").read())
        raise SystemExit(f"{file} was read")
    except xml.UnsafeXML:
        pass
print(used() - before)
"""
    ran = subprocess.run(
        [sys.executable, "-c", script, *map(str, files)], capture_output=True, text=True, check=False, timeout=60
    )
    assert ran.returncode == 0, ran.stderr
    assert int(ran.stdout) < 50 * 1024, "KiB"


def test_nothing_that_a_document_points_to_is_fetched() -> None:
    with a_listener() as (port, visits):
        url = f"http://127.0.0.1:{port}/evil"
        for lure in (f'<!DOCTYPE a SYSTEM "{url}"><a/>', f'<!DOCTYPE a [<!ENTITY e SYSTEM "{url}">]><a>&e;</a>'):
            with pytest.raises(xml.UnsafeXML):
                xml.parse(lure.encode())
        hint = f'<a xmlns:i="http://www.w3.org/2001/XMLSchema-instance" i:noNamespaceSchemaLocation="{url}"/>'
        assert xml.schema_of("department.wsdl", "urn:lienthong:department:1").fault(xml.parse(hint.encode()))
        assert next(visits) is None


def test_a_comment_does_not_cut_a_value_short() -> None:
    document = xml.parse(b"<a><!-- x --><code>H42<!-- y -->-0001<?pi z?></code></a>")
    assert document.findtext("code") == "H42-0001"


def test_a_refusal_does_not_quote_the_document() -> None:
    with pytest.raises(xml.UnsafeXML) as refused:
        xml.parse("<a><Nguyễn_Văn_Thử></a>".encode())
    assert "Thử" not in str(refused.value)


def test_a_finding_of_the_schema_names_rule_and_place_and_never_the_value() -> None:
    fault = xml.schema_of("department.wsdl", "urn:lienthong:department:1").fault(
        xml.parse(
            f'<FindDossier xmlns="urn:lienthong:department:1"><dossierCode>{"SECRET" * 20}</dossierCode>'
            "</FindDossier>".encode()
        )
    )
    assert fault
    assert "MAXLENGTH" in fault
    assert "dossierCode" in fault or "/*" in fault
    assert "SECRET" not in fault


def test_a_schema_keeps_the_prefixes_that_the_wsdl_declares_further_up() -> None:
    inside = etree.fromstring(
        b"""<w:definitions xmlns:w="http://schemas.xmlsoap.org/wsdl/" xmlns:x="http://www.w3.org/2001/XMLSchema"
            xmlns:t="urn:t"><w:types><x:schema targetNamespace="urn:t"><x:element name="a" type="t:Number"/>
            <x:simpleType name="Number"><x:restriction base="x:int"/></x:simpleType></x:schema></w:types>
            </w:definitions>"""
    )[0][0]
    schema = xml.Schema(xml._standing_alone(inside))
    assert schema.fault(xml.parse(b'<a xmlns="urn:t">1</a>')) is None
    assert schema.fault(xml.parse(b'<a xmlns="urn:t">one</a>'))


@pytest.mark.parametrize("how", ["import", "include", "redefine"])
def test_a_schema_that_reads_other_files_is_refused(how: str, tmp_path: Path) -> None:
    types = tmp_path / "types.xsd"
    types.write_text('<schema xmlns="http://www.w3.org/2001/XMLSchema" targetNamespace="urn:t"/>')
    schema = xml.parse(
        f'<schema xmlns="http://www.w3.org/2001/XMLSchema"><{how} schemaLocation="{types.as_uri()}"/></schema>'.encode()
    )
    with pytest.raises(LookupError):
        xml._standing_alone(schema)


@pytest.mark.parametrize(
    "name",
    ["/etc/passwd", "../strict.py", "http://example.com/department.wsdl", "file:///etc/passwd", "", "DEPARTMENT.WSDL"],
)
def test_only_documents_of_the_list_are_vendored(name: str) -> None:
    with pytest.raises(xml.NotVendored):
        xml.vendored_document(name)


OF_OTHERS = "vnpt/"
"""contracts that others wrote"""
XML_NAMESPACE = "http://www.w3.org/XML/1998/namespace"


@pytest.mark.parametrize("wsdl", sorted(name for name in xml.vendored_names() if not name.startswith(OF_OTHERS)))
def test_every_message_and_type_of_our_contracts_is_explained_in_vietnamese(wsdl: str) -> None:
    schema = next(xml.parse(xml.vendored_document(wsdl)).iter(f"{xml.XSD}schema"))
    unexplained = [
        child.get("name")
        for child in schema
        if child.tag in {f"{xml.XSD}element", f"{xml.XSD}complexType"}
        and child.find(f"{xml.XSD}annotation/{xml.XSD}documentation[@xml:lang='vi']", {"xml": XML_NAMESPACE}) is None
    ]
    assert unexplained == []
