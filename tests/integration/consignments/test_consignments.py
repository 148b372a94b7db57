"""Consignments in the hub: ordered, followed, delivered; what the callback endpoint loses is healed by the feed."""

import json
import random
from datetime import timedelta
from itertools import permutations

from connectors.errors import Duplicate, Rejected
from hub import dispatch, polling
from hub.clock import now
from hub.consignments import attention, commands, store
from hub.consignments.model import Direction
from hub.consignments.ordering import DeliveryRequest
from schemas.item_code import ItemCode
from schemas.postal import ConsignmentAccepted, EventPage
from tests.builders import a_report, report_arrival
from tests.integration.consignments.conftest import BY_POST, Counter, arrival

WAY = ("posted", "in_transit", "out_for_delivery", "attempt_failed", "out_for_delivery", "delivered")


def watch(counter: Counter, days: float = 0) -> None:
    """The tick, ``days`` from now."""
    hub = counter.hub
    with hub.db.transaction() as conn:
        attention.watch(conn, hub.catalogue, hub.calendar, now() + timedelta(days=days))


def resolve(counter: Counter, dossier: str) -> None:
    """The department reports that the result is there."""
    [row] = counter.hub.rows("SELECT code FROM dossier WHERE id = %s", dossier)
    for minute, status in enumerate(("DANG_XU_LY", "DA_CO_KET_QUA"), 1):
        counter.hub.accept(report_arrival(a_report(row["code"], status, minutes=minute)))
        counter.hub.carry()


def test_a_result_that_is_wanted_by_post_is_ordered_when_it_is_there_and_once(counter: Counter) -> None:
    dossier = counter.dossier(result=BY_POST)
    assert counter.hub.count("consignment") == 0
    resolve(counter, dossier)
    [row] = counter.hub.rows("SELECT c.*, i.title FROM consignment c JOIN consignment_item i ON consignment_id = c.id")
    assert (row["direction"], row["service"], row["status"]) == ("result_to_citizen", "result", "accepted")
    [ordered] = counter.hub.operator("post-a").ordered
    assert (ordered.receiver.name, ordered.receiver.address) == (
        "Nguyễn Văn Thử Nghiệm",
        "Số 9 đường Nhận Kết Quả, Phường Mẫu",
    )


def test_a_result_that_is_wanted_otherwise_is_not_ordered(counter: Counter) -> None:
    resolve(counter, counter.dossier())
    assert counter.hub.count("consignment") == 0


def test_an_applicant_without_a_phone_stops_nothing_and_is_work_for_a_person(counter: Counter) -> None:
    applicant = {
        "kind": "citizen",
        "name": "Trần Thị Không Máy",
        "identity": {"kind": "cccd", "number": "000000000099"},
        "address": BY_POST["address"],
    }
    dossier = counter.dossier(result=BY_POST, applicant=applicant)
    resolve(counter, dossier)
    [row] = counter.hub.rows("SELECT status FROM dossier WHERE id = %s", dossier)
    assert row["status"] == "resolved"
    assert counter.concerns(dossier) == {"not_ordered"}
    with counter.hub.db.connection() as conn:
        assert [line["subject"] for line in store.attention(conn, limit=5)] == [dossier]


def test_the_operator_is_told_names_addresses_and_phones_and_nothing_else(counter: Counter) -> None:
    counter.order(counter.dossier(result=BY_POST))
    [row] = counter.hub.rows("SELECT body FROM outbox WHERE kind = 'postal.order'")
    order = json.loads(row["body"])
    contact = {"name", "phone", "address", "province"}
    assert set(order) == {"order_number", "item_code", "sender", "receiver", "cash", "callback_url"}
    assert set(order["sender"]) == set(order["receiver"]) == contact
    text = row["body"].decode()
    for secret in ("thu.nghiem@example.vn", "cccd", "Đơn đề nghị", "Đề nghị cấp giấy", "TP-01", "9.000001"):
        assert secret not in text


def test_an_order_that_the_operator_has_already_is_accepted(counter: Counter) -> None:
    operator = counter.hub.operator("post-a")
    operator.answers.append(
        Duplicate("PARTNER_DUPLICATE", reply=ConsignmentAccepted(order_number="x", item_code="RR123456785VN"))
    )
    consignment = counter.order()
    row = counter.row(consignment)
    assert (row["status"], row["item_code"], row["item_code_ok"]) == ("accepted", "RR123456785VN", True)


def test_a_refused_order_is_work_for_a_person(counter: Counter) -> None:
    counter.hub.operator("post-a").answers.append(Rejected("PARTNER_REJECTED", reason="ngoài vùng phục vụ"))
    consignment = counter.order()
    assert counter.status(consignment) == "refused"
    assert counter.concerns(consignment) == {"refused"}


def test_a_consignment_runs_its_way_and_its_term_begins_on_the_day_of_the_slip(counter: Counter) -> None:
    consignment = counter.order()
    counter.reports(consignment, "posted", 0)
    row = counter.row(consignment)
    assert row["posted_on"] is not None
    assert row["promised_on"] > row["posted_on"]
    counter.reports(consignment, "delivered", 60)
    row = counter.row(consignment)
    assert (row["status"], row["settled_at"] is not None) == ("delivered", True)


