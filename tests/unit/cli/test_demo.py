"""The demo: what it hands over, and that its proof notices whatever is lost, doubled, misplaced or not told."""

from collections import Counter
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from config.catalogue import Catalogue, load
from config.settings import PACKAGED
from connectors.sandbox.effects import Noticed, Ordered, Submitted
from hub.cli.demo import course, witnesses
from hub.cli.demo.portal import SubmissionStatus
from hub.cli.demo.trials import HEALING, SubmissionTrial, runs_a_day, trials
from hub.cli.demo.witnesses import SandboxRecords
from hub.clock import now
from schemas.portal import Submission
from schemas.strict import read
from tests.catalogue_secrets import generated

DAY = date(2026, 11, 24)


@pytest.fixture(scope="module")
def packaged() -> Catalogue:
    """The catalogue that ships, with secrets made for it."""
    return load(PACKAGED, generated(PACKAGED).hub)


@pytest.fixture(scope="module")
def submitted(packaged: Catalogue) -> list[SubmissionTrial]:
    return trials(packaged, DAY, 0, 200)


def test_every_submission_of_the_demo_is_one_that_the_api_accepts(submitted: list[SubmissionTrial]) -> None:
    assert len(submitted) == 200
    for trial in submitted:
        body = trial.submission.model_dump_json(exclude_none=True).encode()
        assert read(Submission, body) == trial.submission


def test_every_department_meets_every_behaviour_that_heals_and_two_refusals_occur(
    submitted: list[SubmissionTrial], packaged: Catalogue
) -> None:
    met = Counter((trial.department, trial.behaviour.suffix) for trial in submitted if trial.behaviour.suffix)
    assert all(met[code, suffix] == 1 for code in packaged.departments for suffix in HEALING)
    assert sum(trial.behaviour.name == "refused" for trial in submitted) == 2


def test_every_procedure_of_the_catalogue_is_asked_for(submitted: list[SubmissionTrial], packaged: Catalogue) -> None:
    assert {trial.submission.procedure for trial in submitted} == set(packaged.procedures)


def test_no_run_of_a_day_uses_what_another_has_used(packaged: Catalogue) -> None:
    runs = [trials(packaged, DAY, run, 300) for run in range(runs_a_day(packaged))]
    codes = [trial.code for run in runs for trial in run]
    references = [trial.reference for run in runs for trial in run]
    assert len(set(codes)) == len(codes) == len(set(references))


def test_nobody_in_the_demo_could_be_taken_for_a_person(submitted: list[SubmissionTrial]) -> None:
    for trial in submitted:
        applicant = trial.submission.applicant
        assert applicant.identity.number.startswith("00000000")
        assert str(applicant.phone).startswith("0000000")
        assert str(applicant.email).endswith("@vi-du.example")


def standing(trial: SubmissionTrial, **changes: Any) -> SubmissionStatus:
    return replace(SubmissionStatus("sub_1", trial.code, trial.behaviour.dossier, 3), **changes)


def took(trial: SubmissionTrial, department: str | None = None) -> Submitted:
    return Submitted(
        at=now(),
        counterparty=f"department.{department or trial.department}",
        key="tr_1",
        dossier_code=trial.code,
        handoff_id="hd_1",
        leg=1,
        procedure=trial.submission.procedure,
        number="SO-1",
        digest="",
    )


def notice(trial: SubmissionTrial, version: int, status: str = "") -> Noticed:
    return Noticed(
        at=now(),
        counterparty="portal.cong-dvc",
        key=f"evt_{version}",
        dossier_code=trial.code,
        submission_id="sub_1",
        event_id=f"evt_{version}",
        type="submission.status",
        state="completed",
        status=status or trial.behaviour.dossier,
        version=version,
    )


def order(trial: SubmissionTrial) -> Ordered:
    return Ordered(
        at=now(),
        counterparty="postal.buu-dien-ngsp",
        key=trial.code,
        order_number=trial.code,
        item_code="RN724032280VN",
        cash=0,
        fields=[],
        digest="",
    )


def good(trial: SubmissionTrial) -> SandboxRecords:
    """What the witnesses say when all went well."""
    taken = [] if trial.behaviour.transfer == "refused" else [took(trial)]
    held = {trial.code: f"department.{trial.department}"} if taken else {}
    ordered = {trial.code: [order(trial) for behaviour in (trial.parcel, trial.papers) if behaviour]}
    return SandboxRecords({trial.code: taken}, {trial.code: [notice(trial, n) for n in (1, 2, 3)]}, ordered, held)


