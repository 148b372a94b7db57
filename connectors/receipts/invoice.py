"""A receipt as VNPT's ``xmlInvData``. Names of elements are the issuer's; the payer is named by the dossier only."""

from datetime import date
from typing import Final

from lxml import etree

from connectors.transport.xml import Element
from schemas.fee_receipt import FeeReceipt, ReceiptLine
from schemas.portal import FeeKind

PAID_ONLINE: Final = "CK"
"""by transfer (chuyển khoản)"""
KIND: Final = {FeeKind.PHI: "0", FeeKind.LE_PHI: "1"}
"""Extra2 of a product"""


def invoices(receipt: FeeReceipt) -> str:
    """<Invoices> with the one receipt."""
    root = etree.Element("Invoices")
    inv = etree.SubElement(root, "Inv")
    _say(inv, key=receipt.fkey)
    invoice = etree.SubElement(inv, "Invoice")
    amount = str(receipt.amount)
    _say(
        invoice,
        CusCode=receipt.dossier_code,
        ArisingDate=f"{date.fromisoformat(receipt.issued_on):%d/%m/%Y}",
        CusName=f"Người nộp hồ sơ {receipt.dossier_code}",
        Total=amount,
        Amount=amount,
        AmountInWords=receipt.amount_in_words,
        VATAmount="0",
        VATRate="0",
        CusAddress="",
        PaymentMethod=PAID_ONLINE,
        PaymentStatus="1",
        Extra=receipt.reference,
    )
    products = etree.SubElement(invoice, "Products")
    for line in receipt.lines:
        _product(products, receipt, line)
    return str(etree.tostring(root, encoding="unicode"))


def _product(products: Element, receipt: FeeReceipt, line: ReceiptLine) -> None:
    amount = str(line.amount)
    _say(
        etree.SubElement(products, "Product"),
        Code=receipt.procedure,
        ProdName=line.title,
        ProdUnit="Lần",
        ProdQuantity="1",
        ProdPrice=amount,
        Total=amount,
        Amount=amount,
        Extra2=KIND[receipt.kind],
    )


def _say(element: Element, **parts: str) -> None:
    for name, text in parts.items():
        etree.SubElement(element, name).text = text
