"""Work for persons about money: exceptions, what they mean, and how they are settled (docs/reference/exceptions.md)."""

from hub.fees.exceptions.model import FeeException
from hub.fees.exceptions.store import Opening, covered, explained, open_all, open_case

__all__ = ["FeeException", "Opening", "covered", "explained", "open_all", "open_case"]
