"""What a real worker logs of its work: batches and classes of refusals, never an event."""

import json
from collections import Counter
from typing import Any

from tests.e2e.events import ADMITTED, admitted
from tests.e2e.world import WorkerProcess, World, until

SHOPPERS = 60


async def test_a_batch_is_a_line_a_refusal_class_is_one_and_an_event_is_none(world: World) -> None:
    await world.prepare(partitions=2, stock={"lamp": 5})
    worker = await world.start_worker(TICK_INTERVAL="0.2")
    taken = await worker.log("lanes.taken")

    await world.send(admitted(f"shopper-{n}") for n in range(SHOPPERS))
    await world.send([(ADMITTED, "shopper-x", b"?")])
    outcomes = await world.outcomes(lambda read: len(read) == SHOPPERS)
    await worker.log("batch.dead_letters")
    await until(lambda: _has_ticked(worker, 8))  # so there were batches of ticks alone
    assert await worker.stop() == 0

    said = [line for line in worker.lines if line["event"].startswith("batch.")]
    batches = [line for line in said if line["event"] == "batch.applied"]
    refusals = [line for line in said if line["event"] == "batch.refusals"]
    assert sum(line["records"] for line in batches) == SHOPPERS + 1
    assert _sum(line["events"] for line in batches) == {"applied": SHOPPERS, "dead_letter": 1}
    assert _sum(line["outcomes"] for line in batches) == Counter(one["type"] for one in outcomes)
    assert {(line["type"], line["reason"]) for line in refusals} == {
        ("rejected", "insufficient_stock")
    }
    assert sum(line["count"] for line in refusals) == SHOPPERS - 5
    epochs = dict(zip(taken["lanes"], taken["epochs"], strict=True))
    for line in said:
        assert line["lanes"]
        assert line["epochs"] == [epochs[lane] for lane in line["lanes"]]
    assert len({line["batch"] for line in batches}) == len(batches)
    assert len(refusals) <= len(batches) < SHOPPERS / 2
    assert {line["level"] for line in said} == {"info", "warning"}
    assert "shopper" not in json.dumps(worker.lines)


async def _has_ticked(worker: WorkerProcess, count: int) -> bool:
    metrics = await worker.metrics()
    events = [name for name in metrics if name.startswith("reservations_events_total{")]
    return sum(metrics[name] for name in events if "expiry-ticks" in name) >= count


def _sum(counts: Any) -> dict[str, int]:
    return dict(sum(map(Counter, counts), Counter()))
