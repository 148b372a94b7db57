"""Work for persons about money: cases, what they mean, and how they are settled (docs/reference/exceptions.md)."""

from hub.fees.cases.covering import covered
from hub.fees.cases.model import Case
from hub.fees.cases.opening import Opening, open_all, open_case

__all__ = ["Case", "Opening", "covered", "open_all", "open_case"]
