"""What every department keeps, whatever its dialect. Each check is a sentence; a new department passes all of them."""

import base64
import hashlib
import json
from collections.abc import Callable
from typing import Final

import pytest
import rfc8785

from connectors.errors import ConnectorCode, ContractBroken, Duplicate, Rejected, Unavailable
from schemas import strict
from schemas.department import HandoffReceipt
from schemas.handoff import ReceiptRecord
from tests.contract.canonical import KEY, TABLE_KEY
from tests.contract.catalogues import holds_exactly
from tests.contract.subject import REPLIES, ContractSubject

Check = Callable[[ContractSubject], None]

FAILURE: Final = b"HTTP/1.1 500 Oops\r\nContent-Type: text/html\r\nContent-Length: 13\r\n\r\n<html></html>"
BUSY: Final = b"HTTP/1.1 503 Busy\r\nRetry-After: 90\r\nContent-Length: 0\r\n\r\n"
GATEWAY_PAGE: Final = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 13\r\n\r\n<html></html>"


def recordings_and_status_codes_cover_one_another(subject: ContractSubject) -> None:
    holds_exactly(subject.folder, subject.files, subject.department.code)


def what_we_say_is_what_was_recorded(subject: ContractSubject) -> None:
    with subject.playing(subject.reply("submit")) as (port, server):
        port.submit(subject.handoff, KEY)

    body = server.requests[0].partition(b"\r\n\r\n")[2]
    recorded = subject.recorded(f"submit.request.{subject.dialect.suffix}")
    assert subject.dialect.content(body) == subject.dialect.content(recorded)


def every_attempt_carries_the_same_key(subject: ContractSubject) -> None:
    with subject.playing(BUSY, subject.reply("submit")) as (port, server):
        with pytest.raises(Unavailable):
            port.submit(subject.handoff, KEY)
        port.submit(subject.handoff, KEY)

    keys = []
    for request in server.requests:
        head, _, body = request.partition(b"\r\n\r\n")
        lines = [line.partition(":") for line in head.decode().split("\r\n")[1:]]
        keys.append(subject.dialect.key({name.lower(): value.strip() for name, _, value in lines}, body))
    assert keys == [KEY, KEY]


def its_receipt_is_understood(subject: ContractSubject) -> None:
    with subject.playing(subject.reply("submit")) as (port, _):
        receipt = port.submit(subject.handoff, KEY)

    assert isinstance(receipt, HandoffReceipt)
    assert receipt.number.encode() in subject.recorded("submit.reply.http")


def who_signs_answers_with_a_record_of_exactly_this_handoff(subject: ContractSubject) -> None:
    """And who does not sign answers without one. Whether the signature holds is for the domain packages."""
    assert subject.handoff.signed is not None
    with subject.playing(subject.reply("submit"), subject.reply("found")) as (port, _):
        receipts = [port.submit(subject.handoff, KEY), port.find(subject.handoff, KEY)]

    for receipt in receipts:
        assert receipt is not None
        assert (receipt.signed is not None) is subject.department.signing.signs
        if receipt.signed is None:
            continue
        record = base64.b64decode(receipt.signed.record)
        signed = strict.read(ReceiptRecord, record)
        assert rfc8785.dumps(json.loads(record)) == record, "the record is canonical JSON (RFC 8785)"
        assert signed.record == hashlib.sha256(base64.b64decode(subject.handoff.signed.record)).hexdigest()
        assert (signed.number, signed.received_at) == (receipt.number, receipt.received_at)
        assert signed.receiver.agency == subject.department.agency


def a_duplicate_is_a_success_that_names_what_it_has(subject: ContractSubject) -> None:
    with (
        subject.playing(subject.reply("duplicate"), subject.reply("found")) as (port, _),
        pytest.raises(Duplicate) as caught,
    ):
        port.submit(subject.handoff, KEY)

    receipt = caught.value.reply
    assert receipt is None or isinstance(receipt, HandoffReceipt), "the hub takes a receipt, or asks for one"


def a_refusal_comes_with_its_reason(subject: ContractSubject) -> None:
    with subject.playing(subject.reply("refused")) as (port, _), pytest.raises(Rejected) as caught:
        port.submit(subject.handoff, KEY)

    assert caught.value.reason.encode() in subject.recorded("refused.reply.http")
    assert caught.value.reason
    assert caught.value.reason not in str(caught.value), "the reason is for the applicant, not for a log"


def a_garbled_reply_waits_for_a_person(subject: ContractSubject) -> None:
    with subject.playing(subject.reply("garbled")) as (port, _), pytest.raises(ContractBroken):
        port.submit(subject.handoff, KEY)


def a_gateways_page_is_no_success(subject: ContractSubject) -> None:
    with subject.playing(GATEWAY_PAGE) as (port, _), pytest.raises(ContractBroken):
        port.submit(subject.handoff, KEY)


