"""hub custody: audit the custody log; show entries, proofs and checkpoints."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

from typer import Argument, Option, Typer

from hub.cli import environment, output
from hub.cli.arguments import whole_id
from hub.cli.exits import ExitCode, leave
from hub.cli.output import AsJson, Limit, TableColumn
from hub.locale import vi

if TYPE_CHECKING:
    from schemas.custody import LogCheckpoint

Handoff = Annotated[str, Argument(metavar="HANDOFF", parser=whole_id, help="hd_…")]

app: Final = Typer(help="Custody log (sổ lưu vết): audit, show, proof, checkpoints.", no_args_is_help=True)

_LEAVES: Final = (
    TableColumn("place", vi("Entry")),
    TableColumn("id", vi("Code")),
    TableColumn("kind", vi("Type")),
    TableColumn("subject", vi("Handoff")),
    TableColumn("entered_at", vi("Logged at"), output.moment),
    TableColumn("record", vi("SHA-256 of the content")),
)
_CHECKPOINTS: Final = (
    TableColumn("number", vi("No.")),
    TableColumn("size", vi("Number of entries")),
    TableColumn("root", vi("Root")),
    TableColumn("at", vi("At"), output.moment),
    TableColumn("stamped_at", vi("Time stamp"), output.moment),
    TableColumn("witnesses", vi("Witness")),
    TableColumn("refusals", vi("Refusal")),
)
_FINDINGS: Final = (
    TableColumn("code", vi("Code")),
    TableColumn("where", vi("Where")),
    TableColumn("meaning", vi("Meaning")),
)


@app.command()
def audit(
    witness: Annotated[
        list[Path] | None,
        Option(exists=True, dir_okay=False, help="A checkpoint held by a witness: JSON, or JSON lines."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Recompute the whole Merkle tree and compare it with every checkpoint. Exit 3 if anything was changed."""
    from hub.signing import auditing

    held = [checkpoint for path in witness or [] for checkpoint in _held(path)]
    with environment.database() as conn:
        result = auditing.audit(conn, held)
    rows = [{"code": one.code, "where": one.where, "meaning": vi(one.code.en)} for one in result.findings]
    counts = {
        "leaves": result.leaves,
        "root": result.root.hex(),
        "expired": result.expired,
        "waiting": result.waiting,
        "checkpoints": result.checkpoints,
        "compared": result.compared,
    }
    if as_json:
        output.document({**counts, "findings": rows})
    else:
        output.listing(rows, _FINDINGS, as_json=False)
        output.say(
            vi(
                "{leaves} entries, root {root}…, {checkpoints} checkpoints, compared with {compared} of the witnesses",
                leaves=result.leaves,
                root=result.root.hex()[:16],
                checkpoints=result.checkpoints,
                compared=result.compared,
            )
        )
    if rows:
        leave(ExitCode.FINDING, vi("the custody log has {rows} findings", rows=len(rows)))


@app.command()
def show(subject: Handoff, as_json: AsJson = False) -> None:
    """Show the signed records of a handoff and their positions in the log."""
    from hub.errors import NotFound
    from hub.signing import custody

    with environment.database() as conn:
        leaves = custody.leaves_about(conn, subject)
    if not leaves:
        raise NotFound(f"nothing signed is in the custody log under {subject}")
    rows = [
        {
            "place": leaf.place,
            "id": leaf.id,
            "kind": leaf.kind,
            "subject": leaf.subject,
            "entered_at": leaf.entered_at,
            "record": leaf.record_hash.hex(),
            "signatures": [hash_.hex() for hash_ in leaf.signature_hashes],
            "expired": leaf.record is None,
        }
        for leaf in leaves
    ]
    output.listing(rows, _LEAVES, as_json=as_json)


@app.command()
def proof(
    subject: Handoff,
    kind: Annotated[str, Option(help="handoff, receipt or minute")] = "handoff",
) -> None:
    """Print the inclusion proof of a record, from leaf to signed root, as in proof.txt of a bundle."""
    from hub.errors import NotFound
    from hub.signing import exporting

    with environment.database() as conn:
        records = [record for record in exporting.export(conn, subject).records if record.kind == kind]
    if not records:
        raise NotFound(f"no {kind} is in the custody log under {subject}")
    output.text(records[0].proof.decode())


@app.command()
def checkpoints(limit: Limit = 20, as_json: AsJson = False) -> None:
    """List the newest checkpoints: time stamp, number of witnesses. Exit 3 if a department refused one."""
    from hub.signing import checkpoints as checkpoint_store

    with environment.database() as conn:
        rows: list[dict[str, Any]] = checkpoint_store.recent(conn, limit)
    output.listing([{**row, "root": row["root"].hex()} for row in rows], _CHECKPOINTS, as_json=as_json)
    if any(row["refusals"] for row in rows):
        leave(ExitCode.FINDING, vi("an agency has refused a checkpoint: hub custody audit"))


def _held(path: Path) -> "list[LogCheckpoint]":
    """Read checkpoints from a file: checkpoint.json of a bundle, one sent to a department, or its list of them."""
    import base64

    from hub.signing import canonical
    from schemas.custody import LogCheckpoint

    try:
        text = path.read_text(encoding="utf-8")
        try:
            return [canonical.read(LogCheckpoint, text.encode())]
        except canonical.NotCanonical:
            lines = [json.loads(line) for line in text.splitlines() if line.strip()]
            return [canonical.read(LogCheckpoint, base64.b64decode(line["checkpoint"])) for line in lines]
    except (ValueError, KeyError, TypeError) as error:
        leave(ExitCode.USAGE, vi("hub: {path} is not a checkpoint: {error}", path=path, error=error))
