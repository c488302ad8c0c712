"""The role of workers and of commands: it can do all that is needed, and no more."""

from collections.abc import AsyncIterator
from contextlib import nullcontext
from datetime import timedelta

import asyncpg
import pytest
from asyncpg import Pool

from db.connect import Connection, connect, create_pool
from db.frozen import end_frozen_sessions
from db.pruning import horizon, may_prune, raise_horizon
from db.role import grant, grants_sql
from db.verify import verify_database
from service.pruner import why_not
from service.pruning import MAY_NOT, Pass
from service.settings import Settings
from tests.integration.sale import BEGAN, hold_sale
from tests.integration.shop import open_shop
from tests.integration.test_cli import STOCK, reservations

LATER = BEGAN + timedelta(days=10)
ROLE = 'till "7"; DROP TABLE lanes; --'  # as odd as a name may be
TABLES = "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
VIEWS = "SELECT viewname FROM pg_views WHERE schemaname = 'public'"


@pytest.fixture
async def role_url(database_url: str, db: Connection) -> AsyncIterator[str]:
    """The module's database, as a role that has been granted what is documented."""
    name = '"' + ROLE.replace('"', '""') + '"'
    await db.execute(f"CREATE ROLE {name} LOGIN")
    await grant(db, ROLE)
    await grant(db, ROLE)  # a second time changes nothing
    place = database_url.partition("@")[2]
    yield f"postgresql://till%20%227%22%3B%20DROP%20TABLE%20lanes%3B%20--@{place}"
    await db.execute(f"DROP OWNED BY {name}; DROP ROLE {name}")


@pytest.fixture
async def role(role_url: str) -> AsyncIterator[Connection]:
    connection = await connect(role_url, application_name="test")
    yield connection
    await connection.close()


@pytest.fixture
async def role_pool(role_url: str) -> AsyncIterator[Pool]:
    pool = await create_pool(role_url, application_name="test", connections_max=3)
    yield pool
    await pool.close()


async def test_a_whole_sale_is_applied_and_verified(role_pool: Pool, role: Connection) -> None:
    """Stock, pools and policies come in; batches hold, convert, expire, wait and forget."""
    sale = await hold_sale(role_pool)

    assert {entry.stream for entry in sale.entries} == {"outcomes", "dead_letters"}
    checks = (await verify_database(role)).checks
    assert [check for check in checks if check.differences] == []


async def test_stock_that_shrinks_is_marked(role_pool: Pool, role: Connection) -> None:
    shop = await open_shop(role_pool, role, 5)
    await shop.hold("ada", 4)

    await shop.take_away(3)

    assert await shop.at_risk() == {"ada": 1}
    await shop.verify()


async def test_it_may_look_for_sessions_that_stand_still(role: Connection) -> None:
    assert await end_frozen_sessions(role) == []


async def test_the_commands_run_as_it(role_url: str, db: Connection) -> None:
    lines = STOCK + "org_1,lamp,,5\n"
    imported = await reservations("stock", "import", "-", stdin=lines, DATABASE_URL=role_url)
    shown = await reservations("stock", "show", "--json", DATABASE_URL=role_url)
    verified = await reservations("verify", "--no-topics", DATABASE_URL=role_url)
    await db.execute("UPDATE stock_lines SET on_hand = 4")
    repaired = await reservations("reconcile", "--apply", DATABASE_URL=role_url)

    codes = (imported.exit_code, shown.exit_code, verified.exit_code, repaired.exit_code)
    assert codes == (0, 0, 0, 0)


async def forbidden(role: Connection, statement: str) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await role.execute(statement)