def test_the_proof_finds_nothing_where_all_went_well(submitted: list[SubmissionTrial]) -> None:
    for trial in submitted:
        assert witnesses.findings([trial], [standing(trial)], good(trial)) == []


def test_the_proof_finds_whatever_went_wrong(submitted: list[SubmissionTrial]) -> None:
    trial = next(trial for trial in reversed(submitted) if trial.parcel)
    other = next(one.department for one in submitted if one.department != trial.department)
    fine = good(trial)
    code = trial.code
    cases: list[tuple[list[SubmissionStatus], SandboxRecords]] = [
        ([], fine),
        ([standing(trial, status="in_process")], fine),
        ([standing(trial, version=4)], fine),
        ([standing(trial)], replace(fine, taken={})),
        ([standing(trial)], replace(fine, taken={code: [took(trial), took(trial)]})),
        ([standing(trial)], replace(fine, taken={code: [took(trial, other)]})),
        ([standing(trial)], replace(fine, held={})),
        ([standing(trial)], replace(fine, noticed={})),
        ([standing(trial)], replace(fine, noticed={code: [notice(trial, n) for n in (1, 2, 2, 3)]})),
        ([standing(trial)], replace(fine, noticed={code: [notice(trial, n, "accepted") for n in (1, 2, 3)]})),
        ([standing(trial)], replace(fine, ordered={})),
        ([standing(trial)], replace(fine, ordered={code: [order(trial)] * 3})),
    ]
    for standings, heard in cases:
        findings = witnesses.findings([trial], standings, heard)
        assert findings, (standings, heard)
        assert all(code in sentence for sentence in findings)


def test_a_refused_dossier_must_not_be_anywhere(submitted: list[SubmissionTrial]) -> None:
    trial = next(trial for trial in submitted if trial.behaviour.name == "refused")
    doubtful = replace(good(trial), taken={trial.code: [took(trial)]})
    assert witnesses.findings([trial], [standing(trial)], doubtful)


def test_a_run_is_over_only_when_nothing_is_owed(submitted: list[SubmissionTrial]) -> None:
    leg = course.SubmissionProgress("r", "sub_1", now(), "handled", "returned", "so-tu-phap", "delivered", now(), 0)
    owed = course.OpenTransfer("tr_1", "portal.cong-dvc", "queued", None, 0, 0)
    parcel = course.Parcel("cs_1", "code", "result_to_citizen", "delivered", [], "sub_1")
    over = course.Course({"r": leg}, owed=[], handed=[], parcels=[parcel], unhandled=0, dead=0)
    assert over.over(1)
    assert not over.over(2)
    assert not replace(over, owed=[owed]).over(1)
    assert not replace(over, unhandled=1).over(1)
    assert not replace(over, parcels=[replace(parcel, status="in_transit")]).over(1)
    assert not replace(over, legs={"r": replace(leg, status="resolved")}).over(1)


def test_the_proof_finds_what_was_not_signed_or_not_carried(
    submitted: list[SubmissionTrial], packaged: Catalogue
) -> None:
    trial = next(
        trial
        for trial in submitted
        if trial.parcel and not trial.papers and packaged.departments[trial.department].signing.signs
    )
    leg = course.SubmissionProgress(
        trial.reference, "sub_1", now(), "handled", "returned", trial.department, "delivered", now(), 0
    )
    handed = course.HandoffProgress(trial.department, "sub_1", "complete", signed=True, countersigned=True)
    assert trial.parcel
    assert trial.parcel.status
    parcel = course.Parcel("cs_1", trial.code, "result_to_citizen", trial.parcel.status.value, [], "sub_1")
    fine = course.Course({trial.reference: leg}, [], [handed], [parcel], 0, 0)

    assert course.findings([trial], fine, packaged) == []
    for wrong in (
        replace(fine, handed=[]),
        replace(fine, handed=[replace(handed, signed=False)]),
        replace(fine, handed=[replace(handed, countersigned=False)]),
        replace(fine, parcels=[]),
        replace(fine, parcels=[replace(parcel, status="refused")]),
    ):
        assert len(course.findings([trial], wrong, packaged)) == 1


def test_what_is_written_while_one_reads_is_left_out(tmp_path: Path, submitted: list[SubmissionTrial]) -> None:
    trial = submitted[-1]
    file = tmp_path / f"department.{trial.department}.effects.jsonl"
    file.write_text(took(trial).model_dump_json() + "\n" + '{"effect": "subm', encoding="utf-8")
    assert witnesses.arrived(tmp_path, [f"department.{trial.department}"], {trial.code}) == 1
