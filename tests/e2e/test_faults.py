"""Postgres refuses in ways that pass, and in ways that do not: a worker waits, or says why not."""

import asyncio

import asyncpg
import pytest

from tests.e2e.events import admitted
from tests.e2e.world import WorkerProcess, World, until

# The server's own error on the wire, as when its disk is full, until the trigger is dropped.
DISK_IS_FULL = """
    CREATE FUNCTION disk_full() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN RAISE 'could not extend file: no space left' USING ERRCODE = '53100'; END $$;
    CREATE TRIGGER disk_full BEFORE INSERT ON journal EXECUTE FUNCTION disk_full()
"""


async def busy_worker(world: World) -> WorkerProcess:
    """Start a worker that has held something."""
    await world.prepare(partitions=1, stock={"lamp": 100_000})
    worker = await world.start_worker()
    await world.send([admitted("ada")])
    await world.outcomes(lambda read: len(read) == 1)
    return worker


async def execute(world: World, *statements: str) -> None:
    connection = await asyncpg.connect(world.database_url)
    for statement in statements:
        await connection.execute(statement)
    await connection.close()


async def says(worker: WorkerProcess, text: str) -> None:
    """Wait until the worker has logged a line with this in it."""

    async def has_said() -> bool:
        return any(text in str(line) for line in worker.lines)

    await until(has_said)


async def end_sessions(world: World) -> None:
    """As a failover does: who connects again meets another server."""
    await execute(
        world,
        """
        SELECT pg_terminate_backend(pid) FROM pg_stat_activity
         WHERE datname = current_database() AND pid <> pg_backend_pid()
        """,
    )


async def test_what_passes_is_waited_out_by_the_same_process(world: World) -> None:
    worker = await busy_worker(world)
    name = world.database_url.rpartition("/")[2]

    await execute(world, f'ALTER DATABASE "{name}" SET default_transaction_read_only = on')
    await end_sessions(world)
    await world.send([admitted("bo")])
    await says(worker, "25006")
    # Nobody ends the sessions that are read only: the worker itself has to connect anew.
    await execute(
        world,
        "SET default_transaction_read_only = off",
        f'ALTER DATABASE "{name}" RESET default_transaction_read_only',
    )
    await world.outcomes(lambda read: len(read) == 2)

    await execute(world, DISK_IS_FULL)
    await world.send([admitted("cy")])
    await says(worker, "53100")
    await execute(world, "DROP FUNCTION disk_full CASCADE")

    outcomes = await world.outcomes(lambda read: len(read) == 3)
    assert [one["key"] for one in outcomes] == [b"ada", b"bo", b"cy"]
    await world.must("verify")
    assert await worker.stop() == 0
    assert not any(line["event"] == "group.left" for line in worker.lines)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("ALTER TABLE reservations RENAME COLUMN status TO state", "(SQLSTATE 42703)"),
        ("ALTER TABLE early_facts RENAME TO facts_too_early", "(SQLSTATE 42P01)"),
    ],
    ids=["column", "table"],
)
async def test_what_does_not_pass_ends_it(world: World, change: str, said: str) -> None:
    worker = await busy_worker(world)

    await execute(world, change)
    await world.send([admitted("bo")])

    async with asyncio.timeout(30):
        assert await worker.process.wait() == 2
    await worker.stop()  # reads to the end
    line = worker.lines[-1]["line"]
    assert line.startswith("Postgres: ")
    assert said in line
    assert "reservations migrate" in line
