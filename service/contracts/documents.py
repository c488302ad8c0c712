"""The contracts as files: names and contents."""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from service.contracts.asyncapi import asyncapi_document
from service.contracts.breaking import breaks
from service.contracts.plain_schema import Schema
from service.contracts.schemas import events_schema, outcome_schema

OUTCOME: Final = "outcome.schema.json"
EVENTS: Final = "events.schema.json"
ASYNCAPI: Final = "asyncapi.json"
_HEADERS: Final = ("OutcomeHeaders", "DeadLetterHeaders")
# Without these there is nothing to compare.
_PARTS: Final = {OUTCOME: {"$defs"}, EVENTS: {"$defs"}, ASYNCAPI: {"channels", "components"}}


class Unusable(Exception):
    """A file cannot be written, or is no contract; the message names it, and says why."""


def contracts() -> dict[str, Schema]:
    """Give each document by the name of its file."""
    return {
        OUTCOME: outcome_schema(),
        EVENTS: events_schema(),
        ASYNCAPI: asyncapi_document(),
    }


def write_contracts(directory: Path) -> None:
    """Write the files, and make the directory where there is none. Raises Unusable."""
    try:
        directory.mkdir(parents=True, exist_ok=True)
        for name, document in contracts().items():
            text = json.dumps(document, indent=2, ensure_ascii=False)
            (directory / name).write_text(f"{text}\n", encoding="utf-8")
    except OSError as error:
        raise Unusable(f"{error.filename}: {error.strerror}") from None


def breaks_with(directory: Path) -> list[str]:
    """Say what would break for those who rely on the files there. Raises Unusable."""
    old = {name: _read(directory / name, parts) for name, parts in _PARTS.items()}
    now = contracts()
    return [
        *_told(OUTCOME, breaks(old[OUTCOME], now[OUTCOME], "reader")),
        *_told(EVENTS, breaks(old[EVENTS], now[EVENTS], "sender")),
        *_told(ASYNCAPI, _breaks_of_topics(old[ASYNCAPI], now[ASYNCAPI])),
    ]


def _read(file: Path, parts: set[str]) -> Schema:
    """Read a document that was written before, and look whether it has what is compared."""
    try:
        document = json.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise Unusable(f"{file}: {error.strerror}") from None
    except ValueError as error:
        raise Unusable(f"{file}: is no JSON: {error}") from None
    if not isinstance(document, dict) or not parts <= document.keys():
        raise Unusable(f"{file}: is no contract: it lacks {', '.join(sorted(parts))}")
    return document


def _told(name: str, problems: Iterable[str]) -> Iterator[str]:
    yield from (f"{name}: {problem}" for problem in problems)


def _breaks_of_topics(old: Schema, now: Schema) -> Iterator[str]:
    """Look at what the schemas of bodies do not tell: headers, and names of topics."""
    for name in _HEADERS:
        before, after = (one["components"]["schemas"][name] for one in (old, now))
        yield from (f"{name}: {problem}" for problem in breaks(before, after, "reader"))
    for name, channel in old["channels"].items():
        if channel["address"] != now["channels"].get(name, {}).get("address"):
            yield f"the topic {channel['address']} is gone"
