"""Verification of a month package: VALID, INVALID or CANNOT TELL, from the file and the reader's trust list.

No database, no network, no settings: whoever has the file can run it (hub fee verify --offline).
"""

from collections import Counter
from collections.abc import Callable
from datetime import datetime
from zipfile import BadZipFile

from hub.clock import now
from hub.fees.settlements import sheet
from hub.fees.settlements.package import SEAL, STAMP, Package
from hub.fees.settlements.store import LEAF
from hub.fees.settlements.table import SUMS as COLUMNS
from hub.locale import vi
from hub.signing import canonical, stamps, verdicts, verifier
from hub.signing.bundle import FOR_OUTSIDERS, OUTSIDERS, SUMS
from hub.signing.judge import JudgedRecord, RecordJudge, holder_name, local_time, trust_with_bundle
from hub.signing.parties import ANY, SigningParty
from hub.signing.trust import Path, Trust
from hub.signing.verdicts import Invalid, Undecided, Verdict, VerdictCode, Weight
from schemas import strict
from schemas.figures import grouped
from schemas.settlement import SettlementTable, TableAnswer


def judge(package: Package, trust: Trust) -> tuple[Verdict, datetime | None]:
    """The verdict on ``package`` under ``trust``; and since when the package exists, if a time stamp shows that.

    1. Every file has the digest that SHA256SUMS names; the certificates chain to the trust list.
    2. The Centre's seal, and the time stamp over it, cover SHA256SUMS.
    3. The table's seal and its proof of being in the custody log hold.
    4. The table's sums, workbook, receipts and answer agree with it.
    5. The ledger's checkpoint is signed by the log and is the one that the table names.
    """
    verdict = Verdict()
    # 1.
    for name in package.changed:
        verdict.add(Weight.WRONG, VerdictCode.FILE_CHANGED, name)
    known = trust_with_bundle(package.evidence, trust, verdict)
    for name in OUTSIDERS:
        if package.files[name] != (FOR_OUTSIDERS / name).read_bytes():
            verdict.add(Weight.NOTE, VerdictCode.SCRIPT_UNKNOWN, name)
    # 2.
    at = _check_sealed(package, known, verdict)
    # 3.
    judged = RecordJudge(f"01-{LEAF}", package.evidence.records[0], known, verdict).judge()
    if isinstance(judged.record, SettlementTable):
        # 4.
        for check in (_check_sums, _check_sheet, _check_receipts, _check_answer):
            _tried(check, package, judged.record, verdict)
        # 5.
        _check_book(package, judged, known, verdict)
    return verdict, at


def _check_sealed(package: Package, trust: Trust, verdict: Verdict) -> datetime | None:
    """Check the Centre's seal over all files. Returns since when the package exists; None where nothing proves it."""
    at, party = None, SEAL
    try:
        if STAMP in package.files:
            party = STAMP
            stamp = stamps.verify(package.files[STAMP], package.files[SEAL], trust)
            _check_party(SigningParty("tsa", ANY), stamp.chain, stamp.at, trust)
            at, party = stamp.at, SEAL
        signed = verifier.verify(package.files[SUMS], package.files[SEAL], trust, at=at)
        if trust.register is not None:
            _check_party(SigningParty("seal", trust.register.centre), signed.chain, at or now(), trust)
    except (Invalid, Undecided) as end:
        weight = Weight.WRONG if isinstance(end, Invalid) else Weight.MISSING
        verdict.add(weight, VerdictCode.PACKAGE_SEAL, party, verdicts.explain_vi(end))
        return None
    detail = holder_name(signed.certificate) + (f", {local_time(at)}" if at else "")
    verdict.add(Weight.GOOD, VerdictCode.PACKAGE_SEAL, SEAL, detail)
    for name in ("answer.json", "transfer.json"):
        if name in package.files:
            verdict.add(Weight.NOTE, VerdictCode.UNPROVED, name)
    return at


def _check_party(party: SigningParty, chain: Path, at: datetime, trust: Trust) -> None:
    """Raises Invalid or Undecided. Without a register nothing is checked here: the verdict notes that already."""
    if trust.register is not None:
        trust.register.check(party, chain, at)


_Check = Callable[[Package, SettlementTable, Verdict], None]


def _tried(check: _Check, package: Package, table: SettlementTable, verdict: Verdict) -> None:
    """Run ``check``; a file that cannot be read is wrong."""
    try:
        check(package, table, verdict)
    except (canonical.NotCanonical, strict.Refused, KeyError, TypeError, ValueError, BadZipFile) as error:
        verdict.add(Weight.WRONG, VerdictCode.RECORD, check.__name__.removeprefix("_check_"), type(error).__name__)


