"""What was given back, dropped, returned and given back again is made anew from its sources, and ends alike."""

from hub import dispatch
from hub.fees import orders
from hub.fees.chargebacks import desk
from hub.fees.proof import replay
from hub.fees.refunds import asking
from tests.bank_files import Move, ago
from tests.rooms.fees.conftest import Cashier
from tests.rooms.fees.matching import DUE, Till, red
from tests.rooms.fees.paying import PAYEE, approved, asked, debit, ordered
from tests.rooms.fees.test_refunds import payment


def offenders(till: Till) -> list[str]:
    found = dispatch.act(till.house, "hub", lambda work: (replay.replayed(work), []))
    return [f"{one.what} {one.how}" for one in found.offenders]


def test_a_refund_that_was_dropped_returned_and_paid_again(
    till: Till, cashier: Cashier, dossier: str, reference: str
) -> None:
    till.books(Move(DUE, reference, ref="FT1"), Move(DUE, reference, ref="FT2"), Move(77_000, "KHONG RO", ref="FT3"))
    order = ordered(till, cashier.demand(dossier)["id"])
    gone = ordered(till, payment(till, 77_000))
    [second] = till.house.rows("SELECT id FROM payment WHERE allocated = 0 AND amount = %s", DUE)
    dropped = approved(till, asked(till, second["id"], amount=5_000))
    till.act(lambda work: orders.cancel(work, dropped.id, "người nộp đổi ý"))
    till.books(debit(order), debit(gone), debit(gone, ref="TT2"))
    till.books(Move(DUE, f"TRA LAI {order.reference}"))
    again = approved(till, till.act(lambda work: asking.again(work, order.subject_id, PAYEE, "lần hai")))
    till.books(debit(again))

    assert (till.cases(), red(till.house)) == (["R03", "V05"], [])
    assert offenders(till) == []


def test_a_chargeback_that_was_won_and_debited_all_the_same(till: Till, reference: str) -> None:
    till.books(Move(DUE, reference))
    found = till.act(lambda work: desk.notice(work, payment(till), "CB000777", ago(-5), "công văn"))
    till.act(lambda work: desk.won(work, found.id, "rút khiếu nại"))
    till.books(Move(-DUE, "DOI HOAN CB000777"))

    assert red(till.house) == []
    assert offenders(till) == []
