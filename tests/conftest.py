"""The real servers, started when the first test asks for one, and shared by the whole run."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from db.migrate import upgrade
from service.embedded import EmbeddedKafka, EmbeddedPostgres, start_kafka, start_postgres
from service.embedded.kafka import Listener
from service.garbage import look_rarely
from tests.e2e.proxy import Proxy, behind, proxy_to
from tests.integration.conftest import create_database, drop_database
from tests.scratch import scratch

# A law is no slower for being tried beside a Kafka: how long one example takes proves nothing.
settings.register_profile("reservations", deadline=None)
settings.load_profile("reservations")

look_rarely()  # as the command does

_TEMPLATE = "template_reservations"


@pytest.fixture(scope="session")
async def postgres() -> AsyncIterator[EmbeddedPostgres]:
    with scratch() as directory:
        server = await start_postgres(Path(directory))
        yield server
        await server.stop()


@pytest.fixture(scope="session")
def proxied() -> tuple[Listener, int]:
    """The listener of the shared Kafka that has a proxy before it, and the proxy's port."""
    return behind("PROXIED")


@pytest.fixture(scope="session")
async def kafka(proxied: tuple[Listener, int]) -> AsyncIterator[EmbeddedKafka]:
    with scratch() as directory:
        server = await start_kafka(Path(directory), listeners=[proxied[0]])
        yield server
        await server.stop()


@pytest.fixture
async def kafka_proxy(kafka: EmbeddedKafka, proxied: tuple[Listener, int]) -> AsyncIterator[Proxy]:
    """A way to the shared Kafka that a test may break: its clients bootstrap at its address."""
    listener, port = proxied
    async with proxy_to(listener.port, port) as proxy:
        yield proxy


@pytest.fixture(scope="session")
async def migrated_template(postgres: EmbeddedPostgres) -> str:
    """A migrated database that nobody is connected to."""
    url = await create_database(postgres.dsn, _TEMPLATE)
    await asyncio.to_thread(upgrade, url)
    return _TEMPLATE


@pytest.fixture
async def empty_database_url(postgres: EmbeddedPostgres) -> AsyncIterator[str]:
    """A database of this test, without a schema."""
    yield await create_database(postgres.dsn, "without_schema")
    await drop_database(postgres.dsn, "without_schema")


@pytest.fixture
def directory() -> Iterator[Path]:
    """A place for servers of a test's own: pytest's tmp_path is closed to Postgres under root."""
    with scratch() as name:
        yield Path(name)
