"""Publishing on a real Kafka: exactly once and in order, whoever publishes, whatever breaks."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from unittest.mock import AsyncMock
from uuid import uuid4

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError, KafkaTimeoutError, ProducerFenced
from aiokafka.structs import ConsumerRecord, TopicPartition

from producers import publishing
from producers.fencing import Fenced
from producers.kafka import IsolationLevel, Kafka
from producers.published_end import PublishedEnd
from producers.publisher import Publisher
from producers.transactional_producer import TransactionalProducer
from schemas.journal import IsOurs, JournalEntry, Mark, Marks, Superseded, Unpublished
from schemas.vocabulary import Stream
from service.clients import new_reader, new_transactional_producer
from service.embedded import EmbeddedKafka, start_kafka
from service.settings import Settings
from service.topics import create_topics

LANE = 1
# Of a broker, each right after a commit. Only some of them hide the commit: more find more.
KILLS = int(os.environ.get("KILLS", "2"))
NOTHING: Marks = {"outcomes": Mark(), "dead_letters": Mark()}


async def yes() -> bool:
    """Say that every lane is ours."""
    return True


async def take(
    publisher: Publisher, *before: str, marks: Marks = NOTHING, is_ours: IsOurs = yes
) -> Marks:
    """Take the lane over from whoever published under these ids, as a worker hears of them."""
    return (await publisher.open(publisher.transactional_id, {LANE: marks}, before, is_ours))[LANE]


@pytest.fixture
async def settings(kafka: EmbeddedKafka) -> Settings:
    return await made(kafka)


async def made(kafka: EmbeddedKafka) -> Settings:
    """Make topics of a test's own."""
    name = f"publisher-{uuid4().hex[:8]}"
    topics = {
        "admitted_topic": f"{name}-in-1",
        "checkout_completed_topic": f"{name}-in-2",
        "cart_updated_topic": f"{name}-in-4",
        "hold_commands_topic": f"{name}-in-5",
        "admission_expired_topic": f"{name}-in-3",
        "expiry_ticks_topic": f"{name}-ticks",
        "outcomes_topic": f"{name}-outcomes",
        "dead_letters_topic": f"{name}-dead-letters",
    }
    settings = Settings.model_validate(
        {
            "kafka_bootstrap_servers": kafka.bootstrap_servers,
            "consumer_group": name,
            "publish_timeout": 5.0,
            **topics,
        }
    )
    await create_topics(settings, partitions=2, replication_factor=1)
    return settings


def kafka_of(settings: Settings) -> Kafka:
    return Kafka(
        new_producer=lambda id_: new_transactional_producer(settings, id_),
        new_reader=lambda isolation_level: new_reader(settings, isolation_level),
        topics=settings.output_topics,
        publisher=f"{settings.consumer_group}-test",
    )


def publisher_of(settings: Settings, publish_seconds_max: float = 5.0) -> Publisher:
    return Publisher(
        kafka_of(settings),
        pending_max=1000,
        publish_seconds_max=publish_seconds_max,
        on_published=lambda count, seconds: None,
    )


@pytest.fixture
async def publisher(settings: Settings) -> AsyncIterator[Publisher]:
    publisher = publisher_of(settings)
    yield publisher
    await publisher.close(0)


async def take_both(publisher: Publisher) -> None:
    """Take both lanes, that nobody had."""
    await publisher.open(publisher.transactional_id, {0: NOTHING, 1: NOTHING}, (), yes)


def end_of(publisher: Publisher) -> PublishedEnd:
    assert publisher._publishing is not None
    return publisher._publishing.end


def entries(
    first: int, last: int, stream: Stream = "outcomes", lane: int = LANE
) -> list[JournalEntry]:
    return [
        JournalEntry(
            lane=lane,
            stream=stream,
            sequence=sequence,
            id=uuid4(),
            type="fanfare.reservation.reserved",
            occurred_at=datetime.now(UTC),
            key=b"ada",
            value=b"{}",
        )
        for sequence in range(first, last + 1)
    ]


