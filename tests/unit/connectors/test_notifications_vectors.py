"""Signatures that others have published or calculated: our reading of each dialect is theirs."""

import hashlib
import hmac
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from connectors.banks.notifications import national
from connectors.banks.notifications.dialect import Key, NotificationRequest, NotificationVerdict
from schemas.payment import Notification, NotificationKind
from tests.unit.connectors.notifications import contract_of, judged

KEY = Key("published", "SECRET")
VNPAY = (
    b"vnp_Amount=15000000&vnp_BankCode=NCB&vnp_BankTranNo=VNP14226112&vnp_CardType=ATM&vnp_OrderInfo=Thanh+toan+ho+so+"
    b"000.00.16.H42-200923-0001&vnp_PayDate=20200923143502&vnp_ResponseCode=00&vnp_TmnCode=DEMOTMN1&vnp_TransactionNo="
    b"14226112&vnp_TransactionStatus=00&vnp_TxnRef=0000016H422009230001"
)
VNPAY_HASH = (
    b"1b10d170d70457ff7aeeb970f3acab30cb44ce23daa38a481ffe6e0c73b192f5aa4018694cab757101133f9dca18547afe18234d572c097e0"
    b"b1ca3446d3b22a1"
)


def test_vnpay_2_1_0() -> None:
    judgement = judged(
        "vnpay", NotificationRequest(VNPAY + b"&vnp_SecureHash=" + VNPAY_HASH, {}, b""), contract_of("vnpay", KEY)
    )

    assert isinstance(judgement, Notification)
    assert (judgement.provider_txn, judgement.kind, judgement.amount) == ("14226112", NotificationKind.PAYMENT, 150_000)
    assert judgement.paid_at == datetime(2020, 9, 23, 7, 35, 2, tzinfo=UTC)
    assert judgement.reference == "0000016H422009230001"


def test_vnpay_takes_upper_case_and_the_type_of_hash_beside_it() -> None:
    query = VNPAY + b"&vnp_SecureHashType=SHA512&vnp_SecureHash=" + VNPAY_HASH.upper()
    assert isinstance(judged("vnpay", NotificationRequest(query, {}, b""), contract_of("vnpay", KEY)), Notification)


def test_the_national_platform_1_0_6() -> None:
    document = {
        "LoaiBanTin": "CONFIRM",
        "MaLoi": "00",
        "MaDoiTac": "DOITAC01",
        "MaThamChieu": "dvc0000016H42200923000120200923143500",
        "SoTien": "150000",
        "MaTienTe": "VND",
        "MaGiaoDich": "GD123",
        "MaNganHang": "VCB",
        "ThoiGianGD": "20200923143502",
        "ThongTinGiaoDich": "THANH TOAN HO SO 000.00.16.H42-200923-0001",
        "MaXacThuc": "f951c4fa31709c801019eb1d95517c84eba13755e8de7593a20f47c0d509eb2a",
    }
    agreed = contract_of("national", KEY, merchant="DOITAC01")
    judgement = judged("national", NotificationRequest(b"", {}, json.dumps(document).encode()), agreed)

    assert isinstance(judgement, Notification)
    assert (judgement.provider_txn, judgement.kind, judgement.amount, judgement.currency) == (
        "GD123",
        NotificationKind.PAYMENT,
        150_000,
        "VND",
    )


def test_what_we_answer_the_national_platform_is_signed_as_it_signs() -> None:
    agreed = contract_of("national", KEY, merchant="DOITAC01")
    answer = national.DIALECT.answer(NotificationVerdict.ACCEPTED, agreed, datetime(2020, 9, 23, 7, 35, 2, tzinfo=UTC))

    assert answer.status == 200
    assert answer.body is not None
    reply = json.loads(answer.body)
    signed = "00|Thành công|DOITAC01|20200923143502|SECRET"
    assert reply.pop("MaXacThuc") == hashlib.sha256(signed.encode()).hexdigest()
    assert list(reply.values()) == ["00", "Thành công", "DOITAC01", "20200923143502"]


def test_keypay_3_0() -> None:
    document = {
        "addition_fee": "0",
        "client_id": "CLIENT1",
        "command": "PAY",
        "trans_amount": "150000",
        "transaction_id": "123_aaaaaaaaaaaaaaaa",
        "version": "3.0",
        "status": "0",
        "check_sum": "a2fdf98989f8c05981031b16905031e71dbe1443b3758b0a9e3dea77cf9bb655",
    }
    agreed = contract_of("keypay", KEY, merchant="CLIENT1")
    judgement = judged("keypay", NotificationRequest(b"", {}, json.dumps(document).encode()), agreed)

    assert isinstance(judgement, Notification)
    assert (judgement.provider_txn, judgement.amount, judgement.reference) == ("123_aaaaaaaaaaaaaaaa", 150_000, "123")
    assert not judgement.proven


def test_payos_as_published(samples: Path) -> None:
    vector: dict[str, Any] = json.loads((samples / "vectors" / "payos.json").read_text())
    body = json.dumps({"code": "00", "data": vector["data"], "signature": vector["signature"]}).encode()
    judgement = judged(
        "payos", NotificationRequest(b"", {}, body), contract_of("payos", Key("published", vector["checksum_key"]))
    )

    assert isinstance(judgement, Notification)
    assert (judgement.amount, judgement.bank_ref, judgement.text) == (3000, "TF230204212323", "VQRIO123")


def test_casso_as_published(samples: Path) -> None:
    vector: dict[str, Any] = json.loads((samples / "vectors" / "casso.json").read_text())
    moment = vector["timestamp_ms"]
    headers = {"x-casso-signature": f"t={moment},v1={vector['signature']}"}
    came = NotificationRequest(b"", headers, json.dumps(vector["body"], indent=1).encode())
    sent_at = datetime.fromtimestamp(moment / 1000, UTC)
    judgement = judged("casso", came, contract_of("casso", Key("published", vector["key"])), sent_at)

    assert isinstance(judgement, Notification)
    assert (judgement.amount, judgement.account, judgement.bank_ref) == (599_000, "88888888", "MA_GIAO_DICH_THU_NGHIEM")


def test_casso_is_understood_whichever_of_its_samples_signs() -> None:
    """PHP's json_encode escapes "/" and Vietnamese letters, JavaScript's JSON.stringify does not."""
    at = datetime(2026, 11, 24, tzinfo=UTC)
    moment = str(int(at.timestamp() * 1000))
    data = {
        "id": 1,
        "reference": "FT1",
        "amount": 5,
        "description": "nộp phí 1/2",
        "accountNumber": "1020304050607",
        "transactionDateTime": "2026-11-24 08:15:02",
    }
    body = {"data": data, "error": 0}
    php = (
        '{"data":{"accountNumber":"1020304050607","amount":5,"description":"n\\u1ed9p ph\\u00ed 1\\/2","id":1,'
        '"reference":"FT1","transactionDateTime":"2026-11-24 08:15:02"},"error":0}'
    )
    for written in (php, json.dumps(body, sort_keys=True, ensure_ascii=False, separators=(",", ":"))):
        signature = hmac.new(b"SECRET", f"{moment}.{written}".encode(), "sha512").hexdigest()
        came = NotificationRequest(b"", {"x-casso-signature": f"t={moment},v1={signature}"}, json.dumps(body).encode())
        assert isinstance(judged("casso", came, contract_of("casso", KEY), at), Notification)