def _check_sums(_: Package, table: SettlementTable, verdict: Verdict) -> None:
    by_fee: Counter[tuple[str, str]] = Counter()
    for line in table.lines:
        by_fee[line.fee_code, COLUMNS[line.kind]] += line.amount
    wrong = [
        f"{fee.fee_code} {column}"
        for fee in table.fees
        for column in COLUMNS.values()
        if getattr(fee, column) != by_fee.pop((fee.fee_code, column), 0)
    ]
    wrong += [" ".join(left) for left, amount in by_fee.items() if amount]
    wrong += [
        fee.fee_code
        for fee in table.fees
        if fee.net != fee.carried + fee.receipts + fee.refunds + fee.adjustments - fee.retained
    ]
    totals = {"carried": table.opening, **{name: getattr(table, name) for name in ("receipts", "refunds")}}
    totals |= {name: getattr(table, name) for name in ("adjustments", "retained", "net")}
    wrong += [name for name, total in totals.items() if total != sum(getattr(fee, name) for fee in table.fees)]
    wrong += [f"line {at}" for at, line in enumerate(table.lines, start=1) if line.number != at]
    weight = Weight.WRONG if wrong else Weight.GOOD
    verdict.add(
        weight,
        VerdictCode.TABLE_SUMS,
        "record.json",
        ", ".join(wrong[:5]) or vi("{lines} lines", lines=len(table.lines)),
    )


def _check_sheet(package: Package, table: SettlementTable, verdict: Verdict) -> None:
    """Written again the workbook has the same bytes; if not, its cells are compared."""
    sha256 = package.evidence.records[0].record_hash.hex()
    centre = str(canonical.decode(package.files["package.json"])["centre"])
    expected, supplied = sheet.written(table, sha256, centre), package.files["table.xlsx"]
    if expected == supplied:
        verdict.add(Weight.GOOD, VerdictCode.TABLE_SHEET, "table.xlsx")
        return
    same = sheet.cells(expected) == sheet.cells(supplied)
    detail = "the same numbers, written by another version" if same else "it says something else"
    verdict.add(Weight.MISSING if same else Weight.WRONG, VerdictCode.TABLE_SHEET, "table.xlsx", detail)


def _check_receipts(package: Package, table: SettlementTable, verdict: Verdict) -> None:
    receipts: dict[tuple[str, str], list[tuple[int, int]]] = {}
    for row in canonical.decode(package.files["receipts.json"]):
        receipts.setdefault((row["fee_code"], row["series"]), []).append((row["number"], row["amount"]))
    expected = {
        (fee.fee_code, one.series): (one.first, one.last, one.count, one.amount)
        for fee in table.fees
        for one in fee.issued
    }
    listed = {
        key: (min(rows)[0], max(rows)[0], len(rows), sum(amount for _, amount in rows))
        for key, rows in receipts.items()
    }
    differs = sorted(" ".join(key) for key in expected.keys() | listed.keys() if expected.get(key) != listed.get(key))
    weight = Weight.WRONG if differs else Weight.GOOD
    verdict.add(
        weight,
        VerdictCode.TABLE_RECEIPTS,
        "receipts.json",
        ", ".join(differs[:5]) or vi("{listed} number ranges", listed=len(listed)),
    )


def _check_answer(package: Package, table: SettlementTable, verdict: Verdict) -> None:
    body = package.files.get("answer.json")
    if body is None:
        verdict.add(Weight.NOTE, VerdictCode.TABLE_ANSWER, "answer.json", vi("the agency has not answered yet"))
        return
    answer = strict.read(TableAnswer, body)
    amounts = {line.number: line.amount for line in table.lines}
    fits = (
        answer.sha256 == package.evidence.records[0].record_hash.hex() and answer.settlement_id == table.settlement_id
    )
    fits = fits and all(line.number in amounts for line in answer.lines)
    verdict.add(Weight.GOOD if fits else Weight.WRONG, VerdictCode.TABLE_ANSWER, "answer.json", answer.verdict)
    if not fits:
        return
    due = table.net - sum(amounts[line.number] for line in answer.lines)
    paid = package.files.get("transfer.json")
    if paid is None:
        verdict.add(Weight.NOTE, VerdictCode.TABLE_TRANSFER, "transfer.json", vi("not transferred yet"))
        return
    amount = canonical.decode(paid)["amount"]
    weight = Weight.GOOD if amount == due else Weight.WRONG
    figures = " ≠ ".join(grouped(figure) for figure in dict.fromkeys((amount, due)))
    verdict.add(weight, VerdictCode.TABLE_TRANSFER, "transfer.json", figures)


def _check_book(package: Package, judged: JudgedRecord, trust: Trust, verdict: Verdict) -> None:
    """The ledger's checkpoint is signed by the log, and is the one that the table names.

    The table names its root, so the checkpoint existed before the table was stamped.
    """
    body, table = package.files["book.json"], judged.record
    assert isinstance(table, SettlementTable)  # noqa: S101 - judge has checked it
    try:
        signed = verifier.verify(body, package.files["book.p7s"], trust, at=judged.at)
        checkpoint = canonical.decode(body)
        log = judged.checkpoint.log if judged.checkpoint else ""
        _check_party(SigningParty("log", log), signed.chain, judged.at or now(), trust)
    except (Invalid, Undecided) as end:
        weight = Weight.WRONG if isinstance(end, Invalid) else Weight.MISSING
        verdict.add(weight, VerdictCode.TABLE_BOOK, "book.p7s", verdicts.explain_vi(end))
        return
    except canonical.NotCanonical as error:
        verdict.add(Weight.WRONG, VerdictCode.TABLE_BOOK, "book.json", str(error))
        return
    named = isinstance(checkpoint, dict) and (checkpoint.get("root"), checkpoint.get("last")) == (
        table.book,
        table.last_entry,
    )
    weight = Weight.GOOD if named else Weight.WRONG
    verdict.add(weight, VerdictCode.TABLE_BOOK, "book.json", holder_name(signed.certificate))
