"""What the Centre keeps of a department's fees: in basis points, in whole đồng, and nothing lost by rounding. Pure."""

import math
from collections.abc import Mapping
from fractions import Fraction
from typing import Final

WHOLE: Final = 10_000
"""basis points"""


def retained(kept: Mapping[str, int]) -> dict[str, int]:
    """Fee → đồng that the Centre keeps of it; below zero where it gives back. ``kept``: fee → Σ amount × basis points.

    The department's whole is cut off to đồng towards zero (never more than the share, and a month that takes an earlier
    one back gives back what that one kept), and spread by the largest remainder: each fee is within one đồng of its
    own share, and they add up to the whole. Of equal remainders the first by code goes first.
    """
    shares = {code: Fraction(amount, WHOLE) for code, amount in kept.items()}
    parts = {code: math.floor(share) for code, share in shares.items()}
    missing = math.trunc(sum(shares.values(), Fraction())) - sum(parts.values())
    by_remainder = sorted(shares, key=lambda code: (parts[code] - shares[code], code))
    for code in by_remainder[:missing]:
        parts[code] += 1
    return parts
