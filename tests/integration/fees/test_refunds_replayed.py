"""What was given back, dropped, returned and given back again is made anew from its sources, and ends alike."""

from hub import dispatch
from hub.fees.payouts import chargebacks, orders, refunds
from hub.fees.replay import replaying
from tests.bank_files import StatementMovement, ago
from tests.integration.fees.conftest import Cashier
from tests.integration.fees.matching import DUE, AccountTill, red
from tests.integration.fees.paying import PAYEE, approved, asked, debit, ordered
from tests.integration.fees.test_refunds import payment


def offenders(till: AccountTill) -> list[str]:
    report = dispatch.run_command(till.hub, "hub", lambda uow: (replaying.replayed(uow), []))
    return [f"{one.what} {one.how}" for one in report.offenders]


def test_a_refund_that_was_dropped_returned_and_paid_again(
    till: AccountTill, cashier: Cashier, dossier: str, reference: str
) -> None:
    till.books(
        StatementMovement(DUE, reference, ref="FT1"),
        StatementMovement(DUE, reference, ref="FT2"),
        StatementMovement(77_000, "KHONG RO", ref="FT3"),
    )
    order = ordered(till, cashier.demand(dossier)["id"])
    gone = ordered(till, payment(till, 77_000))
    [second] = till.hub.rows("SELECT id FROM payment WHERE allocated = 0 AND amount = %s", DUE)
    dropped = approved(till, asked(till, second["id"], amount=5_000))
    till.act(lambda uow: orders.cancel(uow, dropped.id, "người nộp đổi ý"))
    till.books(debit(order), debit(gone), debit(gone, ref="TT2"))
    till.books(StatementMovement(DUE, f"TRA LAI {order.reference}"))
    again = approved(till, till.act(lambda uow: refunds.again(uow, order.subject_id, PAYEE, "lần hai")))
    till.books(debit(again))

    assert (till.cases(), red(till.hub)) == (["R03", "V05"], [])
    assert offenders(till) == []


def test_a_chargeback_that_was_won_and_debited_all_the_same(till: AccountTill, reference: str) -> None:
    till.books(StatementMovement(DUE, reference))
    chargeback = till.act(lambda uow: chargebacks.notice(uow, payment(till), "CB000777", ago(-5), "công văn"))
    till.act(lambda uow: chargebacks.won(uow, chargeback.id, "rút khiếu nại"))
    till.books(StatementMovement(-DUE, "DOI HOAN CB000777"))

    assert red(till.hub) == []
    assert offenders(till) == []
