"""The rules between a real Kafka and a real Postgres: carts, commands, cancelled orders."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.contract import assert_as_promised
from tests.e2e.events import admitted, cancelled, cart, completed, extend, left, release, transfer
from tests.e2e.world import World, count_of, until

POLICY = """
[[experience]]
organization_id = "acme"
experience_id = "drop"
units_per_sku_max = 2
extensions_max = 1
"""


def words(outcomes: list[dict[str, Any]], shopper: str) -> list[tuple[Any, ...]]:
    """Word a shopper's outcomes: what, of which product, how many, why."""
    return [
        tuple(one[name] for name in ("type", "productId", "quantity", "reason") if name in one)
        for one in outcomes
        if one["consumerId"] == shopper
    ]


async def test_items_reach_an_admission_by_the_cart_and_follow_it(world: World) -> None:
    await world.prepare(partitions=1, stock={"M": 1, "L": 1}, policy=POLICY)
    await world.start_worker()

    await world.send([admitted("ada", None)])
    await world.send([cart("ada", {"M": 1})])
    await world.outcomes(lambda read: count_of(read)["reserved"] == 1)
    await world.send([cart("ada", {"L": 1})])
    await world.outcomes(lambda read: count_of(read)["released"] == 1)
    await world.send([cart("ada", {"L": 3})])
    await world.outcomes(lambda read: count_of(read)["rejected"] == 1)
    await world.send([completed("ada")])
    await world.outcomes(lambda read: count_of(read)["converted"] == 1)
    await world.send([cancelled("ada")])
    outcomes = await world.outcomes(lambda read: count_of(read)["returned"] == 1)

    assert words(outcomes, "ada") == [
        ("reserved", "M", 1),
        ("reserved", "L", 1),
        ("released", "M", 1, "cart_changed"),
        ("rejected", "L", 2, "limit_per_sku"),
        ("converted", "L", 1),
        ("returned", "L", 1, "order_cancelled"),
    ]
    await world.must("verify")
    assert len(await assert_as_promised(world.own_settings(), lanes=1)) == len(outcomes)


async def test_commands_extend_release_and_transfer(world: World) -> None:
    await world.prepare(partitions=1, stock={"lamp": 5}, policy=POLICY)
    await world.start_worker()

    await world.send([admitted("guest-1"), admitted("bo")])
    held = await world.outcomes(lambda read: count_of(read)["reserved"] == 2)
    await world.send([extend("guest-1", 60)])
    extended = await world.outcomes(lambda read: count_of(read)["extended"] == 1)
    await world.send([extend("guest-1", 61), transfer("guest-1", "ada"), release("bo")])
    outcomes = await world.outcomes(
        lambda read: (
            count_of(read) & Counter(refused=1, transferred=1, released=1)
            == Counter(refused=1, transferred=1, released=1)
        )
    )
    await world.send([completed("ada")])
    outcomes = await world.outcomes(lambda read: count_of(read)["converted"] == 1)

    [before] = [one["expiresAt"] for one in held if one["consumerId"] == "guest-1"]
    assert extended[-1]["expiresAt"] > before
    assert ("refused", "extension_limit") in words(outcomes, "guest-1")
    assert words(outcomes, "ada") == [("transferred",), ("converted", "lamp", 1)]
    assert words(outcomes, "bo")[-1] == ("released", "lamp", 1, "released_on_request")
    [moved] = [one for one in outcomes if one["type"] == "transferred"]
    assert moved["fromConsumerId"] == "guest-1"
    await world.must("verify")
    assert len(await assert_as_promised(world.own_settings(), lanes=1)) == len(outcomes)


async def test_what_comes_before_its_admission_waits_for_it(world: World) -> None:
    await world.prepare(partitions=1, stock={"lamp": 5})
    worker = await world.start_worker()

    later = (datetime.now(UTC) + timedelta(minutes=1)).isoformat()
    await world.send([cart("ada", {"lamp": 2})])
    await world.send([completed("ada", completedAt=later), left("bo", leftAt=later)])

    async def all_wait() -> bool:
        return early(await worker.metrics()) == 3

    await until(all_wait)
    await world.send([admitted("ada", None), admitted("bo")])
    outcomes = await world.outcomes(lambda read: len(read) == 4)

    assert words(outcomes, "ada") == [("reserved", "lamp", 2), ("converted", "lamp", 2)]
    assert words(outcomes, "bo")[-1] == ("released", "lamp", 1, "consumer_left")


def early(metrics: dict[str, float]) -> float:
    """Count the events that wait for their admission."""
    events = {k: count for k, count in metrics.items() if k.startswith("reservations_events_total")}
    return sum(count for name, count in events.items() if 'result="early"' in name)
