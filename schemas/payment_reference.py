"""Payment references: what a payer writes into a transfer, and what a payment is recognised by.

Two letters say whose they are, ten digits the serial, two digits check both (ISO 7064 MOD 97-10, letters read as 10 to
35). Fourteen characters fit into every field for a purpose (19 at the narrowest), and hold digits only behind the
letters, so that what banks do to a text leaves them readable. Every single wrong character and every swap of two
neighbours is found; of anything else 99 in 100.
"""

import re
from dataclasses import dataclass
from string import ascii_uppercase
from typing import Final

_SHAPE: Final = re.compile(r"[A-Z]{2}[0-9]{12}")
_PREFIX: Final = re.compile(r"[A-Z]{2}")
_MODULUS: Final = 97
_VALUES: Final = {ord(letter): str(value) for value, letter in enumerate(ascii_uppercase, start=10)}
SERIAL_DIGITS: Final = 10
LENGTH: Final = 14
LAST_SERIAL: Final = 10**SERIAL_DIGITS - 1
NEIGHBOURS: Final = 7_260_000
"""Of so many serials that are given one after the other, any two differ in three digits at least."""
_STRIDE: Final = 6_180_345_731
READS: Final = "a payment reference reads HC000000000149: two letters, ten digits, two check digits"


def check_digits(prefix: str, serial: str) -> str:
    """The two digits that make the whole leave 1 when divided by 97: between 02 and 98."""
    return f"{_MODULUS + 1 - _number(f'{prefix}{serial}00') % _MODULUS:02}"


def scattered(number: int) -> int:
    """The serial of the ``number``-th reference: all ten digits are used, and each once before any comes again.

    Check digits find two wrong characters in 96 of 97 cases. In the one that is left, a live neighbour must not be hit:
    serials in a row would differ in one digit or two, these differ in three at least (NEIGHBOURS).
    """
    return number * _STRIDE % (LAST_SERIAL + 1)


@dataclass(frozen=True, slots=True)
class PaymentReference:
    """A reference whose check digits are right."""

    prefix: str
    serial: int

    @classmethod
    def issued(cls, prefix: str, serial: int) -> "PaymentReference":
        """The reference of this serial. Raises ValueError for what no reference can hold."""
        if not _PREFIX.fullmatch(prefix):
            raise ValueError("a payment reference begins with two capital letters")
        if not 0 <= serial <= LAST_SERIAL:
            raise ValueError(f"a serial lies between 0 and {LAST_SERIAL}")
        return cls(prefix, serial)

    @classmethod
    def parse(cls, text: str) -> "PaymentReference":
        """Strict: exactly as it was issued. Raises ValueError; it never repairs."""
        if not _SHAPE.fullmatch(text):
            raise ValueError(READS)
        prefix, serial, check = text[:2], text[2:-2], text[-2:]
        if check != check_digits(prefix, serial):
            raise ValueError("the check digits of the payment reference are wrong")
        return cls(prefix, int(serial))

    def __str__(self) -> str:
        digits = f"{self.serial:0{SERIAL_DIGITS}d}"
        return f"{self.prefix}{digits}{check_digits(self.prefix, digits)}"


def is_reference(text: str) -> bool:
    """Whether ``text`` is a payment reference, letter by letter."""
    try:
        PaymentReference.parse(text)
    except ValueError:
        return False
    return True


def _number(text: str) -> int:
    return int(text.translate(_VALUES))
