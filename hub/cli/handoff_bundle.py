"""hub handoff export, verify: a bundle that holds its own evidence, and the answer to whether it is what it says."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, NoReturn, Protocol

from typer import Argument, Option

from hub.cli import environment, files, output
from hub.cli.exits import ExitCode, leave
from hub.cli.files import read_sent
from hub.cli.ids import whole_id
from hub.cli.output import AsJson

if TYPE_CHECKING:
    from hub.papers.findings import JudgedPaper
    from hub.signing.findings import Verdict, VerdictAnswer
    from hub.signing.trust import Trust


class VerificationText(Protocol):
    """What a judge has found, whichever it is."""

    @property
    def answer(self) -> "VerdictAnswer": ...
    @property
    def findings(self) -> "Sequence[Any]": ...


TrustFile = Annotated[
    Path | None,
    Option(exists=True, dir_okay=False, help="trust.json: who signs for whom. A PEM of roots alone decides nothing."),
]
_MARKS: Final = {"good": "✔", "note": "·", "missing": "?", "wrong": "✗"}
_ANSWERS: Final = {
    "VALID": "HỢP LỆ",
    "INVALID": "KHÔNG HỢP LỆ",
    "CANNOT TELL": "CHƯA KẾT LUẬN ĐƯỢC",
}
_EXITS: Final = {"VALID": ExitCode.OK, "INVALID": ExitCode.FINDING, "CANNOT TELL": ExitCode.NOT_FOUND}


def export(
    handoff_id: Annotated[str, Argument(metavar="HANDOFF", parser=whole_id, help="hd_…")],
    to: Annotated[Path | None, Option("--output", "-o", help="The zip to write; default: HANDOFF.zip here.")] = None,
) -> None:
    """Write a handoff as a bundle that anybody can verify, with this command or with openssl alone."""
    from hub.signing import crl_store, exporting

    with environment.hub() as hub, hub.db.transaction() as conn:
        beside = crl_store.beside(hub.settings.keys) if hub.settings.keys else []
        written = exporting.export(conn, handoff_id, beside).write()
    path = to or Path(f"{handoff_id}.zip")
    files.write(path, written)
    output.say(f"{path}: {len(written)} byte")


def verify(
    bundle: Annotated[
        Path, Argument(metavar="FILE", exists=True, help="A bundle, the folder it was unpacked to, or a printed form.")
    ],
    trust: TrustFile = None,
    offline: Annotated[bool, Option("--offline", help="Without a database: --trust has to be given.")] = False,
    as_json: AsJson = False,
) -> None:
    """VALID (exit 0), INVALID (3) or CANNOT TELL (4: evidence is missing), with the reasons; 2: not a bundle."""
    from hub.signing.archive import NotABundle

    try:
        verdict = _judged(bundle, trust_of(trust, offline=offline))
    except NotABundle as error:
        leave(ExitCode.USAGE, f"hub: {bundle} không phải gói bàn giao: {error}")
    tell(verdict, as_json=as_json)


def _judged(path: Path, trust: "Trust") -> "Verdict | JudgedPaper":
    """By the judge of printed forms if it is a PDF, else by the judge of bundles. Raises NotABundle."""
    if path.is_file() and (data := read_sent(path)).startswith(b"%PDF-"):
        from hub.clock import now
        from hub.papers.verify import verify_pdf

        return verify_pdf(data, trust, now())
    from hub.signing import archive, bundle
    from hub.signing.judge import judge

    return judge(bundle.assemble(archive.opened(path)), trust)


def trust_of(path: Path | None, *, offline: bool) -> "Trust":
    """The reader's trust list; without a file this hub's own, with the revocation lists that it has fetched."""
    from hub.signing import trust_list
    from hub.signing.trust import Trust

    if path is None and offline:
        leave(ExitCode.USAGE, "hub: --offline cần --trust: danh sách tin cậy (trust.json) mà người kiểm tra giữ")
    if path is None:
        return _own_trust()
    try:
        return Trust.load(read_sent(path)) if path.suffix == ".pem" else trust_list.load(path)
    except ValueError as error:
        leave(ExitCode.USAGE, f"hub: {path}: {error}")


def _own_trust() -> "Trust":
    import hashlib

    from hub.clock import now
    from hub.signing import trust_entries, trust_list
    from hub.signing.parties import Register

    with environment.hub() as hub:
        trust = hub.signer.trust()
        listed = trust_entries.drawn(hub.catalogue, hub.keyring, trust, now())
    own = trust_list.trust_of(Register(listed, hashlib.sha256(trust_list.encoded(listed)).hexdigest()))
    return own.knowing(crls=trust.crls)


def tell(verdict: "VerificationText", *, as_json: bool) -> NoReturn:
    """Say what was found, and leave with the answer's exit code."""
    _show(verdict, as_json=as_json)
    leave(_EXITS[verdict.answer])


def _show(verdict: "VerificationText", *, as_json: bool) -> None:
    if as_json:
        findings = [
            {
                "weight": finding.weight,
                "code": finding.code,
                "where": finding.where,
                "detail": finding.detail,
                "meaning": {"en": finding.code.en, "vi": finding.code.vi},
            }
            for finding in verdict.findings
        ]
        output.document({"answer": verdict.answer, "findings": findings})
        return
    for finding in verdict.findings:
        detail = "".join(char if char.isprintable() else " " for char in finding.detail)
        sys.stdout.write(f"{_MARKS[finding.weight]} {finding.code:<20} {finding.where}: {finding.code.vi}")
        sys.stdout.write(f" ({detail})\n" if detail else "\n")
    sys.stdout.write(f"{verdict.answer}: {_ANSWERS[verdict.answer]}\n")
