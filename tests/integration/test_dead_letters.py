"""Dead letters on the real servers: found, shown, and sent to where they came from."""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from aiokafka.errors import KafkaError
from asyncpg import Pool

from consumers.dead_letter_limit import Seen
from consumers.dead_letter_memory import seen_before
from consumers.journaling import DEAD_LETTER_BYTES_MAX
from consumers.records import Batch
from consumers.transaction import apply_batch
from db.connect import Connection
from db.dead_letter_replays import begin_replay, end_replay, list_replays
from db.dead_letters import (
    Kept,
    Listed,
    Place,
    Wanted,
    find_dead_letters,
    list_dead_letters,
)
from db.journal import last_bad_offsets
from db.lanes import Lane
from db.taking_lanes import take_lanes
from schemas.journal import DeadLetter, Headers
from service.dead_letters.replaying import Done, refusal_of, replay
from service.embedded import EmbeddedKafka
from service.outcome_reader import Published, published_reader
from service.settings import Settings
from service.topics import TopicsOk, create_topics
from tests.integration.test_cli import Result, reservations
from tests.poison import HEADERS

LANES = 2
NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
SECRET = "s3cr3t-0f-ada"

TOPICS = {
    f"{role}_topic": role
    for role in (
        *("admitted", "cart_updated", "checkout_completed", "hold_commands"),
        *("admission_expired", "expiry_ticks", "outcomes", "dead_letters"),
    )
}


@pytest.fixture(scope="module")
async def settings(kafka: EmbeddedKafka, database_url: str) -> Settings:
    suffix = uuid4().hex[:8]
    named = {field: f"{name}-{suffix}" for field, name in TOPICS.items()}
    settings = Settings.model_validate(
        {
            "kafka_bootstrap_servers": kafka.bootstrap_servers,
            "database_url": database_url,
            **named,
        }
    )
    await create_topics(settings, partitions=LANES, replication_factor=1)
    return settings


def letter(
    offset: int,
    *,
    topic: str = "admitted",
    lane: int = 0,
    key: bytes | None = b"ada",
    value: bytes | None = b"?",
    headers: Headers = (),
    reason: str = "not JSON: expected value",
) -> DeadLetter:
    return DeadLetter(lane, topic, lane, offset, key, value, headers, NOON, reason)


async def keep(pool: Pool, *batches: Sequence[DeadLetter]) -> dict[int, Lane]:
    """Write dead letters as a worker does, each batch in a transaction of its own."""
    async with pool.acquire() as connection:
        lanes = await take_lanes(connection, range(LANES), ["admitted"], "test")
    for letters in batches:
        batch = Batch(dead_letters=list(letters))
        lanes = (await apply_batch(pool, batch, lanes, expiry_batch_max=1)).lanes
    return lanes


async def offsets(db: Connection, limit: int = 100, **wanted: Any) -> list[int]:
    found = await list_dead_letters(db, Wanted(**wanted), limit)
    return [one.place.offset for one in found]


async def only(db: Connection, place: Place) -> Kept:
    (kept,) = await find_dead_letters(db, places=[place])
    return kept


# Found


async def test_dead_letters_are_listed_the_newest_first_over_all_lanes(
    db: Connection, pool: Pool
) -> None:
    await keep(pool, [letter(1), letter(2)], [letter(7, lane=1)], [letter(3)])

    assert await offsets(db) == [3, 7, 2, 1]
    assert await offsets(db, limit=2) == [3, 7]


async def test_they_are_looked_for_by_topic_by_reason_and_by_time(
    db: Connection, pool: Pool
) -> None:
    unknown = "type: 'queue.admitted' is not known"
    await keep(pool, [letter(1), letter(2, reason=unknown), letter(3, topic="carts", lane=1)])
    (first, *_) = await list_dead_letters(db, Wanted(), 1)
    after = first.written_at + timedelta(microseconds=1)

    assert await offsets(db, topic="carts") == [3]
    assert await offsets(db, reason="is not known") == [2]
    assert await offsets(db, reason="' OR true --") == []
    assert await offsets(db, topic="admitted", reason="JSON") == [1]
    assert await offsets(db, since=first.written_at) == [2, 1, 3]
    assert await offsets(db, since=after) == []


@pytest.mark.parametrize("headers", HEADERS.values(), ids=HEADERS)
async def test_one_is_found_by_its_place_with_its_own_headers_whatever_they_are(
    db: Connection, pool: Pool, headers: tuple[tuple[bytes, bytes | None], ...]
) -> None:
    own = tuple((name.decode("utf-8", "backslashreplace"), value) for name, value in headers)
    await keep(pool, [letter(1, headers=own), letter(2), letter(1, lane=1)])

    found = await only(db, Place("admitted", 0, 1))

    assert found.headers == own
    assert (found.key, found.value, found.truncated_bytes) == (b"ada", b"?", None)
    assert found.listed.place == Place("admitted", 0, 1)
    assert found.listed.reason == "not JSON: expected value"
    assert found == (await find_dead_letters(db, ids=[found.listed.id]))[0]


