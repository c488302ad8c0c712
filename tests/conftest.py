"""The real servers, started when the first test asks for one, and shared by the whole run."""

import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from service.embedded import EmbeddedKafka, EmbeddedPostgres, start_kafka, start_postgres


@pytest.fixture(scope="session")
async def postgres() -> AsyncIterator[EmbeddedPostgres]:
    with _scratch() as directory:
        server = await start_postgres(Path(directory))
        yield server
        await server.stop()


@pytest.fixture(scope="session")
async def kafka() -> AsyncIterator[EmbeddedKafka]:
    with _scratch() as directory:
        server = await start_kafka(Path(directory))
        yield server
        await server.stop()


@pytest.fixture
def directory() -> Iterator[Path]:
    """A place for servers of a test's own: pytest's tmp_path is closed to Postgres under root."""
    with _scratch() as name:
        yield Path(name)


def _scratch() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="reservations-test-", ignore_cleanup_errors=True)
