"""20,000 remittance texts of the noise grammar through all passes: nobody's money is taken for somebody else's."""

from tests.bench.references import A_DAY, OPEN, amounts_of, day_of
from tests.fees_noise import Grammar
from tests.fees_scale import DAY, Figures, demands, judged, reference
from tests.scripted_hub import ScriptedHub


def test_no_text_confirms_a_wrong_demand_and_nearly_all_are_found(hub: ScriptedHub) -> None:
    figures, seed = Figures(), 20_261_124
    meant = day_of(seed, A_DAY)
    written = list(Grammar(seed).texts([reference(number) if number else None for number in meant]))

    with hub.db.connection() as conn:
        demands(conn, OPEN)
        judged(conn, DAY, written, amounts_of(seed, meant), figures)

    assert figures.texts == A_DAY
    assert figures.false_of == ()
    assert figures.recall >= 0.99
    assert figures.confirmed > figures.proposed
