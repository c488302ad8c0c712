"""Migrations: run once, by one at a time, and what was there before can be read after."""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory

from db import loading, migrate
from db.connect import Connection, connect
from db.migrate import (
    current_revision,
    head_revision,
    revisions,
    schema_state,
    upgrade,
    upgrade_sql,
)
from schemas.events import (
    AdmissionEnded,
    CartUpdated,
    Cause,
    CheckoutCompleted,
    Fact,
    Item,
)
from schemas.facts import KnownFact
from schemas.reservation import Admission, AdmissionKey, EarlyFact
from schemas.stock import StockKey, StockLine
from schemas.trace import Trace
from tests.integration.psql import psql

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

    assert first == revisions()
    assert second == []
    assert {"lanes", "stock_lines", "reservations", "journal"} < await tables(empty_database_url)


async def test_two_upgrades_at_once_wait_for_each_other(empty_database_url: str) -> None:
    applied = await asyncio.gather(*(in_another_process(empty_database_url) for _ in range(3)))

    assert sorted(applied) == ["0", "0", str(len(revisions()))]


async def test_printed_sql_makes_the_same_tables(
    empty_database_url: str, database_url: str
) -> None:
    await psql(empty_database_url, upgrade_sql())
    connection = await asyncpg.connect(empty_database_url)
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


# Rows of before 0002

MIGRATIONS = Path(migrate.__file__).parent / "migrations"
NOW = datetime(2026, 11, 22, 12, 0, 0, 123456, tzinfo=UTC)
PAID, LEFT = NOW + timedelta(seconds=40), NOW + timedelta(seconds=50)


@asynccontextmanager
async def upgraded(url: str, rows: str) -> AsyncIterator[Connection]:
    """Put rows into tables of 0001, by a session in another zone, and migrate."""
    before = await asyncpg.connect(url, server_settings={"timezone": "Asia/Kathmandu"})
    await before.execute((MIGRATIONS / "0001_first.sql").read_text(encoding="utf-8"))
    await before.execute("CREATE TABLE alembic_version (version_num text PRIMARY KEY)")
    await before.execute("INSERT INTO alembic_version VALUES ('0001')")
    await before.execute(rows)
    await before.execute("ALTER DATABASE without_schema SET timezone = 'Asia/Kathmandu'")
    await before.execute("ALTER DATABASE without_schema SET datestyle = 'SQL, DMY'")
    await before.close()
    await asyncio.to_thread(upgrade, url)
    after = await connect(url, application_name="test")
    yield after
    await after.close()


ADMISSION = """
    INSERT INTO admissions VALUES
        ('acme', 'a1', 3, 'ada', 'drop', 'queue', 'queue', 'digest',
         '2026-11-22 12:00:00.123456Z', '2026-11-22 12:11:00.123456Z', {facts});
"""
LINES = """
    INSERT INTO reservations VALUES
        ('00000000-0000-0000-0000-000000000001', 3, 'acme', 'a1', 'drop', 'lamp', '', 2, 'soft',
         'converted', now(), '2026-11-22 12:00Z', '2026-11-22 12:01Z', NULL, 'order-1', false),
        ('00000000-0000-0000-0000-000000000002', 3, 'acme', 'a1', 'drop', 'lamp', 'tall', 1, 'soft',
         'rejected', now(), '2026-11-22 12:00Z', '2026-11-22 12:00Z', 'unknown_stock_line', NULL,
         false),
        ('00000000-0000-0000-0000-000000000003', 3, 'acme', 'a1', 'drop', 'bulb', '', 4, 'soft',
         'converted', now(), '2026-11-22 12:01Z', '2026-11-22 12:01Z', 'not_in_cart', 'order-1',
         true);
"""
WHO: dict[str, Any] = {
    "event_id": "migrated",
    "organization_id": "acme",
    "consumer_id": "ada",
    "admission_id": "a1",
}
LAMPS, TALL_LAMP, BULBS = Item("lamp", "", 2), Item("lamp", "tall", 1), Item("bulb", "", 4)


