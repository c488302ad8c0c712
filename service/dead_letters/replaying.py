"""Sends dead letters once more: to the topic and partition that they came from, as they were."""

from collections.abc import Sequence
from typing import Final, NamedTuple
from uuid import UUID

from aiokafka import AIOKafkaProducer
from aiokafka.errors import MessageSizeTooLargeError

from db.connect import Connection
from db.dead_letter_replays import begin_replay, end_replay, forget_replay
from db.dead_letters import Kept, Listed, find_dead_letters
from db.importing import Progress, silent
from schemas.journal import Headers
from service.clients import new_replaying_producer
from service.dead_letters.documents import what_is_truncated
from service.settings import Settings
from service.topics import TopicsOk

REPLAY_HEADER: Final = "dlq.replay"  # the id of the dead letter that is replayed

_SEE: Final = "`reservations dead-letters show` says what became of it"


class Done(NamedTuple):
    """What became of a replay: where the record is now, or why it was not sent."""

    letter: Listed
    offset: int | None
    refusal: str = ""


def refusal_of(letter: Listed, settings: Settings, topics: TopicsOk, *, again: bool) -> str:
    """Say why a dead letter would not be replayed, or nothing."""
    topic, partition, _ = letter.place
    if topic not in settings.input_topics.values():
        return f"{topic} is not among the input topics of the settings"
    if partition >= topics.lanes:
        return f"{topic} has no partition {partition}"
    if letter.replays and not again:
        return f"was replayed already: {_SEE}, --again sends it once more"
    return ""


async def replay(
    settings: Settings,
    connection: Connection,
    letters: Sequence[Listed],
    *,
    again: bool,
    on_progress: Progress = silent,
) -> list[Done]:
    """Send dead letters in this order, and note each before it is sent, and where it is after.

    Should this process die in between, nobody knows whether the record was sent: it counts as
    replayed. Raises KafkaError; what was sent until then is noted.
    """
    producer = new_replaying_producer(settings)
    done = []
    try:
        await producer.start()
        for number, letter in enumerate(letters, start=1):
            done.append(await _replay_one(producer, connection, letter, again))
            on_progress("replaying", number, len(letters))
    finally:
        await producer.stop()
    return done


def replay_headers(headers: Headers, letter_id: UUID) -> Headers:
    """Give the record's own headers, and whose replay it is; an earlier one's is taken away."""
    own = tuple(header for header in headers if header[0] != REPLAY_HEADER)
    return (*own, (REPLAY_HEADER, str(letter_id).encode()))


async def _replay_one(
    producer: AIOKafkaProducer, connection: Connection, letter: Listed, again: bool
) -> Done:
    # One at a time: they are large. After a rewind one may be there twice, under its one id.
    kept, *_ = await find_dead_letters(connection, ids=[letter.id])
    if kept.truncated_bytes is not None:
        return Done(letter, None, what_is_truncated(kept))
    number = await begin_replay(connection, letter.id, again=again)
    if number is None:
        return Done(letter, None, f"was replayed by somebody else just now: {_SEE}")
    try:
        offset = await _send(producer, kept)
    except MessageSizeTooLargeError:
        await forget_replay(connection, letter.id, number)
        return Done(letter, None, "is too large for its topic: raise its max.message.bytes")
    await end_replay(connection, letter.id, number, offset)
    return Done(letter, offset)


async def _send(producer: AIOKafkaProducer, letter: Kept) -> int:
    """Send one record, as a batch: `send` refuses one that has neither a key nor a value."""
    batch = producer.create_batch()
    headers = list(replay_headers(letter.headers, letter.listed.id))
    batch.append(key=letter.key, value=letter.value, timestamp=None, headers=headers)
    batch.close()
    topic, partition, _ = letter.listed.place
    sent = await producer.send_batch(batch, topic, partition=partition)
    return int((await sent).offset)