async def published(settings: Settings, stream: Stream = "outcomes", lane: int = LANE) -> list[int]:
    """Read the sequences that are in the topic, read committed, from its beginning to its end."""
    reader = new_reader(settings)
    await reader.start()
    try:
        partition = TopicPartition(settings.output_topics[stream], lane)
        reader.assign([partition])
        await reader.seek_to_beginning(partition)
        end = (await reader.end_offsets([partition]))[partition]
        records: list[ConsumerRecord] = []
        while await reader.position(partition) < end:
            records += (await reader.getmany(timeout_ms=200)).get(partition, [])
        name = "ce_sequence" if stream == "outcomes" else "dlq.sequence"
        return [int(dict(record.headers)[name]) for record in records]
    finally:
        await reader.stop()


async def all_published(publisher: Publisher, last: int) -> None:
    """Wait until the publisher says that a sequence is published."""
    async with asyncio.timeout(20):
        while publisher.marks(LANE).get("outcomes", Mark()).sequence < last:
            publisher._changed.clear()
            await publisher._changed.wait()


async def test_entries_are_published_in_order(settings: Settings, publisher: Publisher) -> None:
    await take(publisher)

    for first in range(1, 100, 10):
        publisher.put(entries(first, first + 9))
    await all_published(publisher, 100)

    assert await published(settings) == list(range(1, 101))
    assert publisher.pending == 0


async def test_outcomes_and_dead_letters_have_sequences_of_their_own(
    settings: Settings, publisher: Publisher
) -> None:
    await take(publisher)

    publisher.put([*entries(1, 2), *entries(1, 1, "dead_letters"), *entries(3, 3)])
    await all_published(publisher, 3)

    assert await published(settings) == [1, 2, 3]
    assert await published(settings, "dead_letters") == [1]


