"""Orders for tests, between people and agencies that are clearly invented."""

from typing import Any

from schemas.postal import ConsignmentOrder, Contact
from tests.builders import a_code

SENDER = Contact(
    name="Trung tâm Phục vụ hành chính công (thử nghiệm)",
    phone="02290000000",
    address="Số 1 đường Ví Dụ, phường Mẫu",
    province="Ninh Bình",
)
RECEIVER = Contact(
    name="Nguyễn Văn Thử",
    phone="0900000001",
    address="Ngõ 2 đường Thí Điểm, phường Không Có",
    province="Thành phố Hà Nội",
)


def an_order(serial: int = 1, **changes: Any) -> ConsignmentOrder:
    """An order for the dossier whose code ends in ``serial``."""
    return ConsignmentOrder(**{"order_number": a_code(serial), "sender": SENDER, "receiver": RECEIVER, **changes})