async def test_a_reason_may_have_any_letters(db: Connection, pool: Pool) -> None:
    await keep(pool, [letter(1, reason="type: '\\x00 ключ %s \0' is not known")])

    assert await offsets(db, reason="ключ %s") == [1]
    assert (await only(db, Place("admitted", 0, 1))).listed.reason.startswith("type: '\\x00 ключ")


async def test_one_that_is_too_large_to_be_kept_tells_its_size(db: Connection, pool: Pool) -> None:
    size = DEAD_LETTER_BYTES_MAX + 1
    await keep(pool, [letter(1, key=None, value=b"x" * size, headers=(("h", b"1"),))])

    found = await only(db, Place("admitted", 0, 1))

    assert found.truncated_bytes == size + 2
    assert (found.value, found.listed.value_bytes) == (None, None)


async def test_a_sender_s_header_makes_nothing_truncated(db: Connection, pool: Pool) -> None:
    own = (("dlq.truncated", b"7"), ("dlq.offset", b"none"))
    await keep(pool, [letter(1, value=None, headers=own)])

    assert (await only(db, Place("admitted", 0, 1))).truncated_bytes is None


async def test_the_last_ones_of_a_lane_are_told_for_the_limit(db: Connection, pool: Pool) -> None:
    await keep(pool, [letter(n) for n in range(5)], [letter(9, topic="carts"), letter(1, lane=1)])

    assert await last_bad_offsets(db, [0], 4) == [
        *((0, "admitted", 2), (0, "admitted", 3), (0, "admitted", 4)),
        (0, "carts", 9),
    ]
    assert await last_bad_offsets(db, [1, 0], 1) == [(0, "carts", 9), (1, "admitted", 1)]


async def test_the_last_ones_of_a_lane_are_read_by_the_primary_key(
    db: Connection, pool: Pool
) -> None:
    await keep(pool, [letter(n) for n in range(50)])

    rows = await db.fetch(
        "EXPLAIN SELECT from_offset FROM dead_letters WHERE lane = 0 ORDER BY sequence DESC LIMIT 9"
    )

    plan = "\n".join(row[0] for row in rows)
    assert "Index Scan Backward using journal_pkey" in plan
    assert "Sort Key: journal.sequence" not in plan


# Remembered


async def test_a_replay_is_begun_once_and_again_where_that_is_asked_for(db: Connection) -> None:
    one = uuid4()

    numbers = [await begin_replay(db, one, again=again) for again in (False, False, True, False)]
    await end_replay(db, one, 2, 77)

    assert numbers == [1, None, 2, None]
    assert [replay.sent_offset for replay in await list_replays(db, one)] == [None, 77]
    assert await begin_replay(db, uuid4(), again=True) == 1


async def test_of_two_who_replay_at_once_one_does(pool: Pool, db: Connection) -> None:
    one = uuid4()

    async def begin(again: bool) -> int | None:
        async with pool.acquire() as connection:
            return await begin_replay(connection, one, again=again)

    numbers = await asyncio.gather(*(begin(False) for _ in range(8)))

    assert sorted(number or 0 for number in numbers) == [0] * 7 + [1]


# Replayed


async def replayed(
    settings: Settings, db: Connection, *places: Place, again: bool = False
) -> list[Done]:
    found = [(await only(db, place)).listed for place in places]
    return await replay(settings, db, found, again=again)


async def test_what_a_rewind_told_again_is_one_dead_letter(
    settings: Settings, db: Connection, pool: Pool
) -> None:
    topic = settings.admitted_topic
    await keep(pool, [letter(1, topic=topic)], [letter(1, topic=topic)])

    shown = await dead_letters(settings, "show", f"{topic}/0/1")
    sent = await dead_letters(settings, "replay", "--topic", topic, "--yes")
    again = await dead_letters(settings, "replay", f"{topic}/0/1", "--yes", "--again")

    assert (shown.exit_code, shown.stderr) == (0, "")
    assert (sent.exit_code, again.exit_code) == (0, 0), sent.stderr + again.stderr
    assert len(await records_of(settings, topic, 2)) == 2


async def test_what_a_rewind_told_again_counts_once_toward_the_limit(pool: Pool) -> None:
    bad = [letter(offset) for offset in range(0, 90, 3)]
    lanes = await keep(pool, bad, bad)
    lanes[0].next_offsets["admitted"] = 88

    seen = await seen_before(pool, [lanes[0]])

    assert seen[0, "admitted"] == Seen(88, tuple(range(0, 88, 3)), run=1)


