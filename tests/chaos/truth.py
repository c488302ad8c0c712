"""Holds what the worker says against what the crowd knows, when all is over."""

from collections import Counter
from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Final

from aiokafka.structs import TopicPartition

from db.connect import Connection
from producers.reading import Record, batches_until
from service.clients import new_reader
from service.settings import Settings
from service.verify import verify
from tests.chaos.answers import Answers
from tests.chaos.sale import LANES, PLENTY, RECEIVED
from tests.chaos.scripts import PLAIN
from tests.chaos.shoppers import Ledger, digest

PUBLISH_SECONDS: Final = 20.0

Place = tuple[str, int, int]  # topic, partition, offset


async def verified(settings: Settings, connection: Connection) -> Iterator[str]:
    """Let `reservations verify` look: counters, journal, and the topics against the journal."""
    checks = await verify(settings, connection, lanes=LANES, wait_seconds=PUBLISH_SECONDS)
    return (f"verify, {one.name}: {one.first_difference}" for one in checks if one.differences)


async def applied(settings: Settings, connection: Connection) -> list[str]:
    """Every input topic is applied to its end, as far as Postgres says."""
    topics = [name for role, name in settings.input_topics.items() if role != "expiry-ticks"]
    ends = await _ends(settings, topics)
    rows = await connection.fetch("SELECT topic, lane, next_offset FROM lane_inputs")
    stored = {TopicPartition(row["topic"], row["lane"]): row["next_offset"] for row in rows}
    return [
        f"{place.topic}[{place.partition}] is applied up to {stored.get(place)} of {end}"
        for place, end in ends.items()
        if max(stored.get(place, 0), 0) != end
    ]


async def letters(settings: Settings, ledger: Ledger) -> AsyncIterator[str]:
    """Every record that was sent is in its topic, and the unreadable ones are dead letters."""
    unreadable: set[Place] = set()
    missing = set(ledger.records)
    for topic in settings.input_topics.values():
        async for record in every_record(settings, topic):
            mark = digest(topic, record.value)
            missing.discard(mark)
            if mark in ledger.poison:
                unreadable.add((topic, record.partition, record.offset))
    if missing:
        yield f"{len(missing)} records that Kafka acknowledged are in no topic"
    told: Counter[Place] = Counter()
    async for record in every_record(settings, settings.dead_letters_topic):
        told[_place(record)] += 1
    for place in unreadable ^ set(told):
        yield f"{place}: {'no dead letter' if place in unreadable else 'a dead letter of nothing'}"
    for place, times in told.items():
        if times > 1:
            yield f"{place} is a dead letter {times} times"


async def read_answers(settings: Settings) -> Answers:
    answers = Answers()
    async for record in every_record(settings, settings.outcomes_topic):
        answers.add(record)
    return answers


def shoppers(ledger: Ledger, answers: Answers) -> Iterator[str]:
    """Every admission is answered once a line, and every payment sold or refunded once."""
    for shopper in ledger.shoppers:
        for product, units in shopper.lines.items() if shopper.fate in PLAIN else ():
            line = (shopper.name, product)
            if (times := answers.admission[line]) != 1:
                yield f"{line}, who {shopper.fate}, was answered {times} times"
            said = answers.payment.get(line, [])
            expected = [("converted", units)] if product in PLENTY else [("unfulfilled", units)]
            if shopper.has_paid and said not in (expected, [("converted", units)]):
                yield f"{line}, who {shopper.fate} for {units}, was told {said}"
            if not shopper.has_paid and said:
                yield f"{line}, who {shopper.fate}, was told {said}"


async def sold(connection: Connection, answers: Answers) -> AsyncIterator[str]:
    """What was said to be sold is what the stock lines have as sold, and no more than there was."""
    told: Counter[str] = Counter()
    for (_, product), units in answers.sold.items():
        told[product] += units
    rows = await connection.fetch("SELECT product_id, sold, reserved, allocated FROM stock_lines")
    for product, units, reserved, allocated in rows:
        if units != told[product] or units > RECEIVED[product]:
            yield (
                f"{product}: {units} sold by its line, {told[product]} by the outcomes,"
                f" of {RECEIVED[product]}"
            )
        if reserved:
            yield f"{product}: {reserved} units are still reserved, {allocated} allocated"


async def every_record(settings: Settings, topic: str) -> AsyncIterator[Record]:
    """Read a topic from its beginning to its end, read committed, lane by lane in order."""
    ends = await _ends(settings, [topic])
    reader = new_reader(settings)
    await reader.start()
    try:
        reader.assign(list(ends))
        await reader.seek_to_beginning()
        async for batch in batches_until(reader, ends):
            for records in batch.values():
                for record in records:
                    yield record
    finally:
        await reader.stop()


async def _ends(settings: Settings, topics: list[str]) -> Mapping[TopicPartition, int]:
    reader = new_reader(settings)
    await reader.start()
    try:
        places = [TopicPartition(topic, lane) for topic in topics for lane in range(LANES)]
        ends: Mapping[TopicPartition, int] = await reader.end_offsets(places)
        return ends
    finally:
        await reader.stop()


def _place(letter: Record) -> Place:
    told = {name: (value or b"").decode() for name, value in letter.headers}
    return told["dlq.topic"], int(told["dlq.partition"]), int(told["dlq.offset"])
