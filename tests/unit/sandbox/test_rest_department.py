"""The REST department over a real socket: each behaviour, idempotency, and the effect file as the witness."""

import shutil
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import requests

from connectors.sandbox.department import REASON
from schemas.department import Changes, Handoff, HandoffReceipt
from tests.catalogue_secrets import CATALOGUE, environment
from tests.unit.sandbox.running import Running, a_handoff, call, sandbox, until

CODE = "department.rest-a"
TOKEN = {"Authorization": f"Bearer {environment()['HUB_SECRET_TEST_REST_A_TOKEN']}"}


def submit(rest: Running, handoff: Handoff, key: str = "tr_1", **headers: str) -> requests.Response:
    """Hand the dossier over, once."""
    return call(
        "POST",
        f"{rest.urls[CODE]}/dossiers",
        data=handoff.model_dump_json(exclude_none=True).encode(),
        headers={**TOKEN, "Idempotency-Key": key, **headers},
    )


def ask(rest: Running, path: str) -> requests.Response:
    return call("GET", f"{rest.urls[CODE]}/{path}", headers=TOKEN)


def receipt_of(rest: Running, handoff: Handoff) -> HandoffReceipt:
    answer = ask(rest, f"dossiers/{handoff.dossier_code}")
    assert answer.status_code == 200
    return HandoffReceipt.model_validate_json(answer.content)


def feed(rest: Running, dossier_code: str, statuses: int) -> list[str]:
    """The statuses that the feed tells of a dossier, once there are so many."""
    until(lambda: len(_statuses_told(rest, dossier_code)) >= statuses)
    return _statuses_told(rest, dossier_code)


def _statuses_told(rest: Running, dossier_code: str) -> list[str]:
    page = Changes.model_validate_json(ask(rest, "changes?after=").content)
    return [report.status for report in page.reports if report.dossier_code == dossier_code]


def test_an_accepted_dossier_has_a_receipt_an_effect_and_a_life(rest: Running) -> None:
    handoff = a_handoff(9001)
    answer = submit(rest, handoff)
    receipt = HandoffReceipt.model_validate_json(answer.content)
    (effect,) = rest.effects(CODE)
    assert answer.status_code == 201
    assert (effect.key, effect.dossier_code, effect.number) == ("tr_1", handoff.dossier_code, receipt.number)
    assert effect.at == receipt.received_at
    assert receipt_of(rest, handoff) == receipt
    statuses = feed(rest, handoff.dossier_code, 4)
    assert statuses == ["DA_TIEP_NHAN", "DANG_XU_LY", "DA_CO_KET_QUA", "DA_TRA_KET_QUA"]


def test_the_same_key_again_is_answered_with_the_same_receipt_and_no_second_effect(rest: Running) -> None:
    handoff = a_handoff(1)
    first, second = submit(rest, handoff), submit(rest, handoff)
    assert (first.status_code, second.status_code) == (201, 200)
    assert first.json() == second.json()
    assert len(rest.effects(CODE)) == 1


def test_another_key_for_a_dossier_that_is_there_is_a_duplicate(rest: Running) -> None:
    handoff = a_handoff(1)
    number = submit(rest, handoff).json()["number"]
    answer = submit(rest, handoff, "tr_2")
    assert (answer.status_code, answer.json()) == (409, {"number": number})
    assert len(rest.effects(CODE)) == 1


def test_one_key_cannot_stand_for_two_contents(rest: Running) -> None:
    submit(rest, a_handoff(1))
    answer = submit(rest, a_handoff(2))
    assert answer.status_code == 400
    assert "Idempotency-Key" in answer.text
    assert len(rest.effects(CODE)) == 1


def test_twenty_hand_overs_of_one_dossier_at_once_have_one_effect(rest: Running) -> None:
    handoff = a_handoff(1)
    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda _: submit(rest, handoff), range(20)))
    assert sorted({answer.status_code for answer in answers}) == [200, 201]
    assert sum(answer.status_code == 201 for answer in answers) == 1
    assert len({answer.content for answer in answers}) == 1
    assert len(rest.effects(CODE)) == 1


def test_many_dossiers_at_once_each_have_their_own_number(rest: Running) -> None:
    with ThreadPoolExecutor(10) as pool:
        answers = list(pool.map(lambda serial: submit(rest, a_handoff(serial), f"tr_{serial}"), range(1, 61)))
    assert len({answer.json()["number"] for answer in answers}) == 60
    assert len(rest.effects(CODE)) == 60


def test_a_refusal_is_a_problem_with_its_reason_and_has_no_effect(rest: Running) -> None:
    handoff = a_handoff(9002)
    answer = submit(rest, handoff)
    assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")
    assert answer.json()["detail"] == REASON
    assert rest.effects(CODE) == []
    assert ask(rest, f"dossiers/{handoff.dossier_code}").status_code == 404


def test_a_silent_department_has_the_dossier_and_is_found_to_have_it(rest: Running) -> None:
    handoff = a_handoff(9003)
    with pytest.raises(requests.ReadTimeout), requests.Session() as session:
        session.post(
            f"{rest.urls[CODE]}/dossiers",
            data=handoff.model_dump_json(exclude_none=True).encode(),
            headers={**TOKEN, "Idempotency-Key": "tr_1"},
            timeout=0.3,
        )
    (effect,) = rest.effects(CODE)
    assert receipt_of(rest, handoff).number == effect.number
    assert submit(rest, handoff).status_code == 200


