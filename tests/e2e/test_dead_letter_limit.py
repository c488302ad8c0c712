"""A topic that cannot be read stops the worker: it is not drained into the dead letters."""

from tests.e2e.events import CARTS, admitted
from tests.e2e.world import World

POISONED = [(CARTS, "ada", b"?")] * 12


async def test_a_run_of_dead_letters_stops_the_worker_and_a_setting_lets_it_pass(
    world: World,
) -> None:
    await world.prepare(partitions=1, stock={"lamp": 10})
    limited = {"DEAD_LETTERS_RUN_MAX": "10", "BATCH_SIZE_MAX": "4"}
    await world.send([admitted("ada"), *POISONED, admitted("bo")])

    worker = await world.start_worker(**limited)
    code, said = await worker.ends()
    kept = await world.must("dead-letters", "list", "--json")

    topic = world.topic(CARTS)
    assert code == 1
    assert f"{topic}[0] has 10 records in a row that cannot be read, up to offset 9: " in said
    assert f"`reservations dead-letters list --topic {topic}`" in said
    assert "RESERVATIONS_DEAD_LETTERS_RUN_MAX=0" in said
    assert 6 <= kept.count("\n") < 10  # whole batches of at most 4

    restarted = await world.start_worker(**limited)
    code, _ = await restarted.ends()

    assert code == 1
    assert await world.must("dead-letters", "list", "--json") == kept

    await world.start_worker(DEAD_LETTERS_RUN_MAX="0", DEAD_LETTERS_SHARE_MAX="1")

    await world.read("reservation-dead-letters", lambda read: len(read) == 12)
    held = await world.outcomes(lambda read: len(read) == 2)
    assert {one["consumerId"] for one in held} == {"ada", "bo"}
    await world.must("verify")