async def records_of(settings: Settings, topic: str, count: int) -> list[Published]:
    """Read a topic's last records, as many as are waited for."""
    found: list[Published] = []
    async with asyncio.timeout(20), published_reader(settings, [topic], LANES) as reader:
        await reader.from_beginning()
        arriving = reader.endless()
        while len(found) < count:
            found += await anext(arriving)
    return found


async def test_a_replay_is_the_record_byte_for_byte_in_the_partition_that_it_came_from(
    settings: Settings, db: Connection, pool: Pool
) -> None:
    topic = settings.cart_updated_topic
    own = (("h", b"\xff\0"), ("h", None), ("", b""), ("dlq.id", b"theirs"))
    sent = [
        letter(5, topic=topic, lane=1, key=b"\xff\0", value=b"\0?", headers=own),
        letter(6, topic=topic, lane=1, key=None, value=None),
        letter(7, topic=topic, lane=1, value=b"", headers=(("dlq.replay", b"earlier"),)),
        letter(8, topic=topic, lane=1, value=b"x" * 3_000_000),
    ]
    await keep(pool, sent)
    places = [Place(topic, 1, one.offset) for one in sent]

    done = await replayed(settings, db, *places)

    found = await records_of(settings, topic, len(sent))
    assert [one.offset for one in done] == [0, 1, 2, 3]
    for record, came, place in zip(found, sent, places, strict=True):
        kept = await only(db, place)
        own_ones = tuple(header for header in came.headers if header[0] != "dlq.replay")
        assert (record.lane, record.key, record.value) == (1, came.key, came.value)
        assert record.headers == (*own_ones, ("dlq.replay", str(kept.listed.id).encode()))
        assert kept.listed.replays == 1


async def test_what_is_too_large_for_its_topic_is_not_remembered_as_sent(
    settings: Settings, db: Connection, pool: Pool
) -> None:
    topic = settings.hold_commands_topic
    noise = b"".join(uuid4().bytes for _ in range(100_000))  # no codec makes it smaller
    await keep(pool, [letter(1, topic=topic, value=noise), letter(2, topic=topic)])

    done = await replayed(settings, db, Place(topic, 0, 1), Place(topic, 0, 2))

    assert [one.offset for one in done] == [None, 0]
    assert "raise its max.message.bytes" in done[0].refusal
    assert (await only(db, Place(topic, 0, 1))).listed.replays == 0


async def test_one_whose_content_is_not_kept_says_where_it_is(
    settings: Settings, db: Connection, pool: Pool
) -> None:
    topic = settings.admission_expired_topic
    await keep(pool, [letter(1, topic=topic, value=b"x" * (DEAD_LETTER_BYTES_MAX + 1))])

    (done,) = await replayed(settings, db, Place(topic, 0, 1))

    assert done.offset is None
    assert f"the record is in {topic}[0] at offset 1" in done.refusal


async def test_a_replay_that_nobody_saw_the_end_of_counts_as_sent(
    settings: Settings, db: Connection, pool: Pool, kafka: EmbeddedKafka
) -> None:
    topic = settings.admitted_topic
    await keep(pool, [letter(1, topic=topic)])
    found = (await only(db, Place(topic, 0, 1))).listed
    await begin_replay(db, found.id, again=False)

    (first,) = await replay(settings, db, [found], again=False)
    (again,) = await replay(settings, db, [found], again=True)

    assert first.offset is None
    assert first.refusal == (
        "was replayed by somebody else just now: `reservations dead-letters show` says what"
        " became of it"
    )
    assert again.offset is not None


def listed(topic: str, partition: int = 0, replays: int = 0) -> Listed:
    return Listed(UUID(int=1), Place(topic, partition, 1), "", NOON, NOON, 1, replays)


@pytest.mark.parametrize(
    ("found", "again", "refusal"),
    [
        (listed("admitted"), False, ""),
        (listed("admitted", replays=2), True, ""),
        (listed("admitted", replays=2), False, "was replayed already: "),
        (listed("admitted", 2), False, "admitted has no partition 2"),
        (listed("orders"), True, "orders is not among the input topics of the settings"),
        (listed("reservation-outcomes"), False, "reservation-outcomes is not among the input topi"),
    ],
)
def test_what_will_not_be_sent_says_why(found: Listed, again: bool, refusal: str) -> None:
    said = refusal_of(found, Settings(), TopicsOk(lanes=LANES), again=again)

    assert said.startswith(refusal)
    assert bool(said) == bool(refusal)


