"""Envelopes that a person sends by hand: read, checked, and put where the worker reads them."""

import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from db.importing import Progress, silent
from schemas.decode import MalformedRecord, PassedOver, decode
from schemas.events import (
    AdmissionEnded,
    Admitted,
    AnyEvent,
    CartUpdated,
    CheckoutCompleted,
    ExpiryTick,
    ExtendRequested,
    OrderCancelled,
    ReleaseRequested,
    TransferRequested,
)
from schemas.vocabulary import Topic
from service.admin.problems import BadFile, Problems, utf8_text
from service.clients import new_producer
from service.settings import Settings


class Outgoing(NamedTuple):
    """A record to send, and whose event it is."""

    topic: Topic
    key: str
    value: bytes


class Sent(NamedTuple):
    """Where a record is now."""

    topic: str
    lane: int
    offset: int
    key: str


def read_envelopes(source: str, data: bytes) -> list[Outgoing]:
    """Read JSON documents, one after the other; raises BadFile, and then nothing was sent."""
    problems = Problems()
    outgoing = []
    for line, document in _documents(source, data, problems):
        try:
            outgoing.append(_outgoing(document.encode()))
        except (MalformedRecord, ValueError) as error:
            problems.add(f"{source}:{line}", str(error))
    problems.raise_if_any()
    if not outgoing:
        raise BadFile([f"{source}: there is no envelope in it"])
    return outgoing


async def send(
    settings: Settings, records: Sequence[Outgoing], *, progress: Progress = silent
) -> list[Sent]:
    """Send records in their order, and give where each of them is. Raises KafkaError."""
    topics = settings.input_topics
    producer = new_producer(settings)
    await producer.start()
    try:
        waiting = []
        for number, record in enumerate(records, start=1):
            topic, key = topics[record.topic], record.key.encode()
            waiting.append(await producer.send(topic, record.value, key=key))
            progress("sending", number, len(records))
        placed = [await each for each in waiting]
    finally:
        await producer.stop()
    return [
        Sent(place.topic, place.partition, place.offset, record.key)
        for place, record in zip(placed, records, strict=True)
    ]


def _documents(source: str, data: bytes, problems: Problems) -> Iterator[tuple[int, str]]:
    """Part a text into its JSON documents, each with the line where it begins."""
    text = utf8_text(source, data)
    decoder, at = json.JSONDecoder(), 0
    while rest := text[at:].lstrip():
        start = len(text) - len(rest)
        try:
            _, at = decoder.raw_decode(text, start)
        except json.JSONDecodeError as error:
            problems.add(f"{source}:{error.lineno}:{error.colno}", f"not JSON: {error.msg}")
            return
        yield text.count("\n", 0, start) + 1, text[start:at]


def _outgoing(value: bytes) -> Outgoing:
    events = decode(value, datetime.now(UTC))
    if isinstance(events, PassedOver):
        raise ValueError(f"type: {events.type!r} is known, and means nothing to the worker")
    if not events:
        raise ValueError("what nobody has won means nothing to the worker")
    return Outgoing(_topic(events[0]), _key(events), value)


def _topic(event: AnyEvent) -> Topic:
    match event:
        case Admitted():
            return "admitted"
        case CartUpdated():
            return "cart-updated"
        case CheckoutCompleted() | OrderCancelled():
            return "checkout-completed"
        case ExtendRequested() | ReleaseRequested() | TransferRequested():
            return "hold-commands"
        case AdmissionEnded():
            return "admission-expired"
        case ExpiryTick():
            raise ValueError("a tick is not sent by hand: the workers tick")


def _key(events: Sequence[AnyEvent]) -> str:
    """Give the consumer; of the many of a draw, the draw."""
    first = events[0]
    assert not isinstance(first, ExpiryTick)  # it has no topic
    is_of_many = len(events) > 1
    return first.distribution_id or first.event_id if is_of_many else first.consumer_id