async def test_it_changes_no_table(role: Connection, db: Connection) -> None:
    tables = [row[0] for row in await db.fetch(TABLES)]
    assert len(tables) >= 11
    for table in tables:
        await forbidden(role, f"DROP TABLE {table}")
        await forbidden(role, f"TRUNCATE {table}")
        await forbidden(role, f"ALTER TABLE {table} ADD COLUMN colour text")
    await forbidden(role, "CREATE TABLE mine (id int)")
    await forbidden(role, "CREATE SCHEMA mine")
    await forbidden(role, "CREATE ROLE friend")


async def test_what_was_published_and_what_was_held_stays(role: Connection) -> None:
    await forbidden(role, "DELETE FROM journal")
    await forbidden(role, "UPDATE journal SET value = NULL")
    for table in ("admissions", "reservations", "stock_lines", "pools", "lanes", "lane_inputs"):
        await forbidden(role, f"DELETE FROM {table}")
    await forbidden(role, "UPDATE alembic_version SET version_num = '9999'")


async def test_only_a_role_that_prunes_forgets_what_is_over(
    role_pool: Pool, role: Connection, db: Connection
) -> None:
    await hold_sale(role_pool)
    assert not await may_prune(role)
    walk = Pass(lambda: nullcontext(role), LATER)
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await walk.run()

    await grant(db, ROLE, prunes=True)
    assert await may_prune(role)
    await raise_horizon(role, LATER)
    counts = await Pass(lambda: nullcontext(role), LATER).run()

    assert counts.admissions == 8  # three are held
    checks = (await verify_database(role)).checks
    assert [check for check in checks if check.differences] == []


async def test_a_role_that_may_not_prune_changes_nothing_by_trying(
    role_pool: Pool, role: Connection, db: Connection, database_url: str
) -> None:
    await hold_sale(role_pool)
    as_role = database_url.replace("postgres@", f"{ROLE}@")
    asked = ("prune", "--older-than", "72h", "--no-topics", "--apply")

    refused = await reservations(*asked, DATABASE_URL=as_role)

    assert refused.exit_code == 1
    assert refused.stderr == f"{MAY_NOT}\n"
    for days, told in ((9, MAY_NOT), (0, None)):  # a worker asks as it starts
        settings = Settings.model_validate({"retention_days": days})
        assert await why_not(settings, lambda: nullcontext(role)) == told
    assert await horizon(db) is None


async def test_it_may_read_every_table(role: Connection, db: Connection) -> None:
    """A table or a view that a migration brings, and that nobody granted, is seen here."""
    for row in await db.fetch(f"{TABLES} UNION {VIEWS}"):
        await role.execute(f'SELECT FROM "{row[0]}" LIMIT 1')


async def test_the_command_migrates_and_grants(empty_database_url: str, db: Connection) -> None:
    await db.execute("CREATE ROLE clerk LOGIN; CREATE ROLE friend LOGIN")
    url = empty_database_url

    unknown = await reservations("migrate", "--role", "nobody", DATABASE_URL=url)
    granted = await reservations("migrate", "--role", "clerk", DATABASE_URL=url)
    as_clerk = url.replace("postgres@", "clerk@")
    checked = await reservations("migrate", "--check", DATABASE_URL=as_clerk)
    denied = await reservations("migrate", "--role", "friend", DATABASE_URL=as_clerk)
    connection = await asyncpg.connect(url)
    await connection.execute("DROP OWNED BY clerk")
    await connection.close()
    await db.execute("DROP ROLE clerk, friend")

    assert unknown.exit_code == 1
    assert "there is no role nobody" in unknown.stderr
    assert granted.stdout.endswith("granted to clerk: what workers and commands need\n")
    assert checked.exit_code == 0
    assert denied.exit_code == 1
    assert "only the role that owns the tables can" in denied.stderr


async def test_the_grants_are_printed_with_the_migrations() -> None:
    printed = await reservations("migrate", "--sql", "--since", "none", "--role", "clerk")

    assert printed.stdout.rstrip().endswith(grants_sql("clerk").rstrip())
    assert 'GRANT SELECT, INSERT ON journal TO "clerk"' in printed.stdout
