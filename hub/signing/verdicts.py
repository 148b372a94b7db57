"""How looking at a signature, a certificate or a time stamp can end, other than well: a code and a sentence why."""

from hub.errors import HubError


class _Verdict(HubError):
    def __init__(self, code: str, sentence: str) -> None:
        self.code = code
        self.sentence = sentence
        super().__init__(sentence)


class Invalid(_Verdict):
    """It is wrong, and no further evidence can make it right."""


class Undecided(_Verdict):
    """It cannot be told: something is missing that could decide it either way."""
