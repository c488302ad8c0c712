"""What breaks for a reader of outcomes, what for a sender of events, and what for nobody."""

from typing import Any

import pytest

from service.contracts.breaking import Side, breaks

TEXT, NUMBER = {"type": "string"}, {"type": "integer"}
WORDS = {"type": "string", "enum": ["sold", "gone"]}


def of(required: tuple[str, ...] = (), /, **properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(required)}


READER: Side = "reader"
SENDER: Side = "sender"


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        (of(price=NUMBER), of(), "price is gone"),
        (of(cause=of(topic=TEXT)), of(cause=of()), "cause.topic is gone"),
        (of(("id",), id=TEXT), of(id=TEXT), " may be without id"),
        (of(id=TEXT), of(id=NUMBER), "id was of type string, and is of type integer"),
        (of(id=TEXT), of(id={}), "id was of type string, and is of type any"),
        (of(id=TEXT), of(id={"type": ["string", "null"]}), "id was of type string, and is of"),
        (of(why=WORDS), of(why=WORDS | {"enum": ["sold"]}), "why is never gone any more"),
        (of(why=WORDS), of(why=TEXT), "why was one of a list"),
        (of(why=TEXT), of(why=WORDS), "why is one of a list now"),
        (
            of(at=TEXT | {"format": "date-time"}),
            of(at=TEXT),
            "at: format was date-time, and is None",
        ),
        (of(v={"const": "1.0"}), of(v={"const": "2.0"}), "v: const was 1.0, and is 2.0"),
        (of(cause={"$ref": "#/$defs/Cause"}), of(cause=of()), "cause was #/$defs/Cause, and is"),
        ({"$defs": {"Cause": of(topic=TEXT)}}, {"$defs": {"Cause": of()}}, "Cause.topic is gone"),
        ({"$defs": {"Cause": of()}}, {"$defs": {}}, "Cause is gone"),
        (
            of(lines={"type": "array", "items": of(sku=TEXT)}),
            of(lines={"type": "array", "items": of()}),
            "lines[].sku is gone",
        ),
    ],
)
def test_a_reader_is_broken(old: dict[str, Any], new: dict[str, Any], problem: str) -> None:
    [found] = breaks(old, new, READER)

    assert found.startswith(problem)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (of(id=TEXT), of(id=TEXT, price=NUMBER)),
        (of(why=WORDS), of(why=WORDS | {"enum": ["sold", "gone", "returned"]})),
        (of(id=TEXT), of(("id",), id=TEXT)),
        (of(id=TEXT | {"maxLength": 9}), of(id=TEXT | {"maxLength": 5})),
        ({"$defs": {}}, {"$defs": {"More": of()}}),
    ],
)
def test_a_reader_goes_on(old: dict[str, Any], new: dict[str, Any]) -> None:
    assert breaks(old, new, READER) == []


def needs(*names: str) -> dict[str, Any]:
    """Give a schema that wants one of these fields."""
    return {"allOf": [{"anyOf": [{"required": [name]} for name in names]}]}


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        (of(gift=TEXT), of(), "gift is gone"),
        (of(id=TEXT), of(("id",), id=TEXT), " needs id"),
        ({}, needs("at"), " needs more than before"),
        (needs("at", "time"), needs("at"), " needs more than before"),
        (of(at={"type": ["string", "number"]}), of(at=TEXT), "at was of type number, string, and"),
        (of(at={}), of(at=TEXT), "at was of type any, and is of type string"),
        (of(kind=WORDS), of(kind=WORDS | {"enum": ["sold"]}), "kind is never gone any more"),
        (of(kind=TEXT), of(kind=WORDS), "kind is one of a list now"),
        (of(n=NUMBER), of(n=NUMBER | {"minimum": 1}), "n: minimum was None, and is 1"),
        (
            of(n=NUMBER | {"maximum": 9}),
            of(n=NUMBER | {"maximum": 8}),
            "n: maximum was 9, and is 8",
        ),
        (of(id=TEXT), of(id=TEXT | {"pattern": "^a"}), "id: pattern was None, and is ^a"),
    ],
)
def test_a_sender_is_broken(old: dict[str, Any], new: dict[str, Any], problem: str) -> None:
    [found] = breaks(old, new, SENDER)

    assert found.startswith(problem)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (of(id=TEXT), of(id=TEXT, gift=TEXT)),
        (of(("id",), id=TEXT), of(id=TEXT)),
        (needs("at"), needs("at", "time")),
        (needs("at"), {}),
        (of(at=TEXT), of(at={"type": ["string", "number"]})),
        (of(at=TEXT), of(at={})),
        (of(kind=WORDS), of(kind=TEXT)),
        (of(kind=WORDS), of(kind=WORDS | {"enum": ["gone", "sold", "lent"]})),
        (of(n=NUMBER | {"minimum": 1}), of(n=NUMBER | {"minimum": 0})),
        (of(n=NUMBER | {"maximum": 1}), of(n=NUMBER)),
        (of(id=TEXT | {"format": "uuid"}), of(id=TEXT)),
    ],
)
def test_a_sender_goes_on(old: dict[str, Any], new: dict[str, Any]) -> None:
    assert breaks(old, new, SENDER) == []
