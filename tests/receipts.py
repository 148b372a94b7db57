"""An invented receipt, and an issuer that says what the test has thought up."""

from lxml import etree

from connectors.transport import envelope as soap
from connectors.transport import xml
from schemas import strict
from schemas.fee_receipt import FeeReceipt, Voiding

NAMESPACE = "http://tempuri.org/"


def a_receipt(number: int = 1, serial: int = 1, **changes: object) -> FeeReceipt:
    """For a dossier with that serial; its id is another for every serial and number."""
    return strict.read(FeeReceipt, a_record(number, serial)).model_copy(update=changes)


def a_record(number: int, serial: int) -> bytes:
    return f"""{{
        "v": 1, "typ": "vn.hub.fee-receipt", "receipt_id": "rc_01JDH8R7000000{number:06}{serial:06}",
        "name": "Biên lai thu phí", "template": "01BLP0-001", "symbol": "PT-26E", "number": {number},
        "issued_on": "2026-11-24", "issued_at": "2026-11-24T09:00:00+07:00",
        "collector": {{"name": "Trung tâm Thử nghiệm", "tax_code": "0100000001", "address": "Số 1"}},
        "department": "rest-a", "department_name": "Sở Thử nghiệm", "procedure": "9.000005",
        "dossier_code": "000.00.01.H42-261124-{serial:04}", "reference": "HC000000000149", "kind": "phi",
        "lines": [
            {{"fee_code": "phi", "title": "Phí thẩm định <thử> & nghiệm", "amount": 100000}},
            {{"fee_code": "phi-2", "title": "Phí sao lục", "amount": 20000}}
        ],
        "amount": 120000, "amount_in_words": "Một trăm hai mươi nghìn đồng", "currency": "VND"
    }}""".encode()


def voiding(receipt: FeeReceipt) -> Voiding:
    return Voiding(
        receipt_id=receipt.receipt_id, template=receipt.template, symbol=receipt.symbol, number=receipt.number
    )


def result(operation: str, text: str) -> bytes:
    """The HTTP reply of a service whose answer is ``text``."""
    answer = etree.Element(f"{{{NAMESPACE}}}{operation}Response", nsmap={None: NAMESPACE})  # type: ignore[dict-item]
    etree.SubElement(answer, f"{{{NAMESPACE}}}{operation}Result").text = text
    return http(200, soap.to_bytes(soap.wrap(answer)))


def http(status: int, body: bytes) -> bytes:
    head = f"HTTP/1.1 {status} X\r\nContent-Type: text/xml; charset=utf-8\r\nContent-Length: {len(body)}\r\n"
    return f"{head}Connection: close\r\n\r\n".encode() + body


def message_of(request: bytes) -> tuple[str, str, dict[str, str]]:
    """The path, the operation and the parts of a request that a port has sent."""
    head, _, body = request.partition(b"\r\n\r\n")
    message = soap.payload_of(soap.body_of(xml.parse(body)))
    parts = {etree.QName(part).localname: part.text or "" for part in message}
    return head.split(b" ")[1].decode(), etree.QName(message).localname, parts


def item(receipt: FeeReceipt, **changes: str) -> str:
    """The list with that receipt in it, as listInvByCusFkey writes it."""
    parts = {
        "index": "1",
        "cusCode": receipt.dossier_code,
        "pattern": receipt.template,
        "serial": receipt.symbol,
        "invNum": f"{receipt.number:07}",
        "amount": str(receipt.amount),
        "status": "1",
        "fkey": receipt.fkey,
    } | changes
    return "<Data><Item>" + "".join(f"<{name}>{text}</{name}>" for name, text in parts.items()) + "</Item></Data>"
