"""Words that explain themselves: a stable code with its meaning for people, in English.

The hub's message catalogue (hub.locale) has the Vietnamese for each.
"""

from enum import StrEnum
from typing import Self


class Explained(StrEnum):
    """Base of tables of codes. A member is written as (word, en) and is the word."""

    en: str

    def __new__(cls, word: str, en: str) -> Self:
        member = str.__new__(cls, word)
        member._value_ = word
        member.en = en
        return member
