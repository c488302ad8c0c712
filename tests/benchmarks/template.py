"""A migrated database to clone others from, as the tests have one."""

import asyncio

from db.migrate import upgrade
from tests.integration.conftest import create_database

NAME = "template_bench"


async def migrated_template(database_url: str) -> str:
    """Make it, once for each server, and give its name."""
    url = await create_database(database_url, NAME)
    await asyncio.to_thread(upgrade, url)
    return NAME
