"""The demo's verdict where something does not hold: what, how much of it, the likely cause, where to look."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from hub.cli.demo.course import DOWN_AFTER, Course

EXAMPLES: Final = 3
"""of what does not hold; the rest is a number"""


@dataclass(frozen=True, slots=True)
class Trouble:
    """One thing that is wrong. ``command``: what shows it closer, with the stack running."""

    what: str
    cause: str
    command: str
    examples: Sequence[str] = ()

    @property
    def lines(self) -> list[str]:
        """The sentence first, then some examples."""
        more = len(self.examples) - EXAMPLES
        shown = [f"    {example}" for example in self.examples[:EXAMPLES]]
        return [
            f"✗ {self.what}; có lẽ vì {self.cause}; xem: {self.command}",
            *shown,
            *([f"    … và {more} điều nữa như vậy"] if more > 0 else []),
        ]


def unfinished(course: Course, expected: int, still: float, fees_wait_for: str) -> Trouble:
    """Nothing moved any more before everything had ended."""
    left = expected - sum(leg.resolved for leg in course.legs.values())
    waits = [
        *([f"{left}/{expected} hồ sơ chưa xong"] if left else []),
        *([f"{len(course.owed)} lượt chuyển còn chờ"] if course.owed else []),
        *([f"{course.unhandled} tin chưa xử lý"] if course.unhandled else []),
        *([f"{len(course.carried)} bưu gửi chưa đến nơi"] if course.carried else []),
        *([f"phí: chờ {fees_wait_for}"] if fees_wait_for else []),
    ]
    cause, command = _cause(course)
    return Trouble(f"{', '.join(waits)} (không có gì chuyển động trong {still:.0f} giây)", cause, command)


def _cause(course: Course) -> tuple[str, str]:
    """Of what stands still: what persons have to do, then who does not answer, then who does not work."""
    stuck = Counter((one.counterparty, one.error_code) for one in course.owed if one.state == "stuck")
    down = Counter(one.counterparty for one in course.owed if one.failures >= DOWN_AFTER)
    if course.dead:
        return f"{course.dead} tin cần người xử lý", "hub inbox list"
    if stuck:
        (counterparty, code), count = stuck.most_common(1)[0]
        return f"{count} lượt chuyển tới {counterparty} bị kẹt ({code})", "hub transfer list --state stuck"
    if down:
        counterparty = down.most_common(1)[0][0]
        return f"{counterparty} không trả lời", f"hub partner test {counterparty}"
    if course.unhandled or any(one.state == "queued" for one in course.owed):
        return "worker hoặc broker không làm việc", "hub doctor"
    if course.carried:
        return "bưu điện giả lập không báo tin", "hub consignment attention"
    return "sở giả lập không báo kết quả", "hub partner list"


def unproved(findings: Sequence[str], count: int) -> Trouble:
    """All has ended, and the counterparties' own files say something else than the hub."""
    return Trouble(
        f"{count} hồ sơ đã kết thúc, nhưng {len(findings)} điều không khớp với sổ của các đối tác",
        "có tin bị mất hoặc lặp, hoặc ai đó đã chen vào var/ giữa chừng",
        "hub submission show MÃ-HỒ-SƠ",
        findings,
    )


def unsettled(findings: Sequence[str]) -> Trouble:
    """The fees do not add up, or are not settled."""
    return Trouble(
        f"phí: {len(findings)} điều không đúng",
        "một bước của ngày ngân hàng không xong",
        "hub fee exceptions list",
        findings,
    )


def waiting_for_a_person(dead: int) -> Trouble:
    """Messages that nobody can handle by themselves."""
    return Trouble(f"{dead} tin cần người xử lý", "nội dung không hiểu được hoặc thử quá nhiều lần", "hub inbox list")


def without_evidence(why: str) -> Trouble:
    """No handoff was proved."""
    return Trouble(f"không bàn giao nào được chứng minh: {why}", "khóa ký hoặc dấu thời gian", "hub custody verify")
