"""Whose a lane is, asked of a real Postgres by whoever took it over before."""

from asyncpg import Pool

from consumers.ownership import ownership
from db.connect import create_pool
from db.lanes import save_lanes
from db.taking_lanes import take_lanes

TOPICS = ("admitted", "expiry-ticks")


async def test_lanes_are_ours_until_somebody_else_takes_one(pool: Pool) -> None:
    async with pool.acquire() as connection:
        first = await take_lanes(connection, [1, 2], TOPICS, "first")
        all_of_them, the_first = (ownership(pool, lanes) for lanes in (first.values(), [first[1]]))
        assert [await all_of_them(), await the_first()] == [True, True]

        second = await take_lanes(connection, [2], TOPICS, "second")

    assert [await all_of_them(), await the_first()] == [False, True]
    assert await ownership(pool, second.values())() is True


async def test_a_topic_that_is_not_read_any_more_waits_for_its_return(pool: Pool) -> None:
    """Kafka takes no offset of a partition that is not ours, and then none of the others, too."""
    async with pool.acquire() as connection:
        lanes = await take_lanes(connection, [1], TOPICS, "first")
        lanes[1].next_offsets |= {"admitted": 7, "expiry-ticks": 9}
        await save_lanes(connection, list(lanes.values()), {})

        renamed = await take_lanes(connection, [1], ("admissions", "expiry-ticks"), "second")
        back = await take_lanes(connection, [1], TOPICS, "third")

    assert renamed[1].next_offsets == {"admissions": -1, "expiry-ticks": 9}
    assert back[1].next_offsets == {"admitted": 7, "expiry-ticks": 9}


async def test_an_owner_that_is_in_mid_batch_keeps_nobody_from_asking(pool: Pool) -> None:
    async with pool.acquire() as connection:
        lanes = await take_lanes(connection, [1], TOPICS, "first")
        async with connection.transaction():
            await connection.execute("SELECT FROM lanes WHERE lane = 1 FOR UPDATE")

            assert await ownership(pool, lanes.values())() is True


async def test_without_postgres_there_is_no_answer(database_url: str, pool: Pool) -> None:
    async with pool.acquire() as connection:
        lanes = await take_lanes(connection, [1], TOPICS, "first")
    closed = await create_pool(database_url, application_name="test", connections_max=2)
    await closed.close()

    assert await ownership(closed, lanes.values())() is None
