"""Outcomes held against what is committed for others, with libraries of others."""

import json
from pathlib import Path
from typing import Any, Final

from cloudevents.core.bindings.kafka import KafkaMessage, from_binary
from cloudevents.core.formats.json import JSONFormat
from jsonschema import Draft202012Validator, FormatChecker

from service.contracts.documents import ASYNCAPI, OUTCOME
from service.outcome_reader import Published, published_reader
from service.settings import Settings

CONTRACTS: Final = Path(__file__).parents[1] / "deploy" / "contracts"


def _validator(schema: Any) -> Draft202012Validator:
    return Draft202012Validator(schema, format_checker=FormatChecker())


def _committed(name: str) -> Any:
    return json.loads((CONTRACTS / name).read_text())


_BODY: Final = _validator(_committed(OUTCOME))
_HEADERS: Final = _validator(_committed(ASYNCAPI)["components"]["schemas"]["OutcomeHeaders"])


def problems_of_body(body: object) -> list[str]:
    """Say what in an outcome's JSON body is not as the committed schema has it."""
    return [f"{error.json_path}: {error.message}" for error in _BODY.iter_errors(body)]


async def assert_as_promised(settings: Settings, *, lanes: int) -> list[Any]:
    """Read all outcomes that a worker published, check each, and give them as CloudEvents."""
    async with published_reader(settings, [settings.outcomes_topic], lanes) as reader:
        await reader.from_beginning()
        records = [record async for batch in reader.until_end() for record in batch]
    return [_checked(record) for record in records]


def _checked(record: Published) -> Any:
    headers = {name: value or b"" for name, value in record.headers}
    texts = {name: value.decode() for name, value in headers.items()}
    assert [error.message for error in _HEADERS.iter_errors(texts)] == [], texts
    assert problems_of_body(json.loads(record.value or b"")) == [], record.value
    message = KafkaMessage(headers=headers, key=record.key, value=record.value or b"")
    event = from_binary(message, JSONFormat())  # it refuses what is no CloudEvent
    body = event.get_data()
    assert isinstance(body, dict)
    assert event.get_type() == f"fanfare.reservation.{body['type']}"
    assert event.get_extension("sequence") == str(body["sequence"])
    if body["type"] != "adjusted":
        assert event.get_extension("partitionkey") == body["consumerId"]
    return event
