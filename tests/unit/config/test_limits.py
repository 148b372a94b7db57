"""limits.toml and [rate_limit]: what is shipped is the default, and a rate has a whole window."""

import pytest
from pydantic import ValidationError

from config.catalogue import read
from config.limits import ApiLimits, RateLimit
from config.settings import PACKAGED


def test_what_is_shipped_is_the_default() -> None:
    assert read(PACKAGED / "limits.toml", ApiLimits) == ApiLimits()


def test_the_window_is_what_a_burst_takes_on_average() -> None:
    assert RateLimit(requests_per_second=200, burst=1_000).window == 5


def test_a_window_of_parts_of_a_second_is_refused() -> None:
    with pytest.raises(ValidationError, match="burst is no multiple of requests_per_second"):
        RateLimit(requests_per_second=10, burst=25)
