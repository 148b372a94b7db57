"""What banks, gateways and payers make of a payment reference: a grammar of remittance texts, with what is in them.

The structure is that of public samples (docs/decisions/0018); people, accounts and companies are invented. The same
seed gives the same texts.
"""

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from schemas.payment_reference import PaymentReference

NAMES: Final = (
    "NGUYEN VAN THU NGHIEM",
    "TRAN THI VI DU",
    "LE MAU",
    "Phạm Thị Kiểm Thử",
    "Đỗ Đình Mẫu",
    "CTY TNHH VI DU",
)
WORDS: Final = (
    "NOP PHI",
    "nộp lệ phí hồ sơ",
    "thanh toan",
    "TT PHI HANH CHINH",
    "Nộp tiền",
    "chuyen tien phi",
    "PHI",
    "",
)
BANKS: Final = ("VCB", "BIDV", "CTG", "AGRIBANK", "MB")
LOOKALIKES: Final = {"0": "Oo", "1": "Il", "5": "Ss", "8": "B"}
EDITS: Final = 2
"""wrong characters that a reference is said to survive"""


@dataclass(frozen=True, slots=True)
class NoisyText:
    """A text and what it was made of. ``errors``: characters that are wrong, added, missing or look like others."""

    text: str
    reference: str | None
    """the one that its payer meant, if any"""
    errors: int
    survives: bool
    """with at most two errors, or without its letters"""


