"""What goes beside a body: each header that is sent is in the AsyncAPI document, as it is sent."""

from dataclasses import replace
from datetime import UTC, datetime

import msgspec
import pytest
from jsonschema import Draft202012Validator, FormatChecker

from consumers.journaling import journal_entries
from db.lanes import Lane, Output
from producers.cloudevents import headers_of
from schemas.journal import DeadLetter, JournalEntry
from schemas.trace import Trace
from service.contracts.asyncapi import asyncapi_document
from tests.unit.world import tell

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
LETTER = DeadLetter(0, "admitted", 0, 42, b"ada", b"{", (), NOON, "not JSON: oh")


def entry(trace: Trace | None = None, letter: DeadLetter | None = None) -> JournalEntry:
    """Give what the journal has of a traced outcome, or of a dead letter."""
    lane = Lane(0, 1, NOON, 0, {}, {"outcomes": Output(), "dead_letters": Output()})
    outcomes = [msgspec.structs.replace(one, trace=trace) for one in OUTCOMES]
    [made] = journal_entries({0: lane}, [] if letter else outcomes, [letter] if letter else [])
    return made


OUTCOMES = tell("10:00 admit ada sun-lamp 1").outcomes


def problems(made: JournalEntry, name: str) -> list[str]:
    schema = asyncapi_document()["components"]["schemas"][name]
    closed = Draft202012Validator(
        schema | {"additionalProperties": False}, format_checker=FormatChecker()
    )
    texts = {header: (value or b"").decode() for header, value in headers_of(made)}
    return [error.message for error in closed.iter_errors(texts)]


@pytest.mark.parametrize("trace", [None, Trace(PARENT), Trace(PARENT, "vendor=1,other=2")], ids=str)
def test_headers_of_an_outcome_are_as_promised(trace: Trace | None) -> None:
    assert problems(entry(trace), "OutcomeHeaders") == []


@pytest.mark.parametrize("value", [b"{", b"x" * 16 * 1024 * 1024], ids=["small", "cut"])
def test_headers_of_a_dead_letter_are_as_promised(value: bytes) -> None:
    assert problems(entry(letter=replace(LETTER, value=value)), "DeadLetterHeaders") == []


def test_an_outcome_without_its_number_is_found() -> None:
    numberless = msgspec.structs.replace(entry(), sequence=0)

    [problem] = problems(numberless, "OutcomeHeaders")

    assert problem.startswith("'0' does not match")
