"""The magic dossiers: the last four digits of a dossier's code decide what the sandbox does to it.

One table for everybody: the sandbox acts on it, the journeys expect what it says, and docs/reference/sandbox.md is
printed from it (``python -m connectors.sandbox.reference``).
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from config.catalogue import DepartmentStatus
from schemas.identifiers import DossierCode

_SUFFIX_DIGITS: Final = 4
MAGIC_PROCEDURES: Final = "9.00"
"""A procedure code that starts so ends in a behaviour too: every dossier of 9.009002 is refused."""


class DepartmentAnswer(StrEnum):
    """What the counterparty does when the dossier is handed over for the first time."""

    RECEIPT = "answers with a receipt"
    REFUSAL = "refuses, with its reason; has no effect"
    SILENCE = "takes the dossier and never answers"
    FAULT = "answers HTTP 500 or a SOAP fault, without effect, twice; then takes the dossier"
    BUSY = "answers 503 with Retry-After: 2, without effect, once; then takes the dossier"
    DUPLICATE = "answers that it has the dossier already, and has it"
    GARBLED = "takes the dossier and answers with something that cannot be read"
    SLOW = "takes the dossier and answers after 25 seconds (HUB_SANDBOX_SLOW_SECONDS)"
    STATUS_FIRST = "reports the first status before it answers with its receipt"


class Countersigned(StrEnum):
    """The counter-record in the first receipt of a department that signs; asked later, it gives the right one."""

    RIGHT = "with the counter-record that it signs"
    UNSIGNED = "without the counter-record"
    FORGED = "with a signature over other bytes"
    ANOTHER = "with a counter-record of another handoff, as who replays an old one"
    REVOKED = "signed with a revoked certificate"
    UNKNOWN = "signed with a certificate of an unknown authority"


class ReportingBehaviour(StrEnum):
    """How it reports the dossier's statuses afterwards."""

    IN_ORDER = "each status once, in order"
    NOTHING = "nothing"
    UNKNOWN_CODE = "two statuses, then a code that stands in no table, then nothing more"
    OUT_OF_ORDER = "the next-to-last status before the one that led to it"
    REPEATED = "one status three times: the same report twice, then under a new report id"
    LATE = "one status only after a newer one"


@dataclass(frozen=True, slots=True)
class DossierBehaviour:
    """What happens to a dossier at a sandbox department, and where it ends at the hub."""

    suffix: str
    name: str
    answer: DepartmentAnswer
    telling: ReportingBehaviour
    transfer: str
    """the state in which the transfer ends"""
    dossier: str
    """the status in which the dossier ends"""
    english: str
    vietnamese: str
    countersigned: Countersigned = Countersigned.RIGHT
    """what is wrong with its counter-record; at a department that does not sign, nothing is"""
    times: int = 0
    """how often it answers so before it gives in; 0: it does not count"""


def _counter(suffix: str, name: str, countersigned: Countersigned, english: str, vietnamese: str) -> DossierBehaviour:
    """The department takes the dossier; with what it signs the handoff is not complete."""
    return DossierBehaviour(
        suffix,
        name,
        DepartmentAnswer.RECEIPT,
        ReportingBehaviour.IN_ORDER,
        "stuck",
        "returned",
        f"{english} A person looks: `hub transfer check` asks for the right one.",
        f"{vietnamese} Cần người xem: `hub transfer check` hỏi lại bản đúng.",
        countersigned,
    )


