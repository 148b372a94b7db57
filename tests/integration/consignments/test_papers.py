"""A handoff whose papers go by post: ordered when it is prepared, complete with the delivery and the signed minute."""

from connectors.errors import Rejected
from hub import dispatch
from hub.consignments import commands
from hub.consignments.model import Direction
from tests.builders import a_receipt, a_submission, submission_arrival
from tests.integration.consignments.conftest import Counter
from tests.integration.handoffs.test_minutes import by_post, enter


def hand_over_by_post(counter: Counter) -> tuple[str, str]:
    """Handoff and consignment of a dossier whose papers travel."""
    hub = counter.hub
    by_post(hub, "rest-a")
    hub.department("rest-a").answers.append(a_receipt())
    message = hub.accept(submission_arrival(a_submission("rest-a")))
    hub.carry()
    [handoff] = hub.rows("SELECT id FROM handoff WHERE dossier_id = %s", message.id)
    [consignment] = hub.rows("SELECT id FROM consignment WHERE handoff_id = %s", handoff["id"])
    return handoff["id"], consignment["id"]


def status_of(counter: Counter, handoff: str) -> str:
    [row] = counter.hub.rows("SELECT status FROM handoff WHERE id = %s", handoff)
    return str(row["status"])


def test_the_papers_of_a_handoff_by_post_are_ordered_with_their_manifest(counter: Counter) -> None:
    _, consignment = hand_over_by_post(counter)
    row = counter.row(consignment)
    assert (row["direction"], row["service"]) == (Direction.CENTRE_TO_DEPARTMENT, "documents")
    [item] = counter.hub.rows("SELECT kind, title, originals FROM consignment_item")
    assert (item["kind"], item["originals"]) == ("documents", 1)
    assert item["title"] != "Đơn đề nghị", "the catalogue's words, not the applicant's"
    [ordered] = counter.hub.operator("post-a").ordered
    assert ordered.receiver == counter.hub.catalogue.departments["rest-a"].post


def test_papers_are_handed_over_with_the_delivery_and_the_minute(counter: Counter) -> None:
    handoff, consignment = hand_over_by_post(counter)
    counter.reports(consignment, "posted", 0)
    enter(counter.hub, handoff)
    assert status_of(counter, handoff) != "complete"
    counter.reports(consignment, "delivered", 60)
    counter.reports(consignment, "delivered", 60)
    assert status_of(counter, handoff) == "complete"


def test_an_operator_that_does_not_take_an_order_back_is_work_for_a_person(counter: Counter) -> None:
    consignment = counter.order()
    counter.hub.operator("post-a").answers.append(Rejected("PARTNER_REJECTED", reason="không hỗ trợ huỷ"))
    dispatch.run_command(counter.hub, "op", lambda uow: commands.cancel(uow, consignment, "đổi ý"))
    counter.hub.carry()
    assert counter.concerns(consignment) == {"not_cancelled"}
    counter.reports(consignment, "posted", 1)
    assert counter.concerns(consignment) == {"not_cancelled"}
    counter.reports(consignment, "delivered", 60)
    assert counter.concerns(consignment) == set()
