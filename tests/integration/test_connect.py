"""Connections as they are made: every wait has a limit, and a pool needs no server to be made."""

from datetime import timedelta

import pytest
from asyncpg import Pool

from db.connect import Connection, create_pool
from service.embedded.server import free_ports

LIMIT = "SELECT current_setting($1)::interval"


async def limits(connection: Connection) -> list[timedelta]:
    """Give the limits of waiting for the client, for a lock, and for a statement."""
    names = ("idle_in_transaction_session_timeout", "lock_timeout", "statement_timeout")
    return [await connection.fetchval(LIMIT, name) for name in names]


async def test_a_lock_that_does_not_come_is_told_as_such(pool: Pool, db: Connection) -> None:
    """And not as a statement that takes too long, which nobody would try again at once."""
    async with pool.acquire() as connection:
        of_batches = await limits(connection)
    of_commands = await limits(db)

    assert timedelta(0) < of_batches[0] < of_batches[1] < of_batches[2]
    assert of_commands[:2] == of_batches[:2]
    assert of_batches[2] < of_commands[2]  # an import may take longer than a batch


async def test_a_pool_is_made_while_postgres_is_away_and_says_so_when_it_is_used() -> None:
    (port,) = free_ports(1)
    url = f"postgresql://postgres@127.0.0.1:{port}/postgres"
    pool = await create_pool(url, application_name="test", connections_max=2)

    with pytest.raises(OSError, match="Connect call failed"):
        await pool.acquire()

    await pool.close()


async def test_a_connection_that_comes_back_is_asked_for_nothing(
    pool: Pool, db: Connection
) -> None:
    """By default it is, after each batch, and the batch waits for the answer."""
    last = "SELECT pg_backend_pid()"
    async with pool.acquire() as connection:
        pid = await connection.fetchval(last)

    asked = await db.fetchval("SELECT query FROM pg_stat_activity WHERE pid = $1", pid)

    assert asked == last


async def test_a_transaction_that_was_left_open_is_undone(pool: Pool) -> None:
    async with pool.acquire() as connection:
        await connection.transaction().start()
        await connection.execute("SET LOCAL lock_timeout = '1s'; CREATE TABLE left_open ()")
        pid = connection.get_server_pid()

    async with pool.acquire() as again:
        assert again.get_server_pid() == pid
        assert await again.fetchval("SELECT to_regclass('left_open')") is None
        assert (await limits(again))[1] > timedelta(seconds=1)
