"""From a handoff to a stranger's verdict: exported, verified with nothing but the roots, audited, tampered with."""

import base64
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import LiteralString

import psycopg
import pytest

from connectors.sandbox.trust_services import time_stamp_response
from hub import clock
from hub.cli.exits import ExitCode
from hub.embedded.pki import Pki
from hub.signing import archive, custody
from hub.worker import jobs
from schemas.custody import WitnessedCheckpoint, WitnessReceipt
from schemas.department import Handoff
from tests.counterparts import DepartmentSeal
from tests.integration.handoffs.handing import hand_over
from tests.integration.test_command_line import Hub
from tests.scripted_hub import ScriptedHub

TABLES: tuple[LiteralString, ...] = (
    "custody_leaf", "custody_content", "custody_node", "custody_checkpoint", "custody_stamp", "custody_witness"
)  # fmt: skip
PAGE = Path(__file__).parents[3] / "docs" / "integrators" / "verify-a-handoff.md"


class Tsa:
    """The development authority's TSA."""

    def __init__(self, pki: Pki) -> None:
        self.authority = pki.authority

    def stamp(self, request: bytes) -> bytes:
        return time_stamp_response(request, self.authority, clock.now())


@pytest.fixture
def handed(hub: ScriptedHub, pki: Pki) -> Handoff:
    """A handoff with its receipt, logged, stamped and witnessed."""
    hub.players["trust.tsa"] = Tsa(pki)
    seal = DepartmentSeal(pki, "rest-b", hub.catalogue.departments["rest-b"].agency)
    handoff = hand_over(hub, seal.receipt)
    for code, department in hub.catalogue.departments.items():
        if department.witness:
            player = hub.department(code)
            player.answers.append(lambda player=player: _receipt(player.checkpoints[-1]))
    jobs.seal_log(hub)
    hub.carry()
    return handoff


def _receipt(handed: WitnessedCheckpoint) -> WitnessReceipt:
    checkpoint = json.loads(base64.b64decode(handed.checkpoint))
    return WitnessReceipt(size=checkpoint["size"], root=checkpoint["root"], received_at=clock.now())


@pytest.fixture
def bundle(cli: Hub, handed: Handoff, tmp_path: Path) -> Path:
    """The exported handoff, in the folder ``tmp_path``."""
    path = tmp_path / "handoff.zip"
    code, _, err = cli("handoff", "export", handed.id, "-o", str(path))
    assert code == ExitCode.OK, err
    return path