class Grammar:
    """Texts of one seed."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)  # noqa: S311 - the same texts every time

    def texts(self, references: Sequence[str | None]) -> Iterator[NoisyText]:
        """One text for each; None: nothing of ours is in it."""
        for reference in references:
            yield self._text(reference)

    def _text(self, reference: str | None) -> NoisyText:
        written, errors, survives = self._damaged(reference) if reference else ("", 0, False)
        inner = self._inner(written)
        text = self._wrapped(inner)
        if self.chance.random() < 0.03:
            cut = text[: self.chance.randint(len(text) // 2, len(text))]
            survives = survives and written in cut
            text = cut
        if self.chance.random() < 0.15:
            width = self.chance.choice((35, 65))
            text = "\n".join(text[at : at + width] for at in range(0, len(text), width))
        if self.chance.random() < 0.3:
            text = text.upper()
        return NoisyText(text, reference, errors, survives)

    # What happens to the reference.

    def _damaged(self, reference: str) -> tuple[str, int, bool]:
        kinds: tuple[tuple[int, Callable[[str], tuple[str, int]]], ...] = (
            (40, lambda text: (text, 0)),
            (10, self._lookalikes),
            (12, self._torn),
            (8, lambda text: (text[self.chance.choice((1, 2)) :], 0)),
            (5, lambda text: self._lookalikes(text[2:])),
            (5, lambda text: self._torn(text[2:])),
            (8, self._substituted),
            (4, self._swapped),
            (4, self._shortened),
            (4, self._lengthened),
        )
        [kind] = self.chance.choices([damage for _, damage in kinds], [weight for weight, _ in kinds])
        written, errors = kind(reference)
        return (written.lower() if self.chance.random() < 0.1 else written), errors, errors <= EDITS

    def _lookalikes(self, reference: str) -> tuple[str, int]:
        signs = list(reference)
        places = [at for at, sign in enumerate(reference) if sign in LOOKALIKES and at >= 2]
        positions = self.chance.sample(places, min(len(places), self.chance.randint(1, 3)))
        for at in positions:
            signs[at] = self.chance.choice(LOOKALIKES[reference[at]])
        return "".join(signs), len(positions)

    def _torn(self, reference: str) -> tuple[str, int]:
        for _ in range(self.chance.randint(1, 3)):
            at = self.chance.randint(1, len(reference) - 1)
            reference = reference[:at] + self.chance.choice((" ", "-", ".", "_", "\n", " - ")) + reference[at:]
        return reference, 0

    def _substituted(self, reference: str) -> tuple[str, int]:
        positions = self.chance.sample(range(2, len(reference)), self.chance.randint(1, EDITS))
        signs = list(reference)
        for at in positions:
            signs[at] = self.chance.choice([digit for digit in "0123456789" if digit != reference[at]])
        return "".join(signs), len(positions)

    def _swapped(self, reference: str) -> tuple[str, int]:
        at = self.chance.randint(2, len(reference) - 2)
        return reference[:at] + reference[at + 1] + reference[at] + reference[at + 2 :], 2

    def _shortened(self, reference: str) -> tuple[str, int]:
        number = self.chance.randint(1, EDITS)
        for _ in range(number):
            at = self.chance.randint(2, len(reference) - 1)
            reference = reference[:at] + reference[at + 1 :]
        return reference, number

    def _lengthened(self, reference: str) -> tuple[str, int]:
        number = self.chance.randint(1, EDITS)
        for _ in range(number):
            at = self.chance.randint(2, len(reference))
            reference = reference[:at] + self._digits(1) + reference[at:]
        return reference, number

    # What stands around it.

    def _inner(self, written: str) -> str:
        parts = [self.chance.choice(WORDS), written]
        for filler in (self._phone, self._date, self._foreign, self._name, self._dossier):
            if self.chance.random() < 0.2:
                parts.insert(self.chance.randint(0, len(parts)), filler())
        glue = self.chance.choices((" ", ".", "-", " - ", ""), (70, 10, 8, 8, 4))[0]
        return glue.join(part for part in parts if part)

    def _wrapped(self, inner: str) -> str:
        wrappers: tuple[tuple[int, Callable[[str], str]], ...] = (
            (30, lambda text: text),
            (30, lambda text: f"MBVCB.{self._digits(10)}.{self._digits(6)}.{text}.{self._between()}"),
            (6, lambda text: f"IBVCB.MBVCB.{self._digits(10)}.{text}.{text}"),
            (6, lambda text: f"IBVCB.{self._digits(12)}.{text}"),
            (5, lambda text: f"{text} GD:ZALOPAY {self._digits(12)}"),
            (5, lambda text: f"Ecom.{self._digits(8)}.MOMO.0{self._digits(9)}.CashIn.{text}"),
            (5, lambda text: f"9P00{self._digits(10)} {text}"),
            (5, lambda text: f"VQR{self._digits(12)} {text}"),
            (8, lambda text: f"{text} FT{self._digits(14)}"),
        )
        [wrap] = self.chance.choices([one for _, one in wrappers], [weight for weight, _ in wrappers])
        return wrap(inner)

    def _between(self) -> str:
        bank = self.chance.choice(BANKS)
        return f"CT tu {self._account()} {self._name()} toi {self._account()} TRUNG TAM PVHCC tai {bank}"

    def _digits(self, number: int) -> str:
        return "".join(self.chance.choices("0123456789", k=number))

    def _account(self) -> str:
        return self._digits(self.chance.randint(6, 19))

    def _phone(self) -> str:
        return f"0{self._digits(9)}"

    def _date(self) -> str:
        day, month = self.chance.randint(1, 28), self.chance.randint(1, 12)
        return self.chance.choice((f"{day:02}/{month:02}/2026", f"2026{month:02}{day:02}", f"{day:02}{month:02}26"))

    def _name(self) -> str:
        return self.chance.choice(NAMES)

    def _dossier(self) -> str:
        day = f"26{self.chance.randint(1, 12):02}{self.chance.randint(1, 28):02}"
        return f"HS 000.00.{self._digits(2)}.H42-{day}-{self._digits(4)}"

    def _foreign(self) -> str:
        """Another party's code: of another centre, with its own check digits, or whatever looks like one."""
        if self.chance.random() < 0.3:
            return str(PaymentReference.issued(self.chance.choice(("TB", "ND", "HN")), int(self._digits(10))))
        return self.chance.choice(("DH", "HD", "KH", "FT")) + self._digits(self.chance.randint(6, 12))
