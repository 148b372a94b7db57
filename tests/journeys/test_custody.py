"""A handoff's evidence, made by the whole hub: signed, logged, stamped, witnessed, exported, verified."""

import json
import os
import subprocess
import sys
from pathlib import Path

from connectors.sandbox.witness import Witnessed, witnessed_path
from hub.signing import bundle, trust_list
from hub.signing.judge import judge
from hub.signing.verdicts import VerdictAnswer
from tests.builders import a_submission
from tests.stack import ProcessStack, stack


def hub(processes: ProcessStack, *words: str) -> subprocess.CompletedProcess[str]:
    """The command line beside the running hub."""
    return subprocess.run(
        [sys.executable, "-m", "hub.cli", *words],
        env={**os.environ, **processes.environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_what_was_handed_over_can_be_verified_by_a_stranger_and_is_kept_by_the_witnesses(
    tmp_path: Path, database_url: str, valkey_url: str
) -> None:
    with stack(tmp_path, database_url, valkey_url, HUB_WITNESS_EVERY="2") as processes:
        processes.start()
        for department in ("rest-b", "soap-a"):
            processes.portal.submit(a_submission(department))
        done = processes.wait_for(lambda: _anchored(processes))
        processes.portal.submit(a_submission("rest-b"))
        processes.wait_for(lambda: len({one.size for one in _witnessed(processes, "soap-b")}) > 1)

        for handoff in done:
            to = tmp_path / f"{handoff}.zip"
            exported = hub(processes, "handoff", "export", handoff, "-o", str(to))
            assert exported.returncode == 0, exported.stderr
            trust = trust_list.load(Path(processes.environment["HUB_KEYS"]) / trust_list.FILE)
            verdict = judge(bundle.read(to.read_bytes()), trust)
            assert verdict.answer is VerdictAnswer.VALID, verdict.findings

        for witness in ("rest-a", "soap-a", "soap-b"):
            held = witnessed_path(processes.effects, f"department.{witness}")
            before = len(_witnessed(processes, witness))
            audited = hub(processes, "custody", "audit", "--witness", str(held), "--json")
            assert audited.returncode == 0, audited.stdout + audited.stderr
            # Checkpoints go on arriving while the audit reads them.
            assert before <= json.loads(audited.stdout)["compared"] <= len(_witnessed(processes, witness))
        assert processes.rows("SELECT 1 FROM custody_witness WHERE refusal IS NOT NULL") == []


def _anchored(processes: ProcessStack) -> list[str]:
    """Handoffs all of whose leaves are in the log below a stamped checkpoint, once there are two."""
    rows = processes.rows(
        "SELECT subject FROM custody_leaf GROUP BY subject HAVING bool_or(kind = 'handoff')"
        " AND bool_and(place IS NOT NULL AND place < (SELECT max(c.size) FROM custody_checkpoint c"
        " JOIN custody_stamp s ON s.checkpoint = c.number))"
    )
    return [row["subject"] for row in rows] if len(rows) > 1 else []


def _witnessed(processes: ProcessStack, witness: str) -> list[Witnessed]:
    """The checkpoints that a department holds."""
    path = witnessed_path(processes.effects, f"department.{witness}")
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    return [Witnessed.model_validate_json(line) for line in lines]