def test_silence_ends_in_a_dropped_connection(tmp_path: Path) -> None:
    with sandbox(tmp_path, [CODE], hang_seconds=0.1) as rest:
        with pytest.raises(requests.ConnectionError):
            submit(rest, a_handoff(9003))
        assert len(rest.effects(CODE)) == 1


def test_two_faults_without_effect_and_then_it_is_accepted(rest: Running) -> None:
    handoff = a_handoff(9004)
    answers = [(submit(rest, handoff).status_code, len(rest.effects(CODE))) for _ in range(3)]
    assert answers == [(500, 0), (500, 0), (201, 1)]


def test_a_busy_department_says_when_to_come_back_and_accepts_then(rest: Running) -> None:
    handoff = a_handoff(9005)
    busy = submit(rest, handoff)
    assert (busy.status_code, busy.headers["retry-after"]) == (503, "2")
    assert rest.effects(CODE) == []
    assert submit(rest, handoff).status_code == 201


def test_a_duplicate_answer_is_about_a_dossier_that_it_has(rest: Running) -> None:
    handoff = a_handoff(9006)
    answer = submit(rest, handoff)
    (effect,) = rest.effects(CODE)
    assert (answer.status_code, answer.json()) == (409, {"number": effect.number})
    assert receipt_of(rest, handoff).number == effect.number
    assert len(feed(rest, handoff.dossier_code, 4)) == 4


def test_a_malformed_reply_comes_after_the_effect(rest: Running) -> None:
    handoff = a_handoff(9007)
    answer = submit(rest, handoff)
    assert answer.status_code == 201
    with pytest.raises(requests.JSONDecodeError):
        answer.json()
    (effect,) = rest.effects(CODE)
    assert receipt_of(rest, handoff).number == effect.number


def test_a_slow_department_takes_its_time(rest: Running) -> None:
    began = time.monotonic()
    assert submit(rest, a_handoff(9010)).status_code == 201
    assert time.monotonic() - began >= 0.3


def test_the_feed_goes_on_after_its_cursor(rest: Running) -> None:
    handoff = a_handoff(9001)
    submit(rest, handoff)
    feed(rest, handoff.dossier_code, 4)
    first = Changes.model_validate_json(ask(rest, "changes").content)
    assert Changes.model_validate_json(ask(rest, f"changes?after={first.cursor}").content) == Changes(
        reports=[], cursor=first.cursor
    )
    assert Changes.model_validate_json(ask(rest, "changes?after=3").content).reports == first.reports[3:]


@pytest.mark.parametrize("cursor", ["x", "-1", "999"])
def test_a_cursor_that_it_never_gave_out_is_refused(rest: Running, cursor: str) -> None:
    assert ask(rest, f"changes?after={cursor}").status_code == 400


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer wrong"}, {"Authorization": "Bearer"}])
def test_who_does_not_show_the_token_is_told_nothing(rest: Running, headers: dict[str, str]) -> None:
    for path in ("health", "changes", "dossiers/x"):
        assert call("GET", f"{rest.urls[CODE]}/{path}", headers=headers).status_code == 401


def test_a_handoff_that_breaks_the_contract_is_no_refusal_and_has_no_effect(rest: Running) -> None:
    handoff = a_handoff(1).model_dump(mode="json", exclude_none=True)
    url = f"{rest.urls[CODE]}/dossiers"
    answer = call("POST", url, json={**handoff, "colour": "red"}, headers={**TOKEN, "Idempotency-Key": "tr_1"})
    assert (answer.status_code, answer.headers["content-type"]) == (400, "application/json")
    assert "/colour" in answer.text
    assert call("POST", url, json=handoff, headers=TOKEN).status_code == 400
    assert rest.effects(CODE) == []


@pytest.fixture
def renamed(tmp_path: Path) -> Iterator[Running]:
    """A department with names of its own for some fields."""
    folder = tmp_path / "catalogue"
    shutil.copytree(CATALOGUE, folder)
    with (folder / "departments" / "rest-a.toml").open("a") as toml:
        toml.write('\n[fields]\nmaHoSo = "dossier_code"\nsoDinhDanh = "applicant.identity.number"\nso = "number"\n')
    with sandbox(tmp_path, [CODE], catalogue=folder) as running:
        yield running


def test_a_department_with_names_of_its_own_hears_and_speaks_them(renamed: Running) -> None:
    document = a_handoff(1).model_dump(mode="json", exclude_none=True)
    document["maHoSo"] = document.pop("dossier_code")
    document["soDinhDanh"] = document["applicant"]["identity"].pop("number")
    url = f"{renamed.urls[CODE]}/dossiers"
    answer = call("POST", url, json=document, headers={**TOKEN, "Idempotency-Key": "tr_1"})
    (effect,) = renamed.effects(CODE)
    assert answer.json() == {"so": effect.number, "received_at": answer.json()["received_at"]}
    assert effect.dossier_code == document["maHoSo"]