BEHAVIOURS: Final = (
    DossierBehaviour(
        "9001",
        "accepted-at-once",
        DepartmentAnswer.RECEIPT,
        ReportingBehaviour.IN_ORDER,
        "delivered",
        "returned",
        "Accepted at once; the statuses follow in order.",
        "Tiếp nhận ngay; các trạng thái được báo theo đúng thứ tự.",
    ),
    DossierBehaviour(
        "9002",
        "refused",
        DepartmentAnswer.REFUSAL,
        ReportingBehaviour.NOTHING,
        "refused",
        "not_accepted",
        "The department refuses for a reason of its own. Not a failure: it ends the transfer and the portal is told.",
        "Sở từ chối tiếp nhận có nêu lý do. Đây không phải lỗi: việc chuyển kết thúc và Cổng được thông báo.",
    ),
    DossierBehaviour(
        "9003",
        "time-out-then-found",
        DepartmentAnswer.SILENCE,
        ReportingBehaviour.IN_ORDER,
        "delivered",
        "returned",
        "The department takes the dossier and never answers. The outcome is unknown until the hub has asked.",
        "Sở đã nhận hồ sơ nhưng không trả lời. Kết quả chưa rõ cho đến khi trục liên thông hỏi lại.",
    ),
    DossierBehaviour(
        "9004",
        "fault-twice",
        DepartmentAnswer.FAULT,
        ReportingBehaviour.IN_ORDER,
        "delivered",
        "returned",
        "Two faults without effect (SOAP Fault, HTTP 500), then accepted.",
        "Hai lần báo lỗi không có tác dụng (SOAP Fault, HTTP 500), sau đó tiếp nhận.",
        times=2,
    ),
    DossierBehaviour(
        "9005",
        "busy-once",
        DepartmentAnswer.BUSY,
        ReportingBehaviour.IN_ORDER,
        "delivered",
        "returned",
        "503 with Retry-After: 2 once; accepted when the hub comes back, not earlier than it was asked to.",
        "Một lần 503 kèm Retry-After: 2; tiếp nhận khi trục gửi lại, không sớm hơn thời gian được yêu cầu.",
        times=1,
    ),
    DossierBehaviour(
        "9006",
        "duplicate",
        DepartmentAnswer.DUPLICATE,
        ReportingBehaviour.IN_ORDER,
        "delivered",
        "returned",
        "The department says that it has the dossier already: a success.",
        "Sở trả lời đã có hồ sơ này: coi là thành công.",
    ),
    DossierBehaviour(
        "9007",
        "malformed-reply",
        DepartmentAnswer.GARBLED,
        ReportingBehaviour.IN_ORDER,
        "stuck",
        "returned",
        "The department takes the dossier; its answer cannot be read. A person looks: `hub transfer check` finds it.",
        "Sở đã nhận hồ sơ nhưng câu trả lời không đọc được. Cần người xem: `hub transfer check` sẽ tìm thấy.",
    ),
    DossierBehaviour(
        "9008",
        "unknown-status-code",
        DepartmentAnswer.RECEIPT,
        ReportingBehaviour.UNKNOWN_CODE,
        "delivered",
        "in_process",
        "A later report carries a code that stands in no table. Nothing moves; the message waits for a person.",
        "Báo cáo sau mang mã trạng thái không có trong danh mục. Hồ sơ giữ nguyên; bản tin chờ người xử lý.",
    ),
    DossierBehaviour(
        "9009",
        "statuses-out-of-order",
        DepartmentAnswer.RECEIPT,
        ReportingBehaviour.OUT_OF_ORDER,
        "delivered",
        "returned",
        "A newer status arrives before the one that leads to it.",
        "Trạng thái mới đến trước trạng thái dẫn tới nó.",
    ),
    DossierBehaviour(
        "9010",
        "slow",
        DepartmentAnswer.SLOW,
        ReportingBehaviour.IN_ORDER,
        "delivered",
        "returned",
        "Accepted, but the answer takes 25 seconds.",
        "Tiếp nhận, nhưng sau 25 giây mới trả lời.",
    ),
    DossierBehaviour(
        "9011",
        "status-repeated",
        DepartmentAnswer.RECEIPT,
        ReportingBehaviour.REPEATED,
        "delivered",
        "returned",
        "One status comes twice under the same report id and once under a new one: it moves the dossier once.",
        "Một trạng thái được báo hai lần cùng mã báo cáo và thêm một lần với mã mới: hồ sơ chỉ chuyển một lần.",
    ),
    DossierBehaviour(
        "9012",
        "status-late",
        DepartmentAnswer.RECEIPT,
        ReportingBehaviour.LATE,
        "delivered",
        "returned",
        "An older status arrives after a newer one: recorded as late, it moves nothing.",
        "Trạng thái cũ đến sau trạng thái mới: chỉ ghi nhật ký, hồ sơ giữ nguyên.",
    ),
    DossierBehaviour(
        "9013",
        "status-before-receipt",
        DepartmentAnswer.STATUS_FIRST,
        ReportingBehaviour.IN_ORDER,
        "delivered",
        "returned",
        "The first status arrives before the hand-over has been answered.",
        "Trạng thái đầu tiên đến trước khi việc chuyển hồ sơ được trả lời.",
    ),
    _counter(
        "9014",
        "receipt-unsigned",
        Countersigned.UNSIGNED,
        "The receipt of a department that signs comes without its counter-record.",
        "Biên nhận của sở có ký số lại thiếu bản ghi đã ký.",
    ),
    _counter(
        "9015",
        "receipt-forged",
        Countersigned.FORGED,
        "The signature on the counter-record does not fit its bytes.",
        "Chữ ký trên bản ghi nhận không khớp với nội dung.",
    ),
    _counter(
        "9016",
        "receipt-of-another",
        Countersigned.ANOTHER,
        "The counter-record is about another handoff: a replayed receipt.",
        "Bản ghi nhận thuộc lần bàn giao khác: biên nhận bị dùng lại.",
    ),
    _counter(
        "9017",
        "receipt-revoked",
        Countersigned.REVOKED,
        "The counter-record is signed with a certificate that was revoked.",
        "Bản ghi nhận được ký bằng chứng thư đã bị thu hồi.",
    ),
    _counter(
        "9018",
        "receipt-unknown-authority",
        Countersigned.UNKNOWN,
        "The counter-record is signed with a certificate that nobody trusted has issued.",
        "Bản ghi nhận được ký bằng chứng thư của nơi cấp không được tin cậy.",
    ),
)

