"""The append-only table of all that is published, as rows and as they go to Kafka."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from msgspec import Struct

from schemas.vocabulary import Stream

Headers = tuple[tuple[str, bytes | None], ...]


class Superseded(Exception):
    """Another process owns a lane now: nothing of ours may be applied or published any more."""


class Unpublished(Exception):
    """Kafka has lost what it had acknowledged. The journal has it: take the lane over again."""


class Mark(NamedTuple):
    """The published end of a stream: the last sequence, and the offset to look for it from."""

    sequence: int = 0
    offset: int = 0


Marks = Mapping[Stream, Mark]

# Asks whether all lanes are still this process's; None where nobody can say just now.
IsOurs = Callable[[], Awaitable[bool | None]]


class JournalEntry(Struct, gc=False):
    """One record to publish; (lane, stream, sequence) is its place, `id` its identity.

    `headers` are those that came with an unreadable record; an outcome's are made of the row, and
    only its tracestate is there.
    """

    lane: int
    stream: Stream
    sequence: int
    id: UUID
    type: str
    occurred_at: datetime
    key: bytes | None
    value: bytes | None
    headers: Headers = ()
    traceparent: str | None = None


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A record that cannot be read, byte for byte, with where it was and why."""

    lane: int
    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: Headers
    timestamp: datetime
    reason: str