async def test_lanes_are_published_together_each_in_its_order(
    settings: Settings, publisher: Publisher, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A transaction costs Kafka the same for one lane as for all that a batch has moved on."""
    await take_both(publisher)
    producer = end_of(publisher)._producer._producer
    commits = AsyncMock(side_effect=producer.commit_transaction)
    monkeypatch.setattr(producer, "commit_transaction", commits)

    one_by_one = zip(entries(1, 40, lane=0), entries(1, 40, lane=1), strict=True)
    publisher.put([entry for of_both in one_by_one for entry in of_both])
    await all_published(publisher, 40)

    assert [await published(settings, lane=lane) for lane in (0, 1)] == [list(range(1, 41))] * 2
    assert commits.await_count == 1
    assert publisher.marks(0)["outcomes"] == publisher.marks(1)["outcomes"] == Mark(40, 40)


async def test_two_who_share_the_lanes_of_a_third_fence_it_and_not_each_other(
    settings: Settings, publisher: Publisher
) -> None:
    await take_both(publisher)
    publisher.put([*entries(1, 2, lane=0), *entries(1, 2, lane=1)])
    await all_published(publisher, 2)
    heirs = [publisher_of(settings), publisher_of(settings)]

    before = [publisher.transactional_id]
    await asyncio.gather(
        *(
            heir.open(heir.transactional_id, {n: NOTHING}, before, yes)
            for n, heir in enumerate(heirs)
        )
    )
    publisher.put(entries(3, 3, lane=1))
    with pytest.raises(Superseded, match="another publisher"):
        await _until_refused(publisher)
    for lane, heir in enumerate(heirs):
        heir.put(entries(3, 5, lane=lane))
        await heir.close(20)

    assert [await published(settings, lane=lane) for lane in (0, 1)] == [[1, 2, 3, 4, 5]] * 2


async def test_who_is_fenced_in_mid_probe_by_another_heir_probes_once_more(
    settings: Settings,
) -> None:
    kafka = kafka_of(settings)
    dead = ["the-dead"]
    async with Fenced.all(kafka, dead) as one, Fenced.all(kafka, dead) as another:
        await one.probe(LANE)
        await another.probe(LANE)
    partition = TopicPartition(settings.outcomes_topic, LANE)
    reader = new_reader(settings, "read_uncommitted")
    await reader.start()
    written = (await reader.end_offsets([partition]))[partition]
    await reader.stop()

    assert written == 4  # of each a record and its marker
    assert await published(settings) == []


@pytest.fixture
async def fenced(settings: Settings) -> AsyncIterator[TransactionalProducer]:
    """Give a producer that another under its id has fenced, and that does not know it yet."""
    kafka = kafka_of(settings)
    fenced, heir = (TransactionalProducer(kafka, "the-dead") for _ in range(2))
    await fenced.start()
    await fenced.probe(LANE)  # it knows the topics, and need not ask for them between two calls
    await heir.start()
    yield fenced
    await asyncio.gather(fenced.discard(), heir.discard())


@pytest.mark.parametrize("sends", [1, 2])
async def test_who_is_fenced_in_mid_probe_is_told_so(
    fenced: TransactionalProducer, sends: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """aiokafka speaks of the state that it is in then, by other errors, and not of the cause."""
    _notice_after(sends, fenced._producer, "send", monkeypatch)

    with pytest.raises(ProducerFenced):
        await fenced.probe(LANE)


@pytest.mark.parametrize("sends", [1, 2])
async def test_who_is_fenced_between_two_lanes_is_told_so(
    fenced: TransactionalProducer, sends: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    _notice_after(sends, fenced._producer, "send_batch", monkeypatch)

    with pytest.raises(ProducerFenced):
        await fenced.publish([*entries(1, 2, lane=0), *entries(1, 2, lane=1)])


def _notice_after(
    sends: int, producer: AIOKafkaProducer, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Let the answer to so many sends come before anything else is asked of the producer."""
    send, sent = getattr(producer, name), count(1)

    async def send_and_wait(*args: object, **options: object) -> object:
        acknowledged = await send(*args, **options)
        if next(sent) == sends:
            await asyncio.wait([acknowledged])
        return acknowledged

    monkeypatch.setattr(producer, name, send_and_wait)


async def test_who_was_overtaken_before_its_producer_started_publishes_nothing(
    settings: Settings, publisher: Publisher
) -> None:
    """The next owner fenced an id that nobody had yet: its owner shuts that out when it wakes."""
    frozen = publisher_of(settings)
    overtaken_id = frozen.transactional_id
    await take(publisher, overtaken_id)
    publisher.put(entries(1, 2))
    await all_published(publisher, 2)

    with pytest.raises(Superseded, match="taken over"):
        await take(frozen, is_ours=_answering([False]))
    with pytest.raises(Superseded, match="given up"):
        frozen.put(entries(1, 2))

    assert await published(settings) == [1, 2]


async def test_who_is_closed_while_it_takes_over_has_taken_nothing(
    settings: Settings, publisher: Publisher
) -> None:
    async def yes_after_a_close() -> bool:
        await publisher.close(0)
        return True

    with pytest.raises(Superseded, match="while they were taken over"):
        await take(publisher, is_ours=yes_after_a_close)
    with pytest.raises(Superseded, match="given up"):
        publisher.put(entries(1, 1))

    await take(publisher)
    publisher.put(entries(1, 1))
    await all_published(publisher, 1)
    assert await published(settings) == [1]


async def test_an_id_that_was_noted_before_a_close_is_not_opened_after_it(
    publisher: Publisher,
) -> None:
    await take(publisher)
    noted = publisher.transactional_id
    await publisher.close(0)

    with pytest.raises(Superseded, match="before they were taken over"):
        await publisher.open(noted, {LANE: NOTHING}, (), yes)


async def test_a_take_over_that_fails_is_tried_again_under_the_same_id(
    publisher: Publisher,
) -> None:
    """Else each attempt would leave one more id to be fenced."""
    noted = publisher.transactional_id
    with pytest.raises(KafkaTimeoutError, match="could not be taken over in time"):
        await take(publisher, is_ours=_answering([None]))

    assert publisher.transactional_id == noted
    await take(publisher)


async def test_a_producer_that_was_cancelled_in_mid_transaction_refuses_the_next(
    settings: Settings,
) -> None:
    """aiokafka would answer with an AssertionError, which nobody takes for an outage."""
    producer = TransactionalProducer(kafka_of(settings), "cancelled")
    await producer.start()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0):
            await producer.publish(entries(1, 2))

    with pytest.raises(KafkaError, match="made anew"):
        await producer.probe(LANE)

    await producer.discard()


