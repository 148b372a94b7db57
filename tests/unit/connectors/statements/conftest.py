"""Banks whose files are read, and reading that names what is wrong."""

from collections.abc import Callable

import pytest

from config.banks import Bank
from config.catalogue import Catalogue
from connectors.banks.statements import formats
from schemas.statement import Statement, UnreadableFile

Reading = Callable[[bytes], list[Statement]]


@pytest.fixture
def bank(catalogue: Catalogue) -> Bank:
    """Writes every format."""
    return catalogue.banks["bank-a"]


@pytest.fixture
def other(catalogue: Catalogue) -> Bank:
    """Signed amounts, newest first."""
    return catalogue.banks["bank-b"]


@pytest.fixture
def read(bank: Bank) -> Reading:
    return lambda raw: formats.read(bank, raw)[1]


@pytest.fixture
def wrong(read: Reading) -> Callable[[bytes], UnreadableFile]:
    """Why a file is not read."""

    def why(raw: bytes) -> UnreadableFile:
        with pytest.raises(UnreadableFile) as caught:
            read(raw)
        return caught.value

    return why
