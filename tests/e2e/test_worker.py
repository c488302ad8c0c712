"""The worker as it is deployed: a process between a real Kafka and a real Postgres."""

import asyncio
import json
import signal
import time
from collections import Counter

from db.connect import connect
from tests.e2e.events import ADMITTED, Crowd, admitted, completed, left
from tests.e2e.world import WorkerProcess, World, count_of, until

POOL = ("used", "idle", "unopened")
QUICK = """
[[experience]]
organization_id = "acme"
experience_id = "drop"
window_seconds = { queue = 2 }
buffer_seconds = 0
"""


async def test_a_sale_from_admission_to_outcome(world: World) -> None:
    await world.prepare(partitions=1, stock={"lamp": 2})
    worker = await world.start_worker()

    await world.send([admitted("ada"), admitted("bo"), admitted("cy")])
    await world.outcomes(lambda read: len(read) == 3)
    await world.send([completed("ada"), left("bo")])
    outcomes = await world.outcomes(lambda read: len(read) == 5)

    assert count_of(outcomes) == Counter(reserved=2, rejected=1, converted=1, released=1)
    refused = [one for one in outcomes if one["type"] == "rejected"]
    assert [(one["consumerId"], one["reason"]) for one in refused] == [("cy", "insufficient_stock")]
    assert await worker.stop() == 0
    await world.must("verify")


async def test_outcomes_are_cloudevents_numbered_without_a_gap(world: World) -> None:
    await world.prepare(partitions=2, stock={"lamp": 100})
    await world.start_worker()
    await world.send(admitted(f"shopper-{n}") for n in range(40))

    outcomes = await world.outcomes(lambda read: len(read) == 40)

    for lane in (0, 1):
        of_lane = [one for one in outcomes if one["partition"] == lane]
        assert [one["sequence"] for one in of_lane] == list(range(1, len(of_lane) + 1))
        for one in of_lane:
            assert one["headers"]["ce_sequence"] == str(one["sequence"])
            assert one["headers"]["ce_type"] == "fanfare.reservation.reserved"
            assert one["headers"]["ce_specversion"] == "1.0"
            assert one["key"].decode() == one["consumerId"]
            assert one["lane"] == lane
    assert len({one["headers"]["ce_id"] for one in outcomes}) == 40


async def test_holds_expire_on_ticks(world: World) -> None:
    await world.prepare(partitions=2, stock={"lamp": 10}, policy=QUICK)
    worker = await world.start_worker(TICK_INTERVAL="0.2")

    await world.send(admitted(f"shopper-{n}") for n in range(10))
    outcomes = await world.outcomes(lambda read: count_of(read)["expired"] == 10)

    assert {one["reason"] for one in outcomes if one["type"] == "expired"} == {"hold_elapsed"}
    metrics = await worker.metrics()
    assert metrics['reservations_outcomes_total{reason="hold_elapsed",type="expired"}'] == 10
    assert sum(v for k, v in metrics.items() if k.startswith("reservations_holds_active{")) == 0


async def test_an_unreadable_record_is_a_dead_letter_byte_for_byte(world: World) -> None:
    await world.prepare(partitions=1, stock={"lamp": 1})
    await world.start_worker()

    await world.send([(ADMITTED, "ada", b"\xff not json"), admitted("bo")])

    letter, *rest = await world.read("reservation-dead-letters", lambda read: len(read) >= 1)
    assert rest == []
    assert letter["value"] == b"\xff not json"
    assert letter["key"] == b"ada"
    assert letter["headers"]["dlq.topic"] == world.topic(ADMITTED)
    assert letter["headers"]["dlq.offset"] == "0"
    assert letter["headers"]["dlq.sequence"] == "1"
    assert [one["consumerId"] for one in await world.outcomes(lambda read: len(read) == 1)] == [
        "bo"
    ]


async def test_two_workers_share_four_lanes_and_account_for_every_event(world: World) -> None:
    await world.prepare(partitions=4, stock={f"lamp-{n}": 500 for n in range(5)})
    crowd = Crowd(shoppers=10_500, seed=7)
    # Beside other tests a batch may take seconds: no lane is to move for that while it is counted.
    ours = {"SAMPLE_INTERVAL": "0.2", "SESSION_TIMEOUT": "30"}
    first, second = await asyncio.gather(world.start_worker(**ours), world.start_worker(**ours))

    sent = await world.send(crowd.records())
    assert sent >= 20_000

    async def all_are_accounted_for() -> bool:
        return sum((await _events(first, second)).values()) >= sent

    await until(all_are_accounted_for, seconds=60)
    events = await _events(first, second)
    assert sum(events.values()) == sent
    assert {result for _, result in events} >= {"applied", "duplicate", "dead_letter"}
    lanes = [(await worker.metrics())["reservations_lanes_owned"] for worker in (first, second)]
    assert lanes == [2, 2]
    await _together_they_count_nothing_twice(world, first, second)
    await world.must("verify")
    assert [await worker.stop() for worker in (first, second)] == [0, 0]