@pytest.mark.parametrize(
    ("facts", "lines", "known"),
    [
        ("NULL, NULL, NULL, NULL", "", []),
        (
            "NULL, NULL, NULL, NULL",
            LINES.replace("'converted'", "'released'"),
            [CartUpdated(**WHO, updated_at=NOW, items=(LAMPS, TALL_LAMP))],
        ),
        (
            "'2026-11-22 12:00:40.123456Z', 'order-1', NULL, NULL",
            LINES,
            [
                CartUpdated(**WHO, updated_at=NOW, items=(LAMPS, TALL_LAMP)),
                CheckoutCompleted(
                    **WHO, completed_at=PAID, order_id="order-1", items=(LAMPS, BULBS)
                ),
            ],
        ),
        (
            "'2026-11-22 12:00:40.123456Z', NULL, '2026-11-22 12:00:50.123456Z', 'left'",
            "",
            [
                CheckoutCompleted(**WHO, completed_at=PAID),
                AdmissionEnded(**WHO, ended_at=LEFT, end="left"),
            ],
        ),
    ],
    ids=["nothing", "cart", "paid", "paid and left"],
)
async def test_what_admissions_said_in_columns_becomes_their_facts(
    empty_database_url: str, facts: str, lines: str, known: list[Fact]
) -> None:
    key = AdmissionKey("acme", "a1")
    async with upgraded(empty_database_url, ADMISSION.format(facts=facts) + lines) as db:
        admissions = await loading.lock_admissions(db, shoppers=[("acme", "ada")], keys=[key])
        reservations = await loading.lock_reservations(db, [key])

    cause = Cause("migrated", 3, None, 0, "migrated")
    assert admissions == [
        Admission(
            key=key,
            lane=3,
            consumer_id="ada",
            experience_id="drop",
            distribution_id="queue",
            distribution_type="queue",
            token_digest="digest",
            admitted_at=NOW,
            expires_at=NOW + timedelta(minutes=11),
            window_ends_at=NOW + timedelta(minutes=10),  # the default buffer is a minute
            facts=[KnownFact(fact, cause) for fact in known],
            cart_mark="migrated" if lines else "offer",
            sale_mark="migrated" if "order-1" in facts or "left" in facts else "",
        )
    ]
    unset = [(one.missing, one.oversold, one.restocked, one.at_risk) for one in reservations]
    assert unset == [(0, 0, False, 0)] * (3 if lines else 0)


async def test_windows_end_as_they_did_under_the_buffer_of_their_policy(
    empty_database_url: str,
) -> None:
    policy = """INSERT INTO policies VALUES ('acme', 'drop', '{"buffer_seconds": 90}');"""
    rows = policy + ADMISSION.format(facts="NULL, NULL, NULL, NULL")
    async with upgraded(empty_database_url, rows) as db:
        (admission,) = await loading.lock_admissions(db, shoppers=[("acme", "ada")], keys=[])

    assert admission.window_ends_at == admission.expires_at - timedelta(seconds=90)


async def test_early_facts_keep_their_place_and_their_record(empty_database_url: str) -> None:
    rows = """
        INSERT INTO early_facts VALUES
            ('00000000-0000-0000-0000-000000000001', 3, 'acme', 'ada',
             '{"event_id": "e1", "organization_id": "acme", "consumer_id": "ada",
               "completed_at": "2026-11-22T12:00:40.123456Z", "order_id": "order-1",
               "items": [["lamp", "", 2]]}',
             'checkout-completed', 4, 17, 2, '00-1-2-01', '2026-11-23Z', '2026-11-24Z'),
            ('00000000-0000-0000-0000-000000000002', 3, 'acme', 'ada',
             '{"event_id": "e2", "organization_id": "acme", "consumer_id": "ada",
               "ended_at": "2026-11-22T12:00:50.123456Z", "end": "left"}',
             'admission-expired', 4, 18, 0, NULL, '2026-11-23Z', '2026-11-24Z');
    """
    async with upgraded(empty_database_url, rows) as db:
        waiting = await loading.lock_facts(db, [("acme", "ada")])

    who: dict[str, Any] = {"organization_id": "acme", "consumer_id": "ada"}
    paid = CheckoutCompleted(
        event_id="e1", **who, completed_at=PAID, order_id="order-1", items=(LAMPS,)
    )
    left = AdmissionEnded(event_id="e2", **who, ended_at=LEFT, end="left")
    times = datetime(2026, 11, 23, tzinfo=UTC), datetime(2026, 11, 24, tzinfo=UTC)
    traced = KnownFact(paid, Cause("checkout-completed", 4, 17, 2, "e1"), Trace("00-1-2-01"))
    plain = KnownFact(left, Cause("admission-expired", 4, 18, 0, "e2"))
    assert waiting == [
        EarlyFact(UUID(int=1), 3, traced, *times),
        EarlyFact(UUID(int=2), 3, plain, *times),
    ]


async def test_stock_lines_are_short_of_nothing(empty_database_url: str) -> None:
    rows = "INSERT INTO stock_lines VALUES ('acme', 'lamp', '', true, 9, 5, 3, 2, 2);"
    key = StockKey("acme", "lamp", "")
    async with upgraded(empty_database_url, rows) as db:
        assert await loading.lock_stock(db, [key]) == [StockLine(key, True, 5, 3, 2, 2, short=0)]