async def test_a_replay_without_a_broker_sends_and_remembers_nothing(
    settings: Settings, db: Connection, pool: Pool
) -> None:
    await keep(pool, [letter(1)])
    found = (await only(db, Place("admitted", 0, 1))).listed
    nowhere = settings.model_copy(update={"kafka_bootstrap_servers": "127.0.0.1:1"})

    with pytest.raises(KafkaError):
        await replay(nowhere, db, [found], again=False)

    assert await list_replays(db, found.id) == []


# The command


async def dead_letters(settings: Settings, *arguments: str) -> Result:
    variables = {field.upper(): str(getattr(settings, field)) for field in TOPICS}
    return await reservations(
        "dead-letters",
        *arguments,
        DATABASE_URL=settings.database_url.get_secret_value(),
        KAFKA_BOOTSTRAP_SERVERS=settings.kafka_bootstrap_servers,
        **variables,
    )


async def test_the_command_lists_shows_and_replays(
    settings: Settings, db: Connection, pool: Pool
) -> None:
    topic = settings.checkout_completed_topic
    cut = f'{{"type": "queue.consumer.admitted", "data": {{"token": "{SECRET}"'.encode()
    await keep(pool, [letter(1, topic=topic, value=cut), letter(2, topic=topic), letter(3)])
    name = f"{topic}/0/1"

    table = await dead_letters(settings, "list", "--topic", topic)
    lines = await dead_letters(settings, "list", "--json", "--limit", "2")
    shown = await dead_letters(settings, "show", name)
    planned = await dead_letters(settings, "replay", name)
    sent = await dead_letters(settings, "replay", name, "--yes")
    twice = await dead_letters(settings, "replay", name, "--yes")
    replanned = await dead_letters(settings, "replay", name)
    rest = await dead_letters(settings, "replay", "--topic", topic, "--yes")
    nobody = await dead_letters(settings, "replay", f"{topic}/0/9", "--yes")

    assert table.stdout.splitlines()[0].split() == ["written_at", "id", "from", "replays", "reason"]
    assert [line.split()[2] for line in table.stdout.splitlines()[1:]] == [f"{topic}/0/2", name]
    assert [json.loads(line)["offset"] for line in lines.stdout.splitlines()] == [3, 2]
    assert lines.stderr == "there are more: give a higher --limit, or say which\n"
    assert "reason       not JSON: expected value\n" in shown.stdout
    assert "value        JSON, cut off, of" in shown.stdout
    assert SECRET not in shown.stdout
    assert (planned.exit_code, planned.stderr) == (0, "nothing was sent: --yes sends 1\n")
    assert f"({name}) would be sent: not JSON: expected value" in planned.stdout
    assert f"({name}) sent to {topic}[0] at offset 0\nreplayed 1 of 1\n" in sent.stdout
    already = (
        "was replayed already: `reservations dead-letters show` says what became of it,"
        " --again sends it once more"
    )
    assert (twice.exit_code, twice.stdout) == (1, "replayed 0 of 1\n")
    assert twice.stderr.endswith(f" ({name}) {already}\n")
    assert (replanned.exit_code, replanned.stdout) == (1, "")
    assert replanned.stderr == f"nothing would be sent\n{twice.stderr}"
    assert f"({topic}/0/2) sent to {topic}[0] at offset 1" in rest.stdout
    assert "replayed 1 of 2\n" in rest.stdout
    assert rest.stderr == f"1 not sent: {already}\n"
    assert (nobody.exit_code, nobody.stderr) == (1, f"{topic}/0/9: no dead letter is like that\n")
    values = [record.value for record in await records_of(settings, topic, 2)]
    assert values == [cut, b"?"]


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["list", "--since", "yesterday"], "--since yesterday: say how long ago"),
        (["show", "admitted/0/1"], "no dead letter is like that"),
        (["replay"], "say which: LETTER..., or --topic"),
    ],
)
async def test_what_a_person_gets_wrong_is_one_line(
    settings: Settings, db: Connection, arguments: list[str], problem: str
) -> None:
    result = await dead_letters(settings, *arguments)

    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith(problem)
    assert result.stderr.count("\n") == 1


async def test_two_of_one_place_are_told_apart_by_id(
    settings: Settings, db: Connection, pool: Pool
) -> None:
    topic = settings.admitted_topic
    earlier = letter(1, topic=topic)
    await keep(pool, [earlier], [replace(earlier, timestamp=NOON + timedelta(days=1))])

    shown = await dead_letters(settings, "show", f"{topic}/0/1")
    refused = await dead_letters(settings, "replay", f"{topic}/0/1", "--yes")

    assert "2026-11-23T12:00:00" in shown.stdout
    assert "there are 2 of this place: this is the newest" in shown.stderr
    assert (refused.exit_code, refused.stdout) == (1, "")
    assert refused.stderr == f"{topic}/0/1: 2 dead letters are: say an id\n"
