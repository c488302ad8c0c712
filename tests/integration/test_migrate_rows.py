"""Migrations on a database that is in use: its rows stay, and no sale stands still for them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from db import migrate_locks
from db.connect import Connection, connect
from db.migrate import current_revision, head_revision, revisions, upgrade
from db.migrate_locks import LOCK_KEY, LOCK_SECONDS, MigrationBusy
from db.verify import verify_database
from service.cli.common import CommandError
from service.cli.migrate import migrate

ROWS = (Path(__file__).parents[1] / "fixtures" / "rows_of_0001.sql").read_text(encoding="utf-8")


@pytest.fixture
async def old_database(empty_database_url: str) -> str:
    """A database of the first schema, with rows in every table."""
    await asyncio.to_thread(upgrade, empty_database_url, "0001")
    async with session(empty_database_url) as connection:
        await connection.execute(ROWS)
    return empty_database_url


@asynccontextmanager
async def session(url: str, name: str = "test") -> AsyncIterator[Connection]:
    connection = await connect(url, application_name=name)
    try:
        yield connection
    finally:
        await connection.close()


@asynccontextmanager
async def batch(url: str) -> AsyncIterator[None]:
    """A worker's transaction in which rows of all tables are locked and written."""
    async with session(url, "reservations worker 1") as connection, connection.transaction():
        for table in await tables(connection):
            await connection.execute(f"SELECT FROM {table} FOR UPDATE")
            await connection.execute(f"INSERT INTO {table} SELECT * FROM {table} LIMIT 0")
        yield


async def tables(connection: Connection) -> list[str]:
    rows = await connection.fetch(
        "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
        " AND tablename <> 'alembic_version' ORDER BY tablename"
    )
    return [row[0] for row in rows]


async def rows_by_table(url: str) -> dict[str, int]:
    async with session(url) as connection:
        names = await tables(connection)
        return {n: await connection.fetchval(f"SELECT count(*) FROM {n}") for n in names}


async def test_every_migration_keeps_the_rows_that_are_there(old_database: str) -> None:
    before = await rows_by_table(old_database)
    assert min(before.values()) > 0

    for revision in revisions()[1:]:
        assert await asyncio.to_thread(upgrade, old_database, revision) == [revision]
        after = await rows_by_table(old_database)
        assert {name: after[name] for name in before} == before
        before = after

    async with session(old_database) as connection:
        checks = (await verify_database(connection)).checks
    assert [check for check in checks if check.differences] == []
    assert sum(check.looked_at for check in checks) > 20


async def test_what_workers_go_on_beside_waits_for_no_batch(old_database: str) -> None:
    """0003 and 0004; the changelog says of 0002 that workers have to stop."""
    await asyncio.to_thread(upgrade, old_database, "0002")
    waits: list[str] = []

    async with batch(old_database):
        applied = await asyncio.to_thread(upgrade, old_database, "0004", on_wait=waits.append)

    assert applied == revisions()[2:4]
    assert waits == []


async def test_an_index_is_built_while_others_write(old_database: str) -> None:
    """0006: whoever writes waits for nothing; and what a failed attempt left is no harm."""
    await asyncio.to_thread(upgrade, old_database, "0005")
    async with session(old_database) as shopper:
        await shopper.execute("CREATE INDEX admissions_by_age ON admissions (admitted_at)")
        await shopper.execute("SET lock_timeout = '5s'")
        waits: list[str] = []
        async with batch(old_database):
            work = asyncio.create_task(
                asyncio.to_thread(upgrade, old_database, on_wait=waits.append)
            )
            while not await shopper.fetchval(
                "SELECT count(*) FROM pg_locks WHERE NOT granted AND locktype = 'virtualxid'"
            ):
                await asyncio.sleep(0.01)
            await shopper.execute("INSERT INTO admissions SELECT * FROM admissions LIMIT 0")
            await shopper.execute(f"SELECT pg_sleep({LOCK_SECONDS} + 0.5)")  # a reader takes long
        applied = await work
        indexed = await shopper.fetchval("SELECT pg_get_indexdef('admissions_by_age'::regclass)")

    assert (applied, waits) == (["0006", "0007"], [])
    assert indexed.endswith("(admitted_at, organization_id, admission_id)")


async def test_a_table_in_use_is_let_go_and_tried_again(
    old_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(migrate_locks, "PAUSE_SECONDS", 0.1)
    waiting, loop, waits = asyncio.Event(), asyncio.get_running_loop(), []

    def on_wait(what: str) -> None:
        waits.append(what)
        loop.call_soon_threadsafe(waiting.set)

    async with session(old_database) as shopper:
        async with batch(old_database):
            work = asyncio.create_task(asyncio.to_thread(upgrade, old_database, on_wait=on_wait))
            while not await shopper.fetchval(
                "SELECT count(*) FROM pg_locks WHERE NOT granted AND mode = 'AccessExclusiveLock'"
            ):
                await asyncio.sleep(0.01)
            async with asyncio.timeout(LOCK_SECONDS + 5):  # the rest is for a busy machine
                await shopper.execute("SELECT FROM stock_lines")
            await waiting.wait()
        applied = await work

    assert applied == revisions()[1:]
    assert waits[0].startswith("a table is in use: trying again (the oldest transaction is of")
    assert "(reservations worker 1)" in waits[0]


async def test_a_table_that_stays_in_use_is_told_and_nothing_is_changed(
    old_database: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("RESERVATIONS_DATABASE_URL", old_database)
    monkeypatch.setattr(migrate_locks, "ATTEMPTS", 2)
    monkeypatch.setattr(migrate_locks, "PAUSE_SECONDS", 0.0)
    before = await rows_by_table(old_database)

    async with batch(old_database):
        with pytest.raises(CommandError) as raised:
            await asyncio.to_thread(migrate, check=False, sql=False, since="", role="")

    (words,) = raised.value.problems
    assert words.startswith("a table was in use at each of 2 attempts: the oldest transaction is")
    assert words.endswith("; what is not applied has changed nothing: run it again")
    assert raised.value.exit_code == 1
    assert capsys.readouterr().err.count("trying again") == 1
    assert await rows_by_table(old_database) == before
    async with session(old_database) as connection:
        assert await current_revision(connection) == "0001"
    assert (await asyncio.to_thread(upgrade, old_database))[-1] == head_revision()


async def test_a_second_migration_waits_for_the_first_and_says_so(old_database: str) -> None:
    waiting, loop, waits = asyncio.Event(), asyncio.get_running_loop(), []

    def on_wait(what: str) -> None:
        waits.append(what)
        loop.call_soon_threadsafe(waiting.set)

    async with session(old_database) as first:
        await first.execute(f"SELECT pg_advisory_lock({LOCK_KEY})")
        work = asyncio.create_task(asyncio.to_thread(upgrade, old_database, on_wait=on_wait))
        await waiting.wait()
        assert not work.done()

    assert await work == revisions()[1:]
    assert waits == ["another migration is running: waiting for its end"]


async def test_a_second_migration_gives_up_on_a_first_that_is_stuck(
    old_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(migrate_locks, "OTHER_MIGRATION_SECONDS", 0.1)

    async with session(old_database) as first:
        await first.execute(f"SELECT pg_advisory_lock({LOCK_KEY})")
        with pytest.raises(MigrationBusy, match="another migration runs"):
            await asyncio.to_thread(upgrade, old_database)