def test_posting_sets_no_time_of_the_dossier(counter: Counter) -> None:
    """The legal time of submission is the signed minute's (QĐ 45/2016 Đ7), so nothing of the dossier moves."""
    dossier = counter.dossier()
    before = counter.hub.rows("SELECT * FROM dossier WHERE id = %s", dossier)
    consignment = counter.order(dossier, Direction.CENTRE_TO_DEPARTMENT)
    for minute, status in enumerate(WAY):
        counter.reports(consignment, status, minute)
    assert counter.hub.rows("SELECT * FROM dossier WHERE id = %s", dossier) == before


def test_every_order_of_arrival_ends_in_the_same_place(counter: Counter) -> None:
    dossier = counter.dossier()
    ends = set()
    for order in random.Random(3).sample(list(permutations(range(len(WAY)))), 12):  # noqa: S311
        consignment = counter.order(dossier)
        for place in order:
            counter.reports(consignment, WAY[place], place)
            counter.reports(consignment, WAY[place], place)
        row = counter.row(consignment)
        ends.add((row["status"], row["status_at"], tuple(row["attempts"]), row["promised_on"], row["late_events"]))
    assert [end[0] for end in ends] == ["delivered"]


def test_an_unknown_code_moves_nothing_and_waits_for_a_person(counter: Counter) -> None:
    consignment = counter.order()
    message = counter.reports(consignment, "999", 1)
    [row] = counter.hub.rows("SELECT state, error_code FROM inbox WHERE id = %s", message)
    assert (row["state"], row["error_code"]) == ("dead", "STATUS_UNKNOWN")
    assert (counter.status(consignment), counter.hub.count("tracking_event")) == ("accepted", 0)


def test_of_where_it_happened_the_post_office_is_shown_and_nobodys_address(counter: Counter) -> None:
    consignment = counter.order()
    for minute, place in enumerate(("BC 430900", "Ngõ 2 đường Thí Điểm", "0900000001")):
        counter.reports(consignment, "in_transit", minute, place=place, notes="bà Dấu Vết ký nhận")
    rows = counter.hub.rows("SELECT * FROM tracking_event ORDER BY at")
    assert [row["place"] for row in rows] == ["BC 430900", None, None]
    assert "Dấu" not in repr(rows)


def test_an_event_of_an_unknown_consignment_waits(counter: Counter) -> None:
    consignment = counter.order()
    event = counter.event(consignment, "posted", 1).model_copy(update={"order_number": "000.00.01.H42-200101-0001"})
    message = counter.hub.accept(arrival(event)).id
    dispatch.handle(counter.hub, message)
    [row] = counter.hub.rows("SELECT state, error_code FROM inbox WHERE id = %s", message)
    assert (row["state"], row["error_code"]) == ("waiting", "CONSIGNMENT_UNKNOWN")


def test_what_comes_late_for_a_settled_consignment_is_audited(counter: Counter) -> None:
    consignment = counter.order()
    counter.reports(consignment, "delivered", 60)
    counter.reports(consignment, "posted", 1)
    assert counter.status(consignment) == "delivered"
    lines = counter.hub.rows(
        "SELECT after FROM audit_log WHERE subject = %s AND action = 'consignment_event_late'", consignment
    )
    assert [line["after"] for line in lines] == ["posted"]
    assert counter.concerns(consignment) == set()


def test_what_is_said_to_have_happened_after_the_end_is_shown_to_a_person(counter: Counter) -> None:
    consignment = counter.order()
    counter.reports(consignment, "delivered", 60)
    counter.reports(consignment, "returning", 90)
    assert counter.status(consignment) == "delivered"
    assert counter.concerns(consignment) == {"after_the_end"}


def test_the_poll_heals_a_day_of_lost_callbacks(counter: Counter) -> None:
    """No callback came for a day; the feed has everything, some of it twice, and is read page by page."""
    consignments = [counter.order() for _ in range(3)]
    events = [counter.event(one, status, minute) for one in consignments for minute, status in enumerate(WAY)]
    counter.reports(consignments[0], WAY[0], 0)
    feed = counter.hub.operator("post-a").pages
    feed.append(EventPage(events=events[:10], cursor="10"))
    feed.append(EventPage(events=events[5:], cursor="20"))
    polling.poll(counter.hub)
    counter.hub.carry()
    assert [counter.status(one) for one in consignments] == ["delivered"] * 3
    assert counter.hub.count("tracking_event") == len(events)
    [row] = counter.hub.rows("SELECT cursor FROM counterparty WHERE code = 'postal.post-a'")
    assert row["cursor"] == "20"


