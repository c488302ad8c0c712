"""The schema of events says what the worker reads: no less, and next to no more."""

import copy
import json
from collections.abc import Iterator
from typing import Any, Final

import pytest
from jsonschema import Draft202012Validator, FormatChecker
from jsonschema.protocols import Validator

from schemas.decode import MalformedRecord, decode
from schemas.wire import MEANINGS
from service.contracts.schemas import TOPICS, events_schema
from service.sending import read_envelopes
from tests.unit.records import FIXTURES, Json

SCHEMA: Final = events_schema()
ODD: Final[tuple[Any, ...]] = (
    *("", "x", "2024-12-01", 0, -1, 10**10, True, [], {}, ["x"], [{}], {"id": "x"}),
    *([{"productId": "p", "quantity": units} for units in (0, 1, "2")],),
)
GONE: Final = object()
Path = tuple[str | int, ...]


def read(name: str) -> Json:
    document: Json = json.loads(FIXTURES[name].read_text())
    return document


def of_payload(name: str) -> Validator:
    root = {"$ref": f"#/$defs/{name}", "$defs": SCHEMA["$defs"]}
    return Draft202012Validator(root, format_checker=FormatChecker())


EVERY: Final = Draft202012Validator(SCHEMA, format_checker=FormatChecker())
ONE_OF_EACH: Final = {
    meaning.payload.__name__: name
    for name in sorted(FIXTURES, reverse=True)
    if (meaning := MEANINGS[read(name)["type"]]).payload is not None
}


@pytest.mark.parametrize("name", sorted(FIXTURES))
def test_what_fanfare_documents_is_as_the_schema_says(name: str) -> None:
    assert [error.message for error in EVERY.iter_errors(read(name))] == []


def test_every_payload_has_a_schema_a_topic_and_an_example() -> None:
    payloads = {meaning.payload for meaning in MEANINGS.values() if meaning.payload}

    assert payloads == TOPICS.keys()
    assert ONE_OF_EACH.keys() == {payload.__name__ for payload in payloads}


def test_every_type_is_in_it_once() -> None:
    definitions = [SCHEMA["$defs"][one["$ref"].rpartition("/")[2]] for one in SCHEMA["anyOf"]]

    types = [name for schema in definitions for name in schema["properties"]["type"]["enum"]]

    assert sorted(types) == sorted(MEANINGS)


@pytest.mark.parametrize("name", sorted({*ONE_OF_EACH} - {"Tick"}))
def test_a_payload_is_told_to_the_topic_that_send_takes(name: str) -> None:
    envelope = json.dumps(read(ONE_OF_EACH[name])).encode()
    topics = {payload.__name__: topic for payload, topic in TOPICS.items()}

    assert [record.topic for record in read_envelopes("-", envelope)] == [topics[name]]


@pytest.mark.parametrize("name", sorted(ONE_OF_EACH))
def test_what_it_allows_is_read_and_what_it_forbids_hardly_ever(name: str) -> None:
    """Each field of an example is left out, and then is one odd thing after the other."""
    validator = of_payload(name)
    verdicts = [
        (validator.is_valid(changed), refusal(changed), path)
        for path, changed in changes(read(ONE_OF_EACH[name]))
    ]

    assert [(why, path) for allowed, why, path in verdicts if allowed and why] == []
    assert {bool(why) for _, why, _ in verdicts} == {True, False}
    # Forbidden and read all the same: odd things under names that are not looked at.
    strict = [path for allowed, why, path in verdicts if not allowed and not why]
    assert len(strict) < len(verdicts) / 5


def changes(document: Json) -> Iterator[tuple[Path, Json]]:
    for path in places(document):
        for value in (GONE, *ODD) if path[0] != "type" else ():
            changed = copy.deepcopy(document)
            parent: Any = changed
            for step in path[:-1]:
                parent = parent[step]
            if value is GONE:
                del parent[path[-1]]
            else:
                parent[path[-1]] = value
            yield path, changed


def places(node: Any, at: Path = ()) -> Iterator[Path]:
    """Give the paths to all that is in a document."""
    for step, inner in node.items() if isinstance(node, dict) else enumerate(node):
        yield (*at, step)
        if isinstance(inner, dict | list):
            yield from places(inner, (*at, step))


def refusal(document: Json) -> str:
    """Say why the worker cannot read a record, but for what no schema can tell."""
    try:
        decode(json.dumps(document).encode())
    except MalformedRecord as error:
        beyond = ("is before the admission", "ends before the draw", "must be another consumer")
        return "" if error.reason.endswith(beyond) else error.reason
    return ""
