"""A database per test module, cloned from one that was migrated once, and empty for each test."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
import pytest

from db.connect import Connection, connect, create_pool
from service.embedded import EmbeddedPostgres


@pytest.fixture(scope="module")
async def database_url(
    postgres: EmbeddedPostgres, migrated_template: str, request: pytest.FixtureRequest
) -> AsyncIterator[str]:
    """A migrated database of this test module."""
    name = re.sub(r"\W", "_", request.module.__name__.rpartition(".")[2])
    yield await create_database(postgres.dsn, name, template=migrated_template)
    await drop_database(postgres.dsn, name)


@pytest.fixture
async def db(database_url: str) -> AsyncIterator[Connection]:
    """A connection to the module's database, in which every table is empty."""
    connection = await connect(database_url, application_name="test")
    await _truncate(connection)
    yield connection
    await connection.close()


@pytest.fixture
async def pool(database_url: str, db: Connection) -> AsyncIterator[asyncpg.Pool]:
    """More connections, for those who race; `db` has emptied the tables."""
    pool = await create_pool(database_url, application_name="test", connections_max=8)
    yield pool
    await pool.close()


async def create_database(dsn: str, name: str, *, template: str = "template0") -> str:
    """Create a database, and give its URL.

    Its files are copied: by default each page would go through the log, in four times the time.
    """
    async with _admin(dsn) as connection:
        await connection.execute(
            f'CREATE DATABASE "{name}" TEMPLATE "{template}" STRATEGY file_copy'
        )
    return dsn.rpartition("/")[0] + f"/{name}"


async def drop_database(dsn: str, name: str) -> None:
    async with _admin(dsn) as connection:
        await connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


@asynccontextmanager
async def _admin(dsn: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(dsn)
    try:
        yield connection
    finally:
        await connection.close()


async def _truncate(connection: Connection) -> None:
    """Empty the tables in which there was ever a row; the others are as new."""
    tables = await connection.fetchval(
        """
        SELECT string_agg(oid::regclass::text, ', ')
          FROM pg_class
         WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace
           AND relname <> 'alembic_version' AND pg_relation_size(oid) > 0
        """
    )
    if tables is not None:
        await connection.execute(f"TRUNCATE {tables} CASCADE")