def a_failure_leaves_the_outcome_unknown_and_busy_does_not(subject: ContractSubject) -> None:
    with subject.playing(FAILURE, BUSY) as (port, _):
        with pytest.raises(Unavailable) as failed:
            port.submit(subject.handoff, KEY)
        with pytest.raises(Unavailable) as busy:
            port.submit(subject.handoff, KEY)

    assert (failed.value.code, failed.value.outcome_unknown) == (ConnectorCode.ERROR, True)
    assert (busy.value.code, busy.value.outcome_unknown, busy.value.retry_after) == (ConnectorCode.BUSY, False, 90)


def it_can_be_asked_what_it_has(subject: ContractSubject) -> None:
    with subject.playing(subject.reply("found"), subject.reply("not-found")) as (port, _):
        receipt = port.find(subject.handoff, KEY)
        not_found = port.find(subject.handoff, KEY)

    assert receipt is not None
    assert receipt.number.encode() in subject.recorded("found.reply.http")
    assert not_found is None


def a_gateways_page_does_not_say_that_it_has_nothing(subject: ContractSubject) -> None:
    page = GATEWAY_PAGE.replace(b"200 OK", b"404 Not Found")
    with subject.playing(page) as (port, _), pytest.raises(ContractBroken):
        port.find(subject.handoff, KEY)


def a_table_is_handed_over_as_it_was_recorded(subject: ContractSubject) -> None:
    """Byte for byte, under its own number, whenever it is said."""
    with subject.playing(FAILURE, subject.reply("settle")) as (port, server):
        with pytest.raises(Unavailable) as failed:
            port.settle(subject.table, TABLE_KEY)
        receipt = port.settle(subject.table, TABLE_KEY)

    assert not failed.value.outcome_unknown, "the same table again has the same receipt: it may simply be said again"
    recorded = subject.dialect.content(subject.recorded(f"settle.request.{subject.dialect.suffix}"))
    for request in server.requests:
        head, _, body = request.partition(b"\r\n\r\n")
        lines = [line.partition(":") for line in head.decode().split("\r\n")[1:]]
        assert subject.dialect.content(body) == recorded
        assert subject.dialect.key({name.lower(): value.strip() for name, _, value in lines}, body) == TABLE_KEY
    table = base64.b64decode(subject.table.table)
    assert receipt.settlement_id == json.loads(table)["settlement_id"]
    assert receipt.sha256 == hashlib.sha256(table).hexdigest()


def a_receipt_for_another_table_is_none(subject: ContractSubject) -> None:
    """Signed, right in its form, and replayed from another month."""
    other = base64.b64encode(base64.b64decode(subject.table.table).replace(b"2026-10", b"2026-11")).decode()
    with subject.playing(subject.reply("settle")) as (port, _), pytest.raises(ContractBroken):
        port.settle(subject.table.model_copy(update={"table": other}), TABLE_KEY)


def a_table_that_is_refused_comes_with_a_reason(subject: ContractSubject) -> None:
    with subject.playing(subject.reply("settle-refused")) as (port, _), pytest.raises(Rejected) as caught:
        port.settle(subject.table, TABLE_KEY)

    assert caught.value.reason
    assert caught.value.reason.encode() in subject.recorded("settle-refused.reply.http")


def every_status_code_that_it_knows_is_ours_too(subject: ContractSubject) -> None:
    for code in subject.department.status:
        with subject.playing(subject.report(code)) as (port, _):
            page = port.changes("")
        assert [report.status for report in page.reports] == [code]
        assert page.cursor


def no_recording_is_about_a_real_person(subject: ContractSubject) -> None:
    """The recorded request is the canonical one; replies have no field for a person."""
    for name in REPLIES:
        text = subject.recorded(f"{name}.reply.http").decode()
        assert subject.handoff.applicant.name not in text
        assert subject.handoff.applicant.identity.number not in text


CHECKS: Final[tuple[Check, ...]] = (
    recordings_and_status_codes_cover_one_another,
    what_we_say_is_what_was_recorded,
    every_attempt_carries_the_same_key,
    its_receipt_is_understood,
    who_signs_answers_with_a_record_of_exactly_this_handoff,
    a_duplicate_is_a_success_that_names_what_it_has,
    a_refusal_comes_with_its_reason,
    a_garbled_reply_waits_for_a_person,
    a_gateways_page_is_no_success,
    a_failure_leaves_the_outcome_unknown_and_busy_does_not,
    it_can_be_asked_what_it_has,
    a_gateways_page_does_not_say_that_it_has_nothing,
    a_table_is_handed_over_as_it_was_recorded,
    a_receipt_for_another_table_is_none,
    a_table_that_is_refused_comes_with_a_reason,
    every_status_code_that_it_knows_is_ours_too,
    no_recording_is_about_a_real_person,
)