async def test_after_it_was_closed_it_is_another_publisher(publisher: Publisher) -> None:
    first = publisher.transactional_id
    await take(publisher)
    assert publisher.transactional_id == first

    await publisher.close(0)

    assert publisher.transactional_id != first
    with pytest.raises(Superseded, match="given up"):
        publisher.put(entries(1, 1))


async def test_the_next_owner_goes_on_after_what_is_published(
    settings: Settings, publisher: Publisher
) -> None:
    await take(publisher)
    publisher.put(entries(1, 5))
    await all_published(publisher, 5)

    next_owner = publisher_of(settings)
    marks = await take(next_owner, publisher.transactional_id)
    next_owner.put(entries(marks["outcomes"].sequence + 1, 8))
    await all_published(next_owner, 8)
    await next_owner.close(0)

    assert marks["outcomes"].sequence == 5
    assert await published(settings) == list(range(1, 9))


async def test_what_the_last_owner_left_in_an_open_transaction_is_not_published(
    settings: Settings, publisher: Publisher
) -> None:
    died = TransactionalProducer(kafka_of(settings), "who-died")
    await died.start()
    await died._producer.begin_transaction()
    sent = await died._producer.send(settings.outcomes_topic, b"{}", partition=LANE)
    await sent

    marks = await take(publisher, "who-died")
    publisher.put(entries(1, 3))
    await all_published(publisher, 3)

    assert marks["outcomes"].sequence == 0
    assert await published(settings) == [1, 2, 3]
    await died.discard()


async def test_an_owner_that_was_superseded_publishes_nothing_more_and_is_told(
    settings: Settings, publisher: Publisher
) -> None:
    await take(publisher)
    publisher.put(entries(1, 1))
    await all_published(publisher, 1)
    next_owner = publisher_of(settings)
    await take(next_owner, publisher.transactional_id, marks=publisher.marks(LANE))

    publisher.put(entries(2, 2))
    with pytest.raises(Superseded, match="another publisher"):
        await _until_refused(publisher)

    assert await published(settings) == [1]
    await next_owner.close(0)


