"""A SOAP department's feed: a report that is none is set aside by itself, of what the department has signed only."""

import pytest

from connectors.errors import ContractBroken
from schemas.department import StatusReport
from tests.unit.connectors.soap_office import CODE, SoapOffice, answer

NOW = "2026-11-30T16:00:00+07:00"


def report(name: str = "R-1", status: str = "DANG_XU_LY", at: str = NOW, more: str = "") -> str:
    fields = f"<reportId>{name}</reportId><dossierCode>{CODE}</dossierCode><status>{status}</status><at>{at}</at>"
    return f"<report>{fields}{more}</report>"


def page(*reports: str) -> str:
    return f"<ListChangesResponse>{''.join(reports)}<cursor>7</cursor></ListChangesResponse>"


ODD = {
    "what the WSDL does not have": report("R-2", more="<extra>1</extra>"),
    "a part that is missing": f"<report><reportId>R-2</reportId><at>{NOW}</at></report>",
    "a code that is none": report("R-2", status="đang xử lý"),
    "a day that no calendar has": report("R-2", at="2026-02-30T16:00:00+07:00"),
    "a year beyond every dossier": report("R-2", at="2999-01-01T00:00:00+07:00"),
    "a direction mark": report("R-2", more="<note>\u202e</note>"),
}


@pytest.mark.parametrize("odd", ODD.values(), ids=ODD)
def test_a_report_that_cannot_be_read_is_set_aside_and_hides_no_other(office: SoapOffice, odd: str) -> None:
    read = office.will(answer(page(report("R-1"), odd, report("R-3")))).changes("")
    names = [one.report_id for one in read.reports]
    assert read.cursor == "7"
    assert names in (["R-1", "R-3"], ["R-1", "R-2", "R-3"])  # what is cleaned of its marks may be taken
    if len(names) == 2:
        [aside] = read.unreadable
        assert "R-2</" in aside.document
        assert aside.why
        assert office.port.entry(aside.document) == aside


def test_a_report_that_was_set_aside_is_read_again_by_itself(office: SoapOffice) -> None:
    [aside] = office.will(answer(page(report(status="đang xử lý")))).changes("").unreadable
    read = office.port.entry(aside.document.replace("đang xử lý", "DANG_XU_LY"))
    assert isinstance(read, StatusReport)


def test_a_namespace_that_is_no_address_stops_no_feed(plain_office: SoapOffice) -> None:
    """Some stacks declare relative ones, which canonical XML 1.0 cannot write."""
    reply = answer(page(report(), report("R-2", status="đang xử lý")), signer=None)
    length = b"Content-Length: "
    declared = reply.replace(b"<report>", b'<report xmlns:r="urn/relative">')
    before, after = (b"%s%d" % (length, len(one.partition(b"\r\n\r\n")[2])) for one in (reply, declared))
    read = plain_office.will(declared.replace(before, after)).changes("")
    assert ([one.report_id for one in read.reports], len(read.unreadable)) == (["R-1"], 1)


def test_no_entry_of_a_page_that_is_not_signed_is_set_aside(office: SoapOffice) -> None:
    with pytest.raises(ContractBroken):
        office.will(answer(page(report(status="đang xử lý")), signer=None)).changes("")


def test_a_page_that_is_wrong_around_its_reports_is_broken(office: SoapOffice) -> None:
    with pytest.raises(ContractBroken):
        office.will(answer(f"<ListChangesResponse>{report()}</ListChangesResponse>")).changes("")