def stranger(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """``hub`` on a machine that knows nothing: no settings, no database."""
    return subprocess.run(
        [sys.executable, "-m", "hub.cli", *words],
        cwd=folder,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(Path(__file__).parents[3])},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def test_a_stranger_verifies_the_bundle_with_nothing_but_the_trust_list(
    bundle: Path, pki: Pki, handed: Handoff
) -> None:
    judged = stranger(bundle.parent, "handoff", "verify", bundle.name, "--offline", "--trust", str(pki.trust_list))
    assert judged.returncode == ExitCode.OK, judged.stdout + judged.stderr
    assert judged.stdout.splitlines()[-1].startswith("VALID")
    assert "tt-01" in judged.stdout
    assert sorted(archive.unpack(bundle.read_bytes()))[:2] == [
        "01-handoff/checkpoint.json",
        "01-handoff/checkpoint.p7s",
    ]
    assert any(name.startswith("02-receipt/") for name in archive.unpack(bundle.read_bytes()))


def test_the_verdict_as_json_says_the_same(bundle: Path, pki: Pki) -> None:
    judged = stranger(
        bundle.parent, "handoff", "verify", bundle.name, "--offline", "--trust", str(pki.trust_list), "--json"
    )
    verdict = json.loads(judged.stdout)
    assert verdict["answer"] == "VALID"
    assert {finding["weight"] for finding in verdict["findings"]} == {"good"}


def test_every_answer_has_its_exit_code(bundle: Path, pki: Pki, tmp_path: Path) -> None:
    files = archive.unpack(bundle.read_bytes())
    changed = tmp_path / "changed.zip"
    changed.write_bytes(archive.pack(files | {"01-handoff/record.json": files["01-handoff/record.json"] + b" "}))
    nothing = tmp_path / "nothing.zip"
    nothing.write_bytes(b"no zip at all")
    for file, trust, code in (
        (changed, pki.trust_list, ExitCode.FINDING),
        (bundle, pki.roots, ExitCode.NOT_FOUND),  # roots alone do not say who signs for whom
        (nothing, pki.trust_list, ExitCode.USAGE),
    ):
        judged = stranger(tmp_path, "handoff", "verify", file.name, "--offline", "--trust", str(trust))
        assert judged.returncode == code, judged.stdout + judged.stderr
    assert stranger(tmp_path, "handoff", "verify", bundle.name, "--offline").returncode == ExitCode.USAGE


def test_inside_the_hub_its_own_roots_are_believed(cli: Hub, bundle: Path) -> None:
    code, out, err = cli("handoff", "verify", str(bundle))
    assert (code, out.splitlines()[-1].split(":")[0]) == (ExitCode.OK, "VALID"), out + err


def test_the_commands_of_the_page_are_right(bundle: Path, pki: Pki, tmp_path: Path) -> None:
    if shutil.which("openssl") is None:
        pytest.skip("the openssl command is not installed")
    for file in (pki.roots, pki.trust_list, pki.trust_list.with_suffix(".p7s")):
        shutil.copy(file, tmp_path)
    tools = tmp_path / "bin"
    tools.mkdir()
    (tools / "hub").write_text(f'#!/bin/sh\nexec {sys.executable} -m hub.cli "$@"\n')
    if shutil.which("unzip") is None:
        (tools / "unzip").write_text(f'#!/bin/sh\nexec {sys.executable} -m zipfile -e "$2" "$4"\n')
    for tool in tools.iterdir():
        tool.chmod(0o755)
    blocks = re.findall(r"^```sh\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
    assert len(blocks) == 6
    done = subprocess.run(
        ["sh", "-exc", "\n".join(blocks)],
        cwd=tmp_path,
        env={"PATH": f"{tools}:{os.environ['PATH']}", "PYTHONPATH": str(Path(__file__).parents[3])},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert json.loads((tmp_path / "verdict.json").read_text())["answer"] == "VALID"


def test_what_is_exported_before_the_log_has_it_is_refused(cli: Hub, hub: ScriptedHub, pki: Pki) -> None:
    seal = DepartmentSeal(pki, "rest-b", hub.catalogue.departments["rest-b"].agency)
    handoff = hand_over(hub, seal.receipt)
    assert cli("handoff", "export", handoff.id)[0] == ExitCode.REFUSED
    assert cli("handoff", "export", "hd_00000000000000000000000000")[0] == ExitCode.NOT_FOUND


def test_the_log_is_shown_proved_and_audited(cli: Hub, handed: Handoff) -> None:
    _, out, _ = cli("custody", "show", handed.id, "--json")
    assert [leaf["kind"] for leaf in json.loads(out)["data"]] == ["handoff", "receipt"]
    _, out, _ = cli("custody", "proof", handed.id)
    assert out.startswith("leaf 0 of 2\n")
    code, out, _ = cli("custody", "checkpoints", "--json")
    assert code == ExitCode.OK
    [point] = json.loads(out)["data"]
    assert (point["size"], point["witnesses"], point["refusals"]) == (2, 3, 0)
    code, out, _ = cli("custody", "audit", "--json")
    assert (code, json.loads(out)["findings"]) == (ExitCode.OK, [])


def test_whoever_holds_an_older_root_sees_a_cut_tail_and_a_log_put_together_anew(
    cli: Hub,
    hub: ScriptedHub,
    handed: Handoff,
    tmp_path: Path,
    database_url: str,
) -> None:
    held = tmp_path / "checkpoints.jsonl"
    held.write_text(hub.department("rest-a").checkpoints[-1].model_dump_json() + "\n")
    assert cli("custody", "audit", "--witness", str(held))[0] == ExitCode.OK

    def findings_after(*statements: LiteralString) -> set[str]:
        with psycopg.connect(database_url) as conn:
            conn.execute("SET session_replication_role = replica")  # no trigger, no foreign key: an owner can do that
            for statement in statements:
                conn.execute(statement)
        _, out, _ = cli("custody", "audit", "--witness", str(held), "--json")
        return {finding["code"] for finding in json.loads(out)["findings"]}

    # Everything taken back, and the log begun again with other leaves, signed by the log's own key.
    assert findings_after(*(f"DELETE FROM {table}" for table in TABLES)) == {"LOG_TAIL_CUT"}
    with psycopg.connect(database_url) as conn:
        conn.execute("DELETE FROM outbox WHERE kind IN ('trust.stamp', 'department.witness') AND NOT EXISTS"
                     " (SELECT 1 FROM attempt WHERE transfer_id = outbox.id)")  # fmt: skip
        conn.execute("UPDATE outbox SET key = key || '-old' WHERE kind IN ('trust.stamp', 'department.witness')")
    with hub.db.transaction() as inside:
        for number in range(3):
            custody.enter(
                inside, kind="handoff", subject=f"hd_{number}", record=b"other %d" % number, signatures=[b"s"]
            )
    jobs.seal_log(hub)
    assert findings_after() == {"LOG_REPLACED"}