async def test_sigterm_stops_it_in_time_and_the_next_worker_takes_over_at_once(
    world: World,
) -> None:
    await world.prepare(partitions=2, stock={"lamp": 10_000})
    first = await world.start_worker()
    await first.log("lanes.taken")
    await world.send(admitted(f"early-{n}") for n in range(3000))

    began = time.monotonic()
    assert await first.stop(signal.SIGTERM) == 0
    assert time.monotonic() - began < 10

    second = await world.start_worker()
    began = time.monotonic()
    await second.log("lanes.taken")
    assert time.monotonic() - began < 3  # the first has left the group: no session to wait for
    await world.send([admitted("late")])
    outcomes = await world.outcomes(lambda read: len(read) == 3001)
    assert count_of(outcomes) == Counter(reserved=3001)
    await world.must("verify")


async def test_after_kill_9_nothing_is_lost_and_nothing_is_there_twice(world: World) -> None:
    await world.prepare(partitions=2, stock={"lamp": 100_000})
    first = await world.start_worker()
    await first.log("lanes.taken")
    await world.send(admitted(f"shopper-{n}") for n in range(8000))
    await world.outcomes(lambda read: len(read) > 0)

    await first.stop(signal.SIGKILL)
    await world.start_worker()

    outcomes = await world.outcomes(lambda read: len(read) >= 8000)
    assert len({one["headers"]["ce_id"] for one in outcomes}) == len(outcomes) == 8000
    await world.must("verify")


async def test_no_token_is_in_any_line_of_the_log_or_in_an_outcome(world: World) -> None:
    await world.prepare(partitions=1, stock={"lamp": 1})
    worker = await world.start_worker(LOG_LEVEL="debug")
    await world.send([admitted("ada"), (ADMITTED, "bo", b'{"admissionToken": "secret-token"')])
    outcomes = await world.outcomes(lambda read: len(read) == 1)
    await worker.stop()

    assert "secret-token" not in json.dumps(worker.lines)
    assert "secret-token" not in json.dumps(outcomes, default=str)


async def test_it_is_alive_ready_and_measured_over_http(world: World) -> None:
    await world.prepare(partitions=1, stock={"lamp": 5})
    worker = await world.start_worker(TICK_INTERVAL="0.2")
    await world.send([admitted("ada"), admitted("bo")])
    await world.outcomes(lambda read: len(read) == 2)

    async def ready() -> bool:
        return await worker.get("/readyz") == (200, "ok\n")

    await until(ready)
    assert await worker.get("/livez") == (200, "ok\n")
    metrics = await worker.metrics()
    topic = world.topic(ADMITTED)
    assert metrics[f'reservations_events_total{{result="applied",topic="{topic}"}}'] == 2
    assert metrics['reservations_outcomes_total{reason="",type="reserved"}'] == 2
    assert metrics['reservations_holds_active{lane="0"}'] == 2
    assert metrics[f'reservations_lag_records{{lane="0",topic="{topic}"}}'] == 0
    assert metrics['reservations_lag_seconds{lane="0"}'] < 5
    assert metrics['reservations_lane_epoch{lane="0"}'] == 1
    assert metrics["reservations_lanes"] == metrics["reservations_lanes_owned"] == 1
    pool = [metrics[f'reservations_database_connections{{state="{one}"}}'] for one in POOL]
    assert sum(pool) == 4
    assert metrics["reservations_batch_size_count"] >= 1
    assert metrics['reservations_batch_seconds_count{phase="save"}'] >= 1

    async def published_and_ticked() -> bool:
        now = await worker.metrics()
        return now["reservations_unpublished_outcomes"] == 0 and (
            0 < now["reservations_tick_age_seconds"] < 5
        )

    await until(published_and_ticked)


async def _together_they_count_nothing_twice(
    world: World, first: WorkerProcess, second: WorkerProcess
) -> None:
    """See that sums over workers are what the database has, and that each lane is told of once."""
    connection = await connect(world.database_url, application_name="test")
    asked = (
        "SELECT sum(reserved), sum(sold), (SELECT sum(holds_active) FROM lanes) FROM stock_lines"
    )
    held, sold, holds = (await connection.fetch(asked))[0]
    await connection.close()

    async def sums_are_right() -> bool:
        told = Counter(await first.metrics()) + Counter(await second.metrics())
        holds_told = sum(told[f'reservations_holds_active{{lane="{n}"}}'] for n in range(4))
        return (held, sold, holds) == (
            told['reservations_units_held{strategy="soft"}'],
            told['reservations_stock_units{state="sold"}'],
            holds_told,
        )

    await until(sums_are_right, seconds=60)  # a sample rests as long as it took, many times over
    names = [name for worker in (first, second) for name in await worker.metrics()]
    for of_a_lane in ("lane_epoch", "lag_seconds", "overdue_seconds", "unpublished_age_seconds"):
        found = [name for name in names if name.startswith(f"reservations_{of_a_lane}{{")]
        assert len(found) == len(set(found)) == 4
    samples = [name for name in names if "reservations_sample_age_seconds" in name]
    assert sum('sample="stock"' in name for name in samples) == 1


async def _events(*workers: object) -> Counter[tuple[str, str]]:
    """Sum what became of events, over workers, without ticks and without winners' lines."""
    counts: Counter[tuple[str, str]] = Counter()
    for worker in workers:
        for name, value in (await worker.metrics()).items():  # type: ignore[attr-defined]
            if name.startswith("reservations_events_total{") and "expiry-ticks" not in name:
                labels = dict(part.split("=") for part in name[26:-1].split(","))
                counts[labels["topic"].strip('"'), labels["result"].strip('"')] += int(value)
    return counts
