"""What an operator dates by a clock of its own."""

from tests.integration.consignments.conftest import Counter


def test_an_event_a_year_ahead_waits_for_a_person_and_blocks_nothing(counter: Counter) -> None:
    consignment = counter.order()
    counter.reports(consignment, "posted", 0)
    counter.reports(consignment, "returning", 365 * 24 * 60)
    assert counter.status(consignment) == "posted"
    [row] = counter.hub.rows("SELECT error_code FROM inbox WHERE state = 'dead'")
    assert row["error_code"] == "DATED_AHEAD"
    counter.reports(consignment, "in_transit", 1)
    assert counter.status(consignment) == "in_transit"
