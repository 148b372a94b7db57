"""Postal operators in the catalogue: what is asked of them by law, and mistakes that stop the start."""

import shutil
from pathlib import Path
from typing import Final

import pytest

from config.catalogue import CatalogueError, load
from config.parties import Idempotency
from config.postal import ROUTES, Levels, Province, ReplyMeaning, Route
from config.settings import PACKAGED
from schemas.postal import PostalStatus
from tests.catalogue_secrets import CATALOGUE, environment

OLDER: Final = "post-a.toml"
NEWER: Final = "post-b.toml"

MISTAKES: Final = {
    "a dialect that there is not": (OLDER, 'dialect = "ngsp"', 'dialect = "rest"', "/dialect: Input should be 'ngsp'"),
    "a token for the older dialect": (
        OLDER,
        "page_size",
        'token = "HUB_SECRET_TEST_POST_B_TOKEN"\npage_size',
        "ngsp needs consumer_key and consumer_secret and no token",
    ),
    "no token for the newer": (NEWER, 'token = "HUB_SECRET_TEST_POST_B_TOKEN"\n', "", "lgsp a token"),
    "callbacks where no order can name them": (
        OLDER,
        "page_size",
        "callbacks = true\npage_size",
        "an ngsp order has no place for their address",
    ),
    "nothing to hear from": (OLDER, "page_size", "feed = false\npage_size", "without either nothing is ever heard"),
    "a page that the operator does not give": (
        OLDER,
        "page_size = 100",
        "page_size = 1001",
        "/page_size: Input should",
    ),
    "no word for what is there already": (OLDER, '"2" = "already"\n', "", "no Status means already"),
    "an answer that there is not": (OLDER, '"9" = "busy"', '"9" = "later"', "/answers/9: Input should be"),
    "a status of ours that there is not": (OLDER, '"posted"', '"done"', "/status/1: Input should be"),
    "a code that no event can carry": (OLDER, '"10" =', '"đã huỷ" =', "/status/đã huỷ/[key]: String should"),
    "an operation of the other dialect": (
        NEWER,
        "page_size",
        'operations = { cancel = "Cancel" }\npage_size',
        "the lgsp dialect has no cancel",
    ),
    "no province": (NEWER, '"Ninh Bình" = { number = 43 }\n"Thành phố Hà Nội" = { number = 10 }\n', "", "/provinces"),
    "a slip that comes back before the papers are there": (
        NEWER,
        "[answers]",
        '[routes]\nisland = { title = "Đảo", days = 5, days_with_slip = 4 }\n\n[answers]',
        "days_with_slip is less than days",
    ),
    "an invitation too few": (
        NEWER,
        "[answers]",
        "[levels]\ninvitations = 0\n\n[answers]",
        "/levels/invitations: Input",
    ),
    "a secret that is not set": (OLDER, "POST_A_KEY", "POST_A_OTHER", "/consumer_key: the secret is missing"),
    "the code of another": (NEWER, 'code = "post-b"', 'code = "post-a"', "post-a is the code in post-a.toml already"),
}


@pytest.fixture
def catalogue(tmp_path: Path) -> Path:
    shutil.copytree(CATALOGUE, tmp_path / "catalogue")
    return tmp_path / "catalogue"


@pytest.mark.parametrize("mistake", MISTAKES.values(), ids=MISTAKES.keys())
def test_a_mistake_stops_the_start_and_is_named(catalogue: Path, mistake: tuple[str, str, str, str]) -> None:
    file, before, after, message = mistake
    path = catalogue / "postal" / file
    written = path.read_text()
    assert before in written
    path.write_text(written.replace(before, after, 1))
    with pytest.raises(CatalogueError) as caught:
        load(catalogue, environment())
    assert str(caught.value).startswith(f"{path}: ")
    assert message in str(caught.value)


def test_a_province_whose_papers_nobody_carries_has_no_operator(catalogue: Path) -> None:
    shutil.rmtree(catalogue / "postal")
    portal = catalogue / "portal.toml"
    portal.write_text(portal.read_text().partition("[post]")[0])
    assert load(catalogue, environment()).operators == {}


def test_an_operator_is_a_counterparty_with_a_queue_of_its_own() -> None:
    operator = load(CATALOGUE, environment()).operators["post-a"]
    assert (operator.counterparty, operator.queue) == ("postal.post-a", "outbox.postal.post-a")
    assert operator.idempotency is Idempotency.NATURAL


@pytest.mark.parametrize("name", ["Hà Nội", "Thành phố Hà Nội", "TP. Hà Nội", "TP Hà Nội", "  thành phố  HÀ NỘI "])
def test_a_province_is_found_however_its_name_is_written(name: str) -> None:
    assert load(CATALOGUE, environment()).operators["post-a"].province(name) == Province(number=10)


def test_a_province_that_is_not_listed_has_no_number() -> None:
    assert load(CATALOGUE, environment()).operators["post-a"].province("Hà Nam") is None


def test_the_terms_of_the_circular_hold_where_the_contract_says_nothing() -> None:
    """TT 17/2017/TT-BTTTT: J+1 to J+4, twice that where the appointment slip comes back; two invitations, two days."""
    assert {name: (route.days, route.days_with_slip) for name, route in ROUTES.items()} == {
        "local": (1, 2),
        "province": (2, 4),
        "cities": (3, 6),
        "national": (4, 8),
    }
    operator = load(CATALOGUE, environment()).operators["post-a"]
    assert operator.routes == ROUTES
    levels = Levels()
    assert operator.levels == levels
    assert (levels.invitations, levels.days_between_invitations) == (2, 2)
    assert (levels.complaint_months, levels.complaint_days, levels.complaint_days_inter_province) == (6, 5, 7)


def test_a_contract_may_have_a_route_of_its_own(catalogue: Path) -> None:
    path = catalogue / "postal" / NEWER
    path.write_text(path.read_text() + '\n[routes.dao]\ntitle = "Đảo"\ndays = 6\ndays_with_slip = 12\n')
    route = load(catalogue, environment()).operators["post-b"].routes["dao"]
    assert route == Route(title="Đảo", days=6, days_with_slip=12)


def test_the_shipped_operators_have_a_code_for_all_that_can_happen() -> None:
    """One for each dialect, so that both are shown; and each knows every status and every answer that we have."""

    class AnySecret(dict[str, str]):
        def get(self, key: str, default: object = None) -> str:
            return f"invented secret {key}"

    operators = load(PACKAGED, AnySecret()).operators.values()
    assert {operator.dialect for operator in operators} == {"ngsp", "lgsp"}
    for operator in operators:
        assert set(operator.status.values()) == set(PostalStatus)
        assert set(operator.answers.values()) == set(ReplyMeaning)