async def test_who_was_frozen_in_mid_publish_leaves_the_new_owner_its_producer(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It wakes up when the time for its publish is over, and would make its producer anew."""
    ours: list[bool | None] = [True]
    frozen = publisher_of(settings)
    await take(frozen, is_ours=_answering(ours))
    frozen.put(entries(1, 1))
    await all_published(frozen, 1)
    next_owner = publisher_of(settings)
    await take(next_owner, frozen.transactional_id, marks=frozen.marks(LANE))
    ours[:] = [False]

    monkeypatch.setattr(end_of(frozen)._producer, "publish", _too_late)
    frozen.put(entries(2, 2))
    with pytest.raises(Superseded, match="another publisher"):
        await _until_refused(frozen)

    next_owner.put(entries(2, 3))
    await all_published(next_owner, 3)
    assert await published(settings) == [1, 2, 3]
    await asyncio.gather(frozen.close(0), next_owner.close(0))


async def test_while_nobody_can_say_whose_a_lane_is_its_publisher_waits(
    settings: Settings, publisher: Publisher
) -> None:
    answers: list[bool | None] = [True, None, None, True]
    await take(publisher, is_ours=_answering(answers))

    end_of(publisher)._producer._producer.commit_transaction = _failing
    publisher.put(entries(1, 2))
    await all_published(publisher, 2)

    assert answers == [True]
    assert await published(settings) == [1, 2]


def _answering(answers: list[bool | None]) -> IsOurs:
    """Give one answer after the other, and the last one again and again."""

    async def is_ours() -> bool | None:
        return answers[0] if len(answers) == 1 else answers.pop(0)

    return is_ours


async def _too_late(_: object) -> None:
    raise TimeoutError


async def _failing() -> None:
    raise OSError("connection reset")


async def _until_refused(publisher: Publisher) -> None:
    async with asyncio.timeout(20):
        while True:
            publisher._changed.clear()
            await publisher.room(0.1)
            await publisher._changed.wait()


async def test_after_a_failed_transaction_it_reads_what_is_published_and_goes_on(
    settings: Settings,
) -> None:
    """The commit went through and its answer was lost: nobody knows, so the topic is asked."""
    producers: list[object] = []

    def new_producer(transactional_id: str) -> object:
        producer = new_transactional_producer(settings, transactional_id)
        producers.append(producer)
        if len(producers) == 1:
            producer.commit_transaction = _losing_the_answer(producer.commit_transaction)
        return producer

    kafka = kafka_of(settings)
    publisher = Publisher(
        replace(kafka, new_producer=new_producer),
        pending_max=1000,
        publish_seconds_max=5.0,
        on_published=lambda count, seconds: None,
    )
    await take(publisher)

    publisher.put(entries(1, 4))
    publisher.put(entries(5, 6))
    await all_published(publisher, 6)
    await publisher.close(5)

    assert len(producers) == 2
    assert await published(settings) == [1, 2, 3, 4, 5, 6]


def _losing_the_answer(commit: object) -> object:
    async def commit_and_fail() -> None:
        await commit()  # type: ignore[operator]
        raise OSError("connection reset")

    return commit_and_fail


async def test_the_published_end_is_found_from_an_old_mark_and_from_none(
    settings: Settings, publisher: Publisher
) -> None:
    await take(publisher)
    publisher.put(entries(1, 3))
    await all_published(publisher, 3)
    old = publisher.marks(LANE)
    publisher.put(entries(4, 9))
    await all_published(publisher, 9)

    for seen in (NOTHING, old, publisher.marks(LANE)):
        next_owner = publisher_of(settings)
        found = await take(next_owner, marks=seen)
        await next_owner.close(0)
        assert found["outcomes"].sequence == 9


async def test_closing_publishes_what_is_in_hand(settings: Settings, publisher: Publisher) -> None:
    await take(publisher)
    publisher.put(entries(1, 500))

    await publisher.close(10)

    assert await published(settings) == list(range(1, 501))


async def test_a_broker_killed_right_after_a_commit_hides_nothing_and_doubles_nothing(
    directory: Path,
) -> None:
    """Kafka acknowledges a commit before its marker is written, and may never write it."""
    broker = await start_kafka(directory)
    settings = await made(broker)
    journal = entries(1, 3 * KILLS)
    before = "nobody"
    for last in range(3, 3 * KILLS + 1, 3):
        publisher = publisher_of(settings)
        marks = await take(publisher, before)
        before = publisher.transactional_id
        publisher.put(journal[marks["outcomes"].sequence : last])
        await all_published(publisher, last)
        await broker.kill()
        await broker.start()
        await publisher.close(0)

    final = publisher_of(settings)
    too_far: Marks = {"outcomes": Mark(3 * KILLS, 100), "dead_letters": Mark()}
    marks = await take(final, before, marks=too_far)
    final.put(journal[marks["outcomes"].sequence :])
    await final.close(10)
    assert await published(settings) == list(range(1, 3 * KILLS + 1))
    await broker.stop()


async def test_a_mark_of_what_is_not_in_the_topic_is_not_believed(
    settings: Settings, publisher: Publisher
) -> None:
    await take(publisher)
    publisher.put(entries(1, 2))
    await all_published(publisher, 2)
    vanished = TransactionalProducer(kafka_of(settings), "who-vanished")
    await vanished.start()
    await vanished.probe(LANE)  # an aborted transaction: as if 3 had been acknowledged and lost

    next_owner = publisher_of(settings)
    marks = await take(next_owner, marks={"outcomes": Mark(3, 4), "dead_letters": Mark()})
    await next_owner.close(0)
    await vanished.discard()

    assert marks["outcomes"].sequence == 2


async def test_what_was_acknowledged_and_is_not_there_is_noticed_when_all_is_quiet(
    settings: Settings, publisher: Publisher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(publishing, "CONFIRM_SECONDS", 0.2)
    await take(publisher)
    publisher.put(entries(1, 2))
    await all_published(publisher, 2)
    marks = end_of(publisher).marks[LANE]
    marks["outcomes"] = Mark(5, marks["outcomes"].offset + 3)

    with pytest.raises(Unpublished, match="up to 2, and 5 was acknowledged"):
        await _until_refused(publisher)


async def test_it_is_noticed_of_a_quiet_lane_while_another_is_busy(
    settings: Settings, publisher: Publisher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(publishing, "CONFIRM_SECONDS", 0.2)
    await take_both(publisher)
    publisher.put(entries(1, 1, lane=1))
    await all_published(publisher, 1)
    end_of(publisher).marks[1]["outcomes"] = Mark(2, 9)

    with pytest.raises(Unpublished, match="lane 1 has outcomes up to 1, and 2 was acknowledged"):
        await asyncio.wait_for(_publish_one_by_one(publisher, lane=0), 20)
    assert len(await published(settings, lane=0)) > 1


async def _publish_one_by_one(publisher: Publisher, lane: int) -> None:
    for sequence in count(1):
        publisher.put(entries(sequence, sequence, lane=lane))
        while publisher.pending:
            publisher._changed.clear()
            await publisher._changed.wait()


async def test_after_a_look_that_found_less_nothing_more_is_published(
    settings: Settings, publisher: Publisher, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would be published behind what is missing, and the next owner would see no gap."""
    monkeypatch.setattr(publishing, "CONFIRM_SECONDS", 0.05)
    await take(publisher)
    publisher.put(entries(1, 2))
    await all_published(publisher, 2)
    look = end_of(publisher).look

    async def look_when_more_has_come(lanes: set[int]) -> None:
        end_of(publisher).marks[LANE]["outcomes"] = Mark(4, 9)
        if lanes:
            publisher.put(entries(5, 5))
            await asyncio.sleep(0)
        await look(lanes)

    monkeypatch.setattr(end_of(publisher), "look", look_when_more_has_come)
    with pytest.raises(Unpublished, match="up to 2, and 4 was acknowledged"):
        await _until_refused(publisher)
    await publisher.close(0)

    assert await published(settings) == [1, 2]


async def test_after_a_look_that_failed_all_lanes_are_looked_at_before_more_is_published(
    settings: Settings, publisher: Publisher, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its probe may have aborted what a broker had hidden."""
    monkeypatch.setattr(publishing, "CONFIRM_SECONDS", 0.05)
    await take(publisher)
    publisher.put(entries(1, 2))
    await all_published(publisher, 2)
    failed, look = asyncio.Event(), end_of(publisher).look

    async def look_in_vain(lanes: set[int]) -> None:
        if lanes:
            monkeypatch.setattr(end_of(publisher), "look", look)
            end_of(publisher).marks[LANE]["outcomes"] = Mark(4, 9)
            publisher.put(entries(5, 5))
            failed.set()
            raise OSError("connection reset")

    monkeypatch.setattr(end_of(publisher), "look", look_in_vain)
    with pytest.raises(Unpublished, match="up to 2, and 4 was acknowledged"):
        await _until_refused(publisher)
    await publisher.close(0)

    assert failed.is_set()
    assert await published(settings) == [1, 2]


async def test_a_lane_that_is_looked_at_waits_and_others_do_not(
    settings: Settings, publisher: Publisher, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is published in the midst of a look would seem to be there before it was sent."""
    monkeypatch.setattr(publishing, "CONFIRM_SECONDS", 0.05)
    await take_both(publisher)
    looking, goes_on, look = asyncio.Event(), asyncio.Event(), end_of(publisher).look

    async def look_for_long(lanes: set[int]) -> None:
        if lanes:
            looking.set()
            await goes_on.wait()
        await look(lanes)

    monkeypatch.setattr(end_of(publisher), "look", look_for_long)
    publisher.put(entries(1, 1, lane=1))
    async with asyncio.timeout(20):
        await looking.wait()
        publisher.put([*entries(2, 2, lane=1), *entries(1, 3, lane=0)])
        while publisher.marks(0)["outcomes"].sequence < 3:
            await publisher._changed.wait()
            publisher._changed.clear()
    assert publisher.pending == 1

    goes_on.set()
    await all_published(publisher, 2)

    assert await published(settings, lane=0) == [1, 2, 3]
    assert await published(settings, lane=1) == [1, 2]


async def test_who_is_fenced_while_all_is_quiet_is_told(
    publisher: Publisher, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A probe may be what meets the next owner's producer: that is no outage to be waited out."""
    monkeypatch.setattr(publishing, "CONFIRM_SECONDS", 0.05)

    async def look(_: object) -> None:
        raise ProducerFenced

    await take(publisher)
    monkeypatch.setattr(end_of(publisher), "look", look)
    publisher.put(entries(1, 1))

    with pytest.raises(Superseded, match="another publisher"):
        await _until_refused(publisher)


async def test_closing_ends_a_look_that_passes_its_cancellation_over(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A rebalance waits for it: this worker would be out of its group until it was rebuilt."""
    monkeypatch.setattr(publishing, "CONFIRM_SECONDS", 0.05)
    kafka, stopping = kafka_of(settings), asyncio.Event()

    def new_reader(isolation_level: IsolationLevel) -> AIOKafkaConsumer:
        reader = kafka.new_reader(isolation_level)
        stop = reader.stop

        async def stop_as_aiokafka_may() -> None:
            stopping.set()
            with suppress(asyncio.CancelledError):  # as while it waits for a task of its own
                await asyncio.Event().wait()
            await stop()

        reader.stop = stop_as_aiokafka_may
        return reader

    publisher = publisher_of(settings)
    await take(publisher)
    monkeypatch.setattr(end_of(publisher), "_kafka", replace(kafka, new_reader=new_reader))
    publisher.put(entries(1, 1))
    await all_published(publisher, 1)
    async with asyncio.timeout(20):
        await stopping.wait()

        await publisher.close(0)

    assert await published(settings) == [1]


async def test_a_topic_made_anew_under_a_publisher_is_told(
    settings: Settings, publisher: Publisher
) -> None:
    await take(publisher)
    publisher.put(entries(1, 10))
    await all_published(publisher, 10)
    admin = AIOKafkaAdminClient(bootstrap_servers=settings.kafka_bootstrap_servers)
    await admin.start()
    await admin.delete_topics([settings.outcomes_topic])
    await admin.close()
    await create_topics(settings, partitions=2, replication_factor=1)

    publisher.put(entries(11, 11))

    with pytest.raises(Unpublished):
        await asyncio.wait_for(has_no_more_room(publisher), 30)
    assert publisher.marks(LANE)["outcomes"].sequence == 10  # so the next owner can tell


async def has_no_more_room(publisher: Publisher) -> None:
    """Ask for room until that is refused."""
    while await publisher.room(0.1):
        await asyncio.sleep(0.02)
