"""A dead letter as rows of a table, as JSON, and as lines of text."""

import json
from collections.abc import Iterator, Sequence
from datetime import UTC
from typing import Any, Final

from db.dead_letter_replays import Replay
from db.dead_letters import Kept, Listed
from service.dead_letters.masking import shown, shown_headers, shown_text

COLUMNS: Final = ("written_at", "id", "from", "replays", "reason")


def listed_row(letter: Listed) -> dict[str, Any]:
    """Give a dead letter as a row: `from` is what `show` and `replay` take."""
    return {
        "written_at": letter.written_at.astimezone(UTC).isoformat(timespec="seconds"),
        "id": str(letter.id),
        "from": "/".join(map(str, letter.place)),
        "replays": letter.replays,
        "reason": letter.reason,
    }


def listed_document(letter: Listed) -> dict[str, Any]:
    """Give a dead letter without its content, for a line of JSON."""
    return {
        "id": str(letter.id),
        "topic": letter.place.topic,
        "partition": letter.place.partition,
        "offset": letter.place.offset,
        "reason": letter.reason,
        "recordedAt": letter.recorded_at.isoformat(),
        "writtenAt": letter.written_at.isoformat(),
        "valueBytes": letter.value_bytes,
        "replays": letter.replays,
    }


def kept_document(letter: Kept, replays: Sequence[Replay]) -> dict[str, Any]:
    """Give a dead letter whole, without its secrets."""
    kind, value = shown(letter.value)
    return listed_document(letter.listed) | {
        "truncatedBytes": letter.truncated_bytes,
        "key": None if letter.key is None else shown_text(letter.key),
        "headers": shown_headers(letter.headers),
        "valueKind": kind,
        "value": value,
        "replays": [
            {"begunAt": one.begun_at.isoformat(), "sentOffset": one.sent_offset} for one in replays
        ],
    }


def kept_lines(letter: Kept, replays: Sequence[Replay]) -> Iterator[str]:
    """Tell of a dead letter, without its secrets."""
    listed = letter.listed
    yield f"dead letter  {listed.id}"
    yield f"from         {'/'.join(map(str, listed.place))}"
    yield f"recorded at  {listed.recorded_at.isoformat()}"
    yield f"written at   {listed.written_at.isoformat()}"
    yield f"reason       {listed.reason}"
    for replayed in [_replay(one) for one in replays] or ["never"]:
        yield f"replayed     {replayed}"
    yield f"key          {'null' if letter.key is None else shown_text(letter.key)}"
    for name, value in shown_headers(letter.headers):
        yield f"header       {name}: {'null' if value is None else value}"
    yield from _value_lines(letter)


def _value_lines(letter: Kept) -> Iterator[str]:
    if letter.truncated_bytes is not None:
        yield f"value        {what_is_truncated(letter)}"
        return
    kind, value = shown(letter.value)
    yield f"value        {kind}"
    if value is not None:
        text = value if isinstance(value, str) else json.dumps(value, indent=2, ensure_ascii=False)
        yield from text.splitlines()


def what_is_truncated(letter: Kept) -> str:
    """Say where the content is that was too large to be kept."""
    topic, partition, offset = letter.listed.place
    return (
        f"not kept: {letter.truncated_bytes:,} bytes are more than a dead letter holds; the record "
        f"is in {topic}[{partition}] at offset {offset} for as long as Kafka keeps it"
    )


def _replay(replay: Replay) -> str:
    at = replay.begun_at.isoformat(timespec="seconds")
    if replay.sent_offset is None:
        return f"{at}, and it is not known whether it was sent"
    return f"{at}, to offset {replay.sent_offset}"
