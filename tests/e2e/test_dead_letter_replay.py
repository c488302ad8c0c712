"""From a record that cannot be read to one that is applied: found, mended, sent once more."""

import json
import time
from typing import Any

from tests.e2e.events import ADMITTED, admitted
from tests.e2e.world import World
from tests.poison import GOOD, Poison
from tests.raw_batches import send_raw

HOUR_MS = 3600 * 1000


async def test_a_replay_is_applied_where_the_fault_is_mended_and_else_refused_once_more(
    world: World,
) -> None:
    """Sends by a clock that is three hours slow: what happens now is far ahead of its record."""
    await world.prepare(partitions=2, stock={"lamp": 10})
    topic = world.topic(ADMITTED)
    early, broken = Poison("early", GOOD).record("ada"), Poison("broken", b"?").record("ada")
    slow_ms = int(time.time() * 1000) - 3 * HOUR_MS
    await send_raw(world.bootstrap_servers, topic, [[early, broken]], partition=1, at_ms=slow_ms)
    worker = await world.start_worker()
    await world.read("reservation-dead-letters", lambda read: len(read) == 2)

    listed = lines(await world.must("dead-letters", "list", "--json"))
    shown = await world.must("dead-letters", "show", f"{topic}/1/0")
    await world.must("dead-letters", "replay", "--topic", topic, "--yes")

    (held,) = await world.outcomes(lambda read: len(read) == 1)
    letters = await world.read("reservation-dead-letters", lambda read: len(read) == 3)
    replayed = lines(await world.must("dead-letters", "list", "--json"))
    assert [one["offset"] for one in listed] == [1, 0]
    assert "data.admittedAt: is more than an hour after the record's own time" in shown
    assert (held["consumerId"], held["type"], held["lane"]) == ("ada", "reserved", 1)
    assert held["cause"]["topic"] == topic
    assert letters[2]["headers"]["dlq.replay"] == listed[0]["id"]
    assert letters[2]["value"] == b"?"
    assert [(one["offset"] > 1, one["replays"]) for one in replayed] == [
        *((True, 0), (False, 1), (False, 1))
    ]

    again = await world.run("dead-letters", "replay", f"{topic}/1/0", "--yes")
    forced = await world.must("dead-letters", "replay", f"{topic}/1/0", "--yes", "--again")
    await world.send([admitted("bo")])

    held_twice = await world.outcomes(lambda read: "bo" in {one["consumerId"] for one in read})
    assert (again.code, "was replayed already: " in again.err) == (1, True)
    assert "replayed 1 of 1" in forced
    assert sorted(one["consumerId"] for one in held_twice) == ["ada", "bo"]  # nothing twice
    assert worker.process.returncode is None
    await world.must("verify")


def lines(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]
