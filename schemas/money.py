"""Money: an integer of đồng. The đồng has no minor unit, and no float can enter."""

from typing import Annotated, Final

from pydantic import Field

MOST: Final = 10**15
"""đồng; far above any fee, far below where JSON readers start to round (2^53)."""

Dong = Annotated[int, Field(strict=True, ge=0, le=MOST, description="Số tiền, đồng (VND), số nguyên")]
