"""Text that people write, as far as it has a rule of its own."""

from typing import Annotated

from pydantic import StringConstraints

Short = Annotated[str, StringConstraints(max_length=255, pattern=r"^[^\t\r\n]*\S[^\t\r\n]*$")]
"""One line that is not blank."""
Text = Annotated[str, StringConstraints(max_length=1000, pattern=r"\S")]
"""Some lines that are not all blank."""
