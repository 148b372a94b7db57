"""Words that explain themselves: a stable code with its meaning for people, in English and Vietnamese."""

from enum import StrEnum
from typing import Self


class Explained(StrEnum):
    """Base of tables of codes. A member is written as (word, en, vi) and is the word."""

    en: str
    vi: str

    def __new__(cls, word: str, en: str, vi: str) -> Self:
        member = str.__new__(cls, word)
        member._value_ = word
        member.en = en
        member.vi = vi
        return member
