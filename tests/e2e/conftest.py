"""A world per test, on the servers that the whole run shares."""

import re
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from zlib import crc32

import pytest

from service.embedded import EmbeddedKafka, EmbeddedPostgres
from tests.e2e.world import World
from tests.integration.conftest import create_database, drop_database


@pytest.fixture
async def world(
    postgres: EmbeddedPostgres,
    kafka: EmbeddedKafka,
    migrated_template: str,
    request: pytest.FixtureRequest,
) -> AsyncIterator[World]:
    # A database's name ends after 63 characters, and the cases of one test may differ after that.
    begin = re.sub(r"\W", "_", request.node.name)[:45].lower()
    name = f"{begin}_{crc32(request.node.name.encode()):08x}"
    database_url = await create_database(postgres.dsn, name, template=migrated_template)
    with tempfile.TemporaryDirectory() as directory:
        world = World(name, database_url, kafka.bootstrap_servers, Path(directory))
        yield world
        await world.close()
    await drop_database(postgres.dsn, name)
