"""The order's form, the same in both dialects: names, addresses, phones, cash, codes. The matter has no field in it."""

from typing import Any, Final

from config.catalogue import Operator
from config.postal import Province
from connectors.errors import ConnectorCode, ContractBroken
from schemas.postal import ConsignmentOrder

JSON: Final = "application/json"


def filled(operator: Operator, order: ConsignmentOrder) -> dict[str, Any]:
    """The form. Raises ContractBroken where the operator's list lacks a province: nothing has been sent then."""
    sender, receiver = order.sender, order.receiver
    origin, destination = _province(operator, sender.province), _province(operator, receiver.province)
    return {
        "CustomerCode": operator.customer_code,
        "OrderNumber": order.order_number,
        "CODAmount": order.cash,
        "SenderProvince": origin.number,
        "SenderDistrict": origin.district,
        "SenderAddress": sender.address,
        "SenderName": sender.name,
        "SenderTel": sender.phone,
        "ReceiverProvince": destination.number,
        "ReceiverDistrict": destination.district,
        "ReceiverAddress": receiver.address,
        "ReceiverName": receiver.name,
        "ReceiverTel": receiver.phone,
    }


def _province(operator: Operator, name: str) -> Province:
    province = operator.province(name)
    if province is None:
        raise ContractBroken(
            ConnectorCode.OUR_MESSAGE, f"a province of the order stands in no row of {operator.code}.toml"
        )
    return province
