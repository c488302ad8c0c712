"""Whom the next owner of a lane has to fence in Kafka: asked of a real Postgres."""

from collections.abc import Sequence

from db.connect import Connection
from db.lane_publishers import forget_publishers_before, note_publisher
from db.lanes import Lane
from db.taking_lanes import take_lanes

TOPICS = ("admitted", "expiry-ticks")


async def take(
    db: Connection, publisher: str, lanes: Sequence[int] = (1, 2)
) -> tuple[dict[int, Lane], set[str]]:
    """Take lanes as a worker does, and give them with whom it has to fence."""
    async with db.transaction():
        taken = await take_lanes(db, lanes, TOPICS, publisher)
        return taken, await note_publisher(db, taken.values(), publisher, "lane-")


async def test_the_first_owner_has_nobody_to_fence(db: Connection) -> None:
    _, before = await take(db, "ada")

    assert before == set()


async def test_each_next_owner_hears_of_the_one_before(db: Connection) -> None:
    await take(db, "ada")
    bert, of_bert = await take(db, "bert", [2])
    await forget_publishers_before(db, bert.values(), "bert")

    assert of_bert == {"ada"}
    assert (await take(db, "cleo"))[1] == {"ada", "bert"}


async def test_who_died_before_it_had_fenced_leaves_that_to_the_next(db: Connection) -> None:
    await take(db, "ada")
    await take(db, "bert")

    assert (await take(db, "cleo"))[1] == {"ada", "bert"}


async def test_who_takes_its_own_lanes_again_does_not_fence_itself(db: Connection) -> None:
    await take(db, "ada")

    assert (await take(db, "ada"))[1] == set()


async def test_who_was_fenced_is_forgotten(db: Connection) -> None:
    await take(db, "ada")
    lanes, _ = await take(db, "bert")
    await forget_publishers_before(db, lanes.values(), "bert")

    assert (await take(db, "cleo"))[1] == {"bert"}


async def test_who_lost_its_lanes_while_it_fenced_forgets_nobody(db: Connection) -> None:
    await take(db, "ada")
    late, _ = await take(db, "bert")
    await take(db, "cleo")

    await forget_publishers_before(db, late.values(), "bert")

    assert (await take(db, "dora"))[1] == {"ada", "bert", "cleo"}


async def test_an_owner_of_a_version_before_is_fenced_by_the_id_that_it_had(db: Connection) -> None:
    await take_lanes(db, [1, 2], TOPICS, "old worker")

    lanes, before = await take(db, "ada")
    await forget_publishers_before(db, lanes.values(), "ada")

    assert before == {"lane-1", "lane-2"}
    assert (await take(db, "bert"))[1] == {"ada"}


async def test_it_is_not_forgotten_where_who_took_over_died(db: Connection) -> None:
    await take_lanes(db, [1], TOPICS, "old worker")
    await take(db, "ada", [1])

    assert (await take(db, "bert", [1]))[1] == {"lane-1", "ada"}


async def test_it_comes_back_between_two_of_this_version(db: Connection) -> None:
    await take(db, "ada", [1])
    await take_lanes(db, [1], TOPICS, "old worker")

    assert (await take(db, "bert", [1]))[1] == {"lane-1", "ada"}
    assert (await take(db, "cleo", [1]))[1] == {"lane-1", "ada", "bert"}