def test_an_entry_of_the_feed_that_cannot_be_read_holds_nothing_up(counter: Counter) -> None:
    consignment = counter.order()
    page = {
        "events": [counter.event(consignment, "posted", 1).model_dump(mode="json")],
        "unreadable": [{"key": "64f0", "document": "{}"}],
        "cursor": "2",
    }
    counter.hub.operator("post-a").pages.append(EventPage.model_validate_json(json.dumps(page)))
    polling.poll(counter.hub)
    counter.hub.carry()
    assert counter.status(consignment) == "posted"
    [row] = counter.hub.rows("SELECT error_code FROM inbox WHERE state = 'dead'")
    assert row["error_code"] == "ENTRY_UNREADABLE"


def test_silence_is_raised_once_and_cleared_by_the_next_word(counter: Counter) -> None:
    consignment = counter.order()
    counter.reports(consignment, "posted", 0)
    watch(counter, days=0)
    assert counter.concerns(consignment) == set()
    watch(counter, days=6)
    watch(counter, days=7)
    assert counter.concerns(consignment) == {"silent", "late"}
    assert counter.hub.count("attention") == 2
    counter.reports(consignment, "delivered", 60)
    assert counter.concerns(consignment) == set()


def test_what_a_person_has_seen_to_is_not_raised_again(counter: Counter) -> None:
    consignment = counter.order()
    counter.reports(consignment, "lost", 5)
    [row] = counter.hub.rows("SELECT id FROM attention WHERE subject = %s", consignment)
    counter.act(lambda uow: commands.dismiss(uow, row["id"], "đã gọi bưu điện"))
    watch(counter)
    assert counter.concerns(consignment) == set()


def test_a_cancelled_order_is_told_to_the_operator_and_turns_up_if_it_is_collected_all_the_same(
    counter: Counter,
) -> None:
    consignment = counter.order()
    counter.act(lambda uow: commands.cancel(uow, consignment, "người dân đến nhận"))
    counter.hub.carry()
    assert counter.hub.operator("post-a").cancelled == [counter.row(consignment)["order_number"]]
    assert counter.status(consignment) == "cancelled"
    assert counter.row(consignment)["settled_at"] is not None
    counter.reports(consignment, "posted", 1)
    assert (counter.status(consignment), counter.row(consignment)["settled_at"]) == ("posted", None)


def test_the_consignments_of_one_dossier_have_numbers_of_their_own(counter: Counter) -> None:
    dossier = counter.dossier()
    rows = [counter.row(counter.order(dossier)) for _ in range(3)]
    [code] = counter.hub.rows("SELECT code FROM dossier")
    assert [row["order_number"] for row in rows] == [code["code"], f"{code['code']}-2", f"{code['code']}-3"]


def test_a_pre_printed_code_is_used_once_and_a_wrong_one_from_the_operator_is_a_warning(counter: Counter) -> None:
    codes = [ItemCode.issued("RR", serial).raw for serial in (1, 2)]
    assert counter.act(lambda uow: commands.add_codes(uow, "post-b", [*codes, codes[0]])) == 2
    used = [counter.row(counter.order(operator="post-b"))["item_code"] for _ in range(3)]
    assert used == [*codes, None]
    consignment = counter.order()
    counter.reports(consignment, "posted", 1, item_code="RR123456780VN")
    assert counter.row(consignment)["item_code_ok"] is False
    assert counter.concerns(consignment) == {"item_code"}
    assert counter.status(consignment) == "posted"


def test_a_bag_between_agencies_has_a_manifest_of_all_its_dossiers(counter: Counter) -> None:
    dossiers = [counter.dossier() for _ in range(2)]
    asked = DeliveryRequest(
        Direction.AGENCY_TO_AGENCY,
        tuple(dossiers),
        from_department="rest-a",
        to_department="rest-b",
        seal_number="NP-0001",
    )
    consignment = counter.act(lambda uow: commands.order(uow, asked))
    with counter.hub.db.connection() as conn:
        lines = store.manifest(conn, consignment)
    assert [line["dossier_id"] for line in lines] == dossiers
    assert counter.row(consignment)["seal_number"] == "NP-0001"


def test_loss_is_written_down_with_who_pays_and_a_complaint_has_its_term(counter: Counter) -> None:
    consignment = counter.order()
    counter.reports(consignment, "posted", 0)
    counter.reports(consignment, "lost", 5)
    complaint = counter.act(lambda uow: commands.complain(uow, consignment, "lost", "người dân chưa nhận được"))
    [row] = counter.hub.rows("SELECT filed_on, due_on FROM complaint")
    assert (row["due_on"] - row["filed_on"]).days >= 5
    counter.act(lambda uow: commands.record(uow, consignment, "loss", "operator", 500_000, "thất lạc khi vận chuyển"))
    assert counter.concerns(consignment) == set()
    watch(counter, days=20)
    assert counter.concerns(consignment) == {"complaint_overdue"}
    counter.act(lambda uow: commands.resolve(uow, complaint, "upheld", "bồi thường và cấp lại"))
    assert counter.concerns(consignment) == set()
    actions = counter.hub.rows("SELECT action, actor FROM audit_log WHERE subject = %s AND actor <> 'hub'", consignment)
    assert ("complaint_filed", "can-bo-thu-nghiem") in {(line["action"], line["actor"]) for line in actions}
