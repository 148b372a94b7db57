"""Our messages as JSON Schema, for those who write the other side: ``python -m schemas.publish`` writes schemas/wire.

The files are committed, so that a change of a contract is seen in review; a test says when they are stale.
"""

import json
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema

from schemas.department import Changes, Handoff, HandoffReceipt, StatusReport
from schemas.handoff import HandoffRecord, MinuteRecord, ReceiptRecord
from schemas.portal import Notice, Submission
from schemas.settlement import HandedTable, SettlementTable, TableAnswer, TableReceipt

WIRE: Final = Path(__file__).parent / "wire"
PUBLISHED: Final[dict[str, type[BaseModel]]] = {
    "submission": Submission,
    "notice": Notice,
    "handoff": Handoff,
    "receipt": HandoffReceipt,
    "handoff-record": HandoffRecord,
    "receipt-record": ReceiptRecord,
    "minute-record": MinuteRecord,
    "status-report": StatusReport,
    "changes": Changes,
    "settlement": HandedTable,
    "settlement-table": SettlementTable,
    "settlement-receipt": TableReceipt,
    "settlement-answer": TableAnswer,
}


def documents() -> dict[str, bytes]:
    """Every published schema: file name in schemas/wire → its bytes."""
    return {f"{name}.schema.json": _written(name, model) for name, model in PUBLISHED.items()}


def _written(name: str, model: type[BaseModel]) -> bytes:
    schema: dict[str, Any] = {
        "$schema": GenerateJsonSchema.schema_dialect,
        "$id": f"urn:lienthong:schema:{name}:1",
        **model.model_json_schema(),
    }
    return (json.dumps(schema, ensure_ascii=False, indent=2) + "\n").encode()


def main() -> None:
    """Write the schemas where they are committed."""
    for name, content in documents().items():
        (WIRE / name).write_bytes(content)


if __name__ == "__main__":
    main()
