"""Records as Fanfare sends them, where a test names only what matters."""

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from schemas.decode import MalformedRecord, decode

Json = dict[str, Any]

# Every payload that Fanfare documents, by vocabulary and type.
FIXTURES = {path.stem: path for path in Path(__file__).parents[1].glob("fixtures/fanfare/*.json")}

# Ids are opaque: Fanfare says nothing of their letters.
ODD_IDS = ["ключ", "🛒", " ", "a'b\"c\\d", "x\ny", "\x01", "'; DROP TABLE lanes; --", "x" * 512]


def record(type_: str = "admission.created", /, *, without: str = "", **envelope: Any) -> Json:
    """Give a valid record, but for what is named: a shopper is admitted, or whatever `type_` is."""
    whole = {
        "id": "evt-1",
        "type": type_,
        "timestamp": "2024-12-01T09:15:00Z",
        "organizationId": "acme",
        "data": {"consumerId": "ada"},
    }
    return {name: field for name, field in (whole | envelope).items() if name != without}


def with_data(type_: str = "admission.created", /, **data: Any) -> Json:
    return record(type_, data={"consumerId": "ada"} | data)


def encode(document: object) -> bytes:
    return json.dumps(document).encode()


def refusal(value: bytes | None, recorded_at: datetime | None = None) -> str:
    with pytest.raises(MalformedRecord) as caught:
        decode(value, recorded_at)
    return caught.value.reason
