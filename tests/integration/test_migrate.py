import asyncio
import sys

import asyncpg
from alembic.config import Config
from alembic.script import ScriptDirectory

from db.migrate import current_revision, head_revision, schema_state, upgrade, upgrade_sql

UPGRADE = "import sys; from db.migrate import upgrade; print(len(upgrade(sys.argv[1])))"


async def tables(url: str) -> set[str]:
    connection = await asyncpg.connect(url)
    try:
        found = await connection.fetch(
            "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
        )
    finally:
        await connection.close()
    return {row[0] for row in found}


async def in_another_process(url: str) -> str:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", UPGRADE, url, stdout=asyncio.subprocess.PIPE
    )
    output, _ = await process.communicate()
    assert process.returncode == 0
    return output.decode().strip()


async def test_upgrade_makes_the_tables_once(empty_database_url: str) -> None:
    first = await asyncio.to_thread(upgrade, empty_database_url)
    second = await asyncio.to_thread(upgrade, empty_database_url)

    assert first == ["0001"]
    assert second == []
    assert {"lanes", "stock_lines", "reservations", "journal"} < await tables(empty_database_url)


async def test_two_upgrades_at_once_wait_for_each_other(empty_database_url: str) -> None:
    applied = await asyncio.gather(*(in_another_process(empty_database_url) for _ in range(3)))

    assert sorted(applied) == ["0", "0", "1"]


async def test_printed_sql_makes_the_same_tables(
    empty_database_url: str, database_url: str
) -> None:
    connection = await asyncpg.connect(empty_database_url)
    await connection.execute(upgrade_sql())
    state = await schema_state(connection)
    await connection.close()

    assert state == "current"
    assert await tables(empty_database_url) == await tables(database_url)


async def test_state_tells_where_the_database_is(empty_database_url: str) -> None:
    connection = await asyncpg.connect(empty_database_url)
    missing = await schema_state(connection), await current_revision(connection)
    await asyncio.to_thread(upgrade, empty_database_url)
    current = await schema_state(connection), await current_revision(connection)
    await connection.execute("UPDATE alembic_version SET version_num = '0000'")
    behind = await schema_state(connection)
    await connection.execute("UPDATE alembic_version SET version_num = '9999'")
    ahead = await schema_state(connection)
    await connection.close()

    assert missing == ("missing", None)
    assert current == ("current", head_revision())
    assert (behind, ahead) == ("behind", "ahead")


def test_head_is_the_one_that_alembic_knows() -> None:
    config = Config()
    config.set_main_option("script_location", "db/migrations")

    assert ScriptDirectory.from_config(config).get_heads() == [head_revision()]