ORDINARY: Final = DossierBehaviour(
    "",
    "ordinary",
    DepartmentAnswer.RECEIPT,
    ReportingBehaviour.IN_ORDER,
    "delivered",
    "returned",
    "Accepted at once; the statuses follow in order; one dossier in five is asked for a supplement on the way.",
    "Tiếp nhận ngay; các trạng thái theo đúng thứ tự; một phần năm số hồ sơ được yêu cầu bổ sung.",
)

BY_SUFFIX: Final = {behaviour.suffix: behaviour for behaviour in BEHAVIOURS}


def dossier_behaviour_of(dossier_code: str, procedure: str) -> DossierBehaviour:
    """The behaviour of a dossier: by its code's last four digits, else by a magic procedure, else the ordinary one."""
    suffix = DossierCode.received(dossier_code).normalised[-_SUFFIX_DIGITS:]
    if suffix in BY_SUFFIX:
        return BY_SUFFIX[suffix]
    if procedure.startswith(MAGIC_PROCEDURES):
        return BY_SUFFIX.get(procedure.partition(".")[2][:6][-_SUFFIX_DIGITS:], ORDINARY)
    return ORDINARY


UNKNOWN_CODE: Final = "SANDBOX-UNLISTED"
"""A code that no catalogue has."""

SUPPLEMENT_ONE_IN: Final = 5

_SUPPLEMENT: Final = DepartmentStatus.SUPPLEMENT_REQUESTED

