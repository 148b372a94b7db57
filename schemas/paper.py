"""Thành phần hồ sơ: the papers of a dossier, by reference or inline, each with its size and SHA-256."""

import base64
import hashlib
from typing import Annotated, Final, Self

from pydantic import ConfigDict, Field, StringConstraints, model_validator

from schemas.strict import Strict
from schemas.text import Short

INLINE_LIMIT: Final = 262_144
"""Bytes of a paper that may travel inside the submission; larger papers go by reference."""

Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
MediaType = Annotated[str, StringConstraints(pattern=r"^[a-z]+/[a-z0-9.+-]{1,100}$")]


class Paper(Strict):
    """One document, by reference, or inline (base64) up to 256 KiB."""

    model_config = ConfigDict(
        json_schema_extra={
            "oneOf": [{"properties": {key: {"type": "string"}}, "required": [key]} for key in ("reference", "content")]
        }
    )

    code: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._-]{1,40}$")]
    name: Short
    media_type: MediaType
    size: Annotated[int, Field(ge=1, le=1_073_741_824, description="bytes")]
    sha256: Sha256
    reference: Annotated[str, StringConstraints(max_length=500, pattern=r"^\S+$")] | None = None
    content: Annotated[str, StringConstraints(max_length=INLINE_LIMIT * 4 // 3 + 4)] | None = None

    @model_validator(mode="after")
    def _is_what_it_says(self) -> Self:
        if (self.reference is None) == (self.content is None):
            raise ValueError("a paper has either a reference or inline content")
        if self.content is not None:
            self._check_content(self.content)
        return self

    def _check_content(self, content: str) -> None:
        try:
            data = base64.b64decode(content, validate=True)
        except ValueError:
            raise ValueError("content is not base64") from None
        if len(data) > INLINE_LIMIT:
            raise ValueError(f"content holds more than {INLINE_LIMIT} bytes; send a reference")
        if len(data) != self.size:
            raise ValueError("content has another number of bytes than size says")
        if hashlib.sha256(data).hexdigest() != self.sha256:
            raise ValueError("content does not have the SHA-256 that is given")