_PLAIN: Final = (
    DepartmentStatus.ACCEPTED,
    DepartmentStatus.IN_PROCESS,
    DepartmentStatus.RESOLVED,
    DepartmentStatus.RETURNED,
)
_WITH_SUPPLEMENT: Final = (
    DepartmentStatus.ACCEPTED,
    DepartmentStatus.IN_PROCESS,
    _SUPPLEMENT,
    DepartmentStatus.IN_PROCESS,
    DepartmentStatus.RESOLVED,
    DepartmentStatus.RETURNED,
)


@dataclass(frozen=True, slots=True)
class Word:
    """One report: of which move it speaks, and what makes its id differ from an earlier report of that move."""

    move: int
    again: str = ""


@dataclass(frozen=True, slots=True)
class StatusMove:
    """The dossier comes to stand somewhere new (in the department's code), and this is told on the occasion."""

    status: str
    words: tuple[Word, ...]


def plan(
    dossier_code: str, behaviour: DossierBehaviour, codes: Mapping[DepartmentStatus, str]
) -> tuple[StatusMove, ...]:
    """The moves of a dossier in their true order. ``codes``: our status → the department's code.

    A status for which the department has no code is left out.
    """
    match behaviour.telling:
        case ReportingBehaviour.NOTHING:
            return ()
        case ReportingBehaviour.UNKNOWN_CODE:
            return _in_order([*_codes(_PLAIN[:2], codes), UNKNOWN_CODE])
        case ReportingBehaviour.OUT_OF_ORDER:
            return _held_back(_codes(_PLAIN, codes), 1)
        case ReportingBehaviour.REPEATED:
            return _repeated(_codes(_PLAIN, codes), 1)
        case ReportingBehaviour.LATE:
            detour, late = (_WITH_SUPPLEMENT, 2) if _SUPPLEMENT in codes else (_PLAIN, 0)
            return _late(_codes(detour, codes), late)
        case ReportingBehaviour.IN_ORDER:
            usual = _WITH_SUPPLEMENT if not behaviour.suffix and _needs_supplement(dossier_code) else _PLAIN
            return _in_order(_codes(usual, codes))


def codes_of(table: Mapping[str, DepartmentStatus]) -> dict[DepartmentStatus, str]:
    """The catalogue's [status] table read backwards; of several codes for one status the first."""
    codes: dict[DepartmentStatus, str] = {}
    for code, status in table.items():
        codes.setdefault(status, code)
    return codes


def _codes(statuses: tuple[DepartmentStatus, ...], codes: Mapping[DepartmentStatus, str]) -> list[str]:
    return [codes[status] for status in statuses if status in codes]


def _needs_supplement(dossier_code: str) -> bool:
    return hashlib.sha256(dossier_code.encode()).digest()[0] % SUPPLEMENT_ONE_IN == 0


def _in_order(statuses: list[str]) -> tuple[StatusMove, ...]:
    return tuple(StatusMove(status, (Word(number),)) for number, status in enumerate(statuses))


def _held_back(statuses: list[str], held: int) -> tuple[StatusMove, ...]:
    """The report of move ``held`` leaves only after that of the next move."""
    moves = list(_in_order(statuses))
    moves[held] = StatusMove(statuses[held], ())
    moves[held + 1] = StatusMove(statuses[held + 1], (Word(held + 1), Word(held)))
    return tuple(moves)


def _repeated(statuses: list[str], position: int) -> tuple[StatusMove, ...]:
    moves = list(_in_order(statuses))
    moves[position] = StatusMove(statuses[position], (Word(position), Word(position), Word(position, again="b")))
    return tuple(moves)


def _late(statuses: list[str], late: int) -> tuple[StatusMove, ...]:
    """Move ``late`` is told, under an id of its own, only after the dossier is resolved.

    The detour that it begins leaves no other trace.
    """
    moves = list(_in_order(statuses))
    resolved = len(moves) - 2
    for position in range(late, resolved) if late else ():
        moves[position] = StatusMove(statuses[position], ())
    moves[resolved] = StatusMove(statuses[resolved], (Word(resolved), Word(late, again="late")))
    return tuple(moves)
