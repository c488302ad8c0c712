"""Pruning on a real Postgres: what is over goes, and nobody misses it; all else stays."""

import json
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, nullcontext
from datetime import datetime, timedelta
from typing import Any

import pytest
from asyncpg import Pool
from asyncpg.connection import LoggedQuery
from typer.testing import CliRunner

from db.connect import Connection
from db.drift import list_drift
from db.journal_gaps import look_for_gaps
from db.policies import PolicyRow, import_policies
from db.pruning import horizon, instant_before, nothing_pruned, raise_horizon
from db.stock import show_stock
from db.taking_lanes import take_lanes
from db.verify import verify_database
from schemas.events import (
    AdmissionEnded,
    Admitted,
    AnyEvent,
    CheckoutCompleted,
    Item,
    OrderCancelled,
)
from schemas.journal import JournalEntry
from schemas.policy import Policy
from service.cli import app
from service.pruning import ADMISSIONS_MAX, ENTRIES_MAX, Busy, Counts, Pass
from tests.integration.sale import BEGAN, Sale, admitted, hold_sale, paid
from tests.integration.test_cli import reservations
from tests.integration.test_shortage_races import begin, held_up

# All of the sale is over by then, and for longer than a payment may be late.
LATER = BEGAN + timedelta(days=10)


@pytest.fixture
async def sale(pool: Pool, db: Connection) -> Sale:
    """A sale of which nothing is held any more, and all is published."""
    sale = await hold_sale(pool)
    gone = [_left(shopper) for shopper in ("bo", "eve", "gus")]
    await sale.apply((0, event) for event in gone)
    await publish_all(db)
    return sale


def named(shopper: str, admission_id: str | None = "") -> dict[str, Any]:
    """Give what every event has; the admission is called like the shopper, or not at all."""
    admission_id = shopper if admission_id == "" else admission_id
    who = {"event_id": f"again-{shopper}", "organization_id": "acme", "consumer_id": shopper}
    return who | {"admission_id": admission_id}


def _left(shopper: str) -> AdmissionEnded:
    return AdmissionEnded(**named(shopper), ended_at=BEGAN + timedelta(minutes=2), end="left")


async def publish_all(db: Connection) -> None:
    await db.execute("UPDATE lane_outputs SET published_sequence = sequence")


async def prune(db: Connection, before: datetime = LATER, *, apply: bool = True) -> Counts:
    if apply:
        await raise_horizon(db, before)
    return await Pass(lambda: nullcontext(db), before, apply=apply).run()


async def count(db: Connection, table: str) -> int:
    rows: int = await db.fetchval(f"SELECT count(*) FROM {table}")
    return rows


async def assert_verified(db: Connection) -> dict[str, str]:
    """Assert that nothing differs, and give the notes of the checks."""
    checks = (await verify_database(db)).checks
    assert [check for check in checks if check.differences] == []
    return {check.name: check.note for check in checks if check.note is not None}


def said(entries: Iterable[JournalEntry]) -> list[tuple[str, str, str | None]]:
    bodies = [json.loads(entry.value or b"") for entry in entries]
    return [(body["consumerId"], body["type"], body.get("reason")) for body in bodies]


async def test_what_is_over_goes_and_what_was_sold_stays_counted(
    db: Connection, sale: Sale
) -> None:
    before = await show_stock(db)
    assert await assert_verified(db) == {}

    counts = await prune(db)

    assert counts == Counts(admissions=11, reservations=13, outcomes=26, dead_letters=4)
    for table in ("admissions", "reservations", "journal", "dead_letter_replays"):
        assert await count(db, table) == 0
    assert await show_stock(db) == before
    assert await list_drift(db) == []
    carried = await db.fetch("SELECT product_id, strategy, quantity FROM pruned_sales ORDER BY 1")
    assert [tuple(row) for row in carried] == [
        ("e-book", "soft", 4),
        ("moon-lamp", "soft", 3),
        ("star-lamp", "pool", 1),
        ("sun-lamp", "hard", 1),
    ]
    assert await assert_verified(db) == {
        "stock sold": "9 units of reservations that were pruned are as they were noted",
        "journal sequence": "30 entries were pruned from its front, and are not looked at",
        "reservation states": f"those of before {LATER:%Y-%m-%d %H:%M} UTC may be gone: what"
        " outcomes say of them is not looked at",
    }


async def test_the_sale_goes_on_and_is_pruned_again(db: Connection, sale: Sale) -> None:
    await prune(db)
    late = LATER + timedelta(minutes=1)
    new = Admitted(**named("zoe"), admitted_at=late, items=(Item("e-book", "", 2),))
    bought = CheckoutCompleted(**named("zoe"), completed_at=late)

    await sale.apply([(0, new), (0, bought)])
    await publish_all(db)
    await assert_verified(db)
    counts = await prune(db, LATER + timedelta(days=10))

    assert (counts.admissions, counts.reservations, counts.outcomes) == (1, 1, 2)
    assert await db.fetchval("SELECT sum(quantity) FROM pruned_sales") == 11
    notes = await assert_verified(db)
    assert notes["stock sold"].startswith("11 units")


async def test_a_second_pass_finds_nothing(db: Connection, sale: Sale) -> None:
    await prune(db)

    assert await prune(db) == Counts()


async def test_a_dry_run_counts_the_same_and_changes_nothing(db: Connection, sale: Sale) -> None:
    would = await prune(db, apply=False)

    assert await horizon(db) is None
    assert await count(db, "admissions") == 11
    assert await prune(db) == would


async def test_what_is_not_published_stays(db: Connection, sale: Sale) -> None:
    await db.execute(
        "UPDATE lane_outputs SET published_sequence = 3 WHERE lane = 0 AND stream = 'outcomes'"
    )

    counts = await prune(db)

    assert await db.fetchval("SELECT min(sequence) FROM journal") == 4
    assert counts.outcomes < 26
    await assert_verified(db)


async def test_what_was_written_since_stays(db: Connection, sale: Sale) -> None:
    await db.execute("UPDATE journal SET written_at = $1 WHERE sequence >= 2", LATER)

    counts = await prune(db)

    assert (counts.outcomes, counts.dead_letters) == (2, 2)
    await assert_verified(db)


async def test_replays_go_with_their_dead_letters(db: Connection, sale: Sale) -> None:
    await db.execute(
        "INSERT INTO dead_letter_replays SELECT id, 1 FROM dead_letters WHERE sequence = 1"
    )

    await prune(db)

    assert await count(db, "dead_letter_replays") == 0


# What stays, though it began before

LIMITED = Policy(units_per_sku_max=5)
LENIENT = '{"late_seconds": 2592000}'


@pytest.mark.parametrize(
    ("damage", "kept"),
    [
        ("UPDATE reservations SET status = 'active', ended_at = NULL WHERE admission_id = 'hal'",
         "hal"),
        ("UPDATE reservations SET ended_at = now() + interval '11 days' WHERE admission_id = 'hal'",
         "hal"),
        ("UPDATE admissions SET expires_at = now() + interval '9 days' WHERE admission_id = 'hal'",
         "hal"),
        (f"UPDATE admissions SET policy = '{LENIENT}' WHERE admission_id = 'hal'", "hal"),
        ("INSERT INTO early_facts VALUES (gen_random_uuid(), 0, 'acme', 'hal', '[]', now(), now())",
         "hal"),
        ("UPDATE admissions SET guest_id = 'guest' WHERE admission_id = 'hal';"
         "INSERT INTO early_facts VALUES"
         " (gen_random_uuid(), 0, 'acme', 'guest', '[]', now(), now())",
         "hal"),
        ("""INSERT INTO policies VALUES ('acme', 'salon', '{"units_per_sku_max": 1}')
            ON CONFLICT (organization_id, experience_id) DO UPDATE SET document = excluded.document
         """, "fay"),
    ],
    ids=["held", "ended since", "open since", "late payment", "fact", "fact of guest", "limit"],
)  # fmt: skip
async def test_an_admission_stays(db: Connection, sale: Sale, damage: str, kept: str) -> None:
    await db.execute(damage)

    counts = await prune(db)

    rows = await db.fetch("SELECT admission_id FROM admissions")
    assert [row[0] for row in rows] == [kept]
    assert (counts.admissions, counts.admissions_kept) == (10, 1)
    lines = await db.fetch("SELECT DISTINCT admission_id FROM reservations")
    assert [row[0] for row in lines] == [kept]


async def test_who_bought_nothing_is_counted_by_no_limit(db: Connection, sale: Sale) -> None:
    await import_policies(db, [PolicyRow("acme", "salon", LIMITED)])

    counts = await prune(db)

    assert counts.admissions_kept == 1  # fay has bought, gus has not
    await assert_verified(db)


async def test_what_a_batch_has_in_hand_is_left_for_the_next_pass(
    pool: Pool, db: Connection, sale: Sale
) -> None:
    async with pool.acquire() as other, other.transaction():
        await other.execute("SELECT FROM admissions WHERE admission_id = 'hal' FOR UPDATE")
        first = await prune(db)
    second = await prune(db)

    assert (first.admissions, first.admissions_kept) == (10, 1)
    assert (second.admissions, second.reservations) == (1, 1)
    await assert_verified(db)


async def test_a_lane_that_does_not_refuse_yet_holds_all_back(db: Connection, sale: Sale) -> None:
    await raise_horizon(db, LATER)
    await db.execute("UPDATE lanes SET pruned_before = 'epoch' WHERE lane = 1")

    counts = await Pass(lambda: nullcontext(db), LATER).run()

    assert (counts.admissions, counts.admissions_kept) == (0, 11)


# What comes again

AGAIN: list[tuple[AnyEvent, str]] = [
    (admitted("bo", ("moon-lamp", 2)), "bo"),
    (paid("ada"), "ada"),
    (CheckoutCompleted(**named("ada", None), completed_at=BEGAN), "ada"),
    (_left("bo"), "bo"),
    (OrderCancelled(**named("ada", None), cancelled_at=BEGAN, order_id="order-ada"), "ada"),
]


@pytest.mark.parametrize(("event", "shopper"), AGAIN, ids=lambda one: type(one).__name__)
async def test_what_comes_again_holds_and_sells_nothing(
    db: Connection, sale: Sale, event: AnyEvent, shopper: str
) -> None:
    await prune(db)
    before = await show_stock(db)
    entries = len(sale.entries)

    await sale.apply([(0, event)])

    assert said(sale.entries[entries:]) == [(shopper, "orphaned", "too_old")]
    assert await show_stock(db) == before
    for table in ("admissions", "reservations", "early_facts"):
        assert await count(db, table) == 0
    await assert_verified(db)


async def test_all_of_an_admission_again_in_one_batch_sells_nothing(
    db: Connection, sale: Sale
) -> None:
    await prune(db)
    before = await show_stock(db)

    await sale.apply([(0, admitted("ada", ("moon-lamp", 2), ("e-book", 1))), (0, paid("ada"))])

    assert said(sale.entries[-2:]) == [("ada", "orphaned", "too_old")] * 2
    assert await show_stock(db) == before


async def test_what_is_known_is_told_from_what_was_forgotten(db: Connection, sale: Sale) -> None:
    await db.execute(f"UPDATE admissions SET policy = '{LENIENT}' WHERE admission_id = 'hal'")
    await prune(db)
    entries = len(sale.entries)

    await sale.apply([(0, admitted("hal", ("e-book", 1))), (0, paid("hal", ("e-book", 1)))])

    assert said(sale.entries[entries:]) == [("hal", "converted", None)]
    await publish_all(db)
    await assert_verified(db)


async def test_a_lane_that_is_added_refuses_what_the_others_do(
    pool: Pool, db: Connection, sale: Sale
) -> None:
    await prune(db)
    taken = await take_lanes(db, [2], ["events"], "test")

    await Sale(pool, taken).apply([(2, admitted("bo", ("moon-lamp", 2)))])

    assert await count(db, "admissions") == 0


async def test_a_lane_that_is_made_while_the_horizon_rises_refuses_what_the_others_do(
    pool: Pool, db: Connection, sale: Sale
) -> None:
    async with pool.acquire() as other, other.transaction():
        taken = await take_lanes(other, [2], ["events"], "test")
        await prune(db)  # who prunes sees nothing of that lane, and waits for nobody
    new = Sale(pool, taken)

    await new.apply([(2, admitted("bo", ("moon-lamp", 2)))])

    assert await db.fetchval("SELECT pruned_before < $1 FROM lanes WHERE lane = 2", LATER)
    assert said(new.entries) == [("bo", "orphaned", "too_old")]
    assert await count(db, "admissions") == 0


async def test_who_raises_the_horizon_goes_back_for_a_lane_that_was_made_meanwhile(
    pool: Pool, db: Connection, sale: Sale
) -> None:
    async with pool.acquire() as pruner, pool.acquire() as other:
        async with held_up(pool, "SELECT FROM lanes WHERE lane = 0 FOR UPDATE"):
            raising = await begin(db, raise_horizon(pruner, LATER), waiting=1)
            await take_lanes(other, [2], ["events"], "test")
        await raising

    # Else a batch of that lane, which reads what is not risen yet, would go on while rows go.
    assert await db.fetchval("SELECT pruned_before FROM lanes WHERE lane = 2") == LATER


async def test_a_batch_that_waits_for_the_horizon_of_its_lane_sees_it_risen(
    pool: Pool, db: Connection, sale: Sale
) -> None:
    entries = len(sale.entries)
    async with held_up(pool, f"UPDATE lanes SET pruned_before = '{LATER}' WHERE lane = 0"):
        batch = await begin(db, sale.apply([(0, admitted("zoe", ("e-book", 1)))]), waiting=1)
    await batch

    assert said(sale.entries[entries:]) == [("zoe", "orphaned", "too_old")]


async def test_what_was_pruned_is_no_gap_and_what_is_missing_else_is(
    db: Connection, sale: Sale
) -> None:
    await db.execute("UPDATE journal SET written_at = $1 WHERE sequence >= 5", LATER)
    await prune(db)
    (pruned,) = await look_for_gaps(db, [(0, "outcomes", 0)], 100)
    await db.execute("DELETE FROM journal WHERE sequence = 5")
    (missing,) = await look_for_gaps(db, [(0, "outcomes", 0)], 100)

    assert (pruned.missing, missing.missing) == (0, 1)


# Steps

MANY = 2 * ADMISSIONS_MAX + 1


@pytest.fixture
async def many(sale: Sale, db: Connection) -> Sale:
    events = [admitted(f"shopper-{n}", ("e-book", 1)) for n in range(MANY)]
    await sale.apply((0, event) for event in events)
    await sale.apply((0, paid(f"shopper-{n}")) for n in range(MANY))
    await publish_all(db)
    return sale


async def test_a_step_is_one_short_transaction_of_few_rows(db: Connection, many: Sale) -> None:
    steps: list[int] = []

    @asynccontextmanager
    async def lend() -> AsyncIterator[Connection]:
        before = await _rows(db)
        yield db
        steps.append(before - await _rows(db))

    await raise_horizon(db, LATER)
    counts = await Pass(lend, LATER).run()

    assert counts.admissions == MANY + 11
    assert sum(steps) == counts.pruned
    assert max(steps) <= max(2 * ADMISSIONS_MAX, ENTRIES_MAX)
    assert sum(1 for step in steps if step) >= 5
    await assert_verified(db)


async def _rows(db: Connection) -> int:
    return sum([await count(db, name) for name in ("admissions", "reservations", "journal")])


async def test_who_verifies_keeps_it_waiting(pool: Pool, db: Connection, many: Sale) -> None:
    async with pool.acquire() as other, nothing_pruned(other):
        with pytest.raises(Busy):
            await prune(db)
        assert (await prune(db, apply=False)).admissions == MANY + 11

    assert (await prune(db)).admissions == MANY + 11


async def test_its_plans_use_indexes(db: Connection, many: Sale) -> None:
    await db.execute("ANALYZE")
    seen: dict[str, LoggedQuery] = {}

    def note(logged: LoggedQuery) -> None:
        seen.setdefault(logged.query, logged)

    with db.query_logger(note):
        await prune(db)

    scans = []
    for query, logged in seen.items():
        if " journal" in query or " admissions" in query:
            plan = json.loads(await db.fetchval(f"EXPLAIN (FORMAT JSON) {query}", *logged.args))
            scans += _scans(plan[0]["Plan"])
    assert {
        ("admissions", "admissions_by_age"),
        ("admissions", "admissions_pkey"),
        ("reservations", "reservations_by_admission"),
        ("early_facts", "early_facts_by_consumer"),
        ("journal", "journal_pkey"),
    } <= set(scans)
    whole = [table for table, index in scans if index is None]
    assert set(whole) <= {"lanes"}


def _scans(node: dict[str, Any]) -> list[tuple[str, str | None]]:
    below = [scan for child in node.get("Plans", []) for scan in _scans(child)]
    if node["Node Type"] == "Bitmap Heap Scan":
        return [(node["Relation Name"], node["Plans"][0]["Index Name"])]
    if "Relation Name" in node and "Scan" in node["Node Type"]:
        return [(node["Relation Name"], node.get("Index Name")), *below]
    return below


async def test_a_gap_in_the_journal_stays_for_all_to_see(db: Connection, sale: Sale) -> None:
    """What is beside it tells what was there: pruning goes no further."""
    lane = await db.fetchval("SELECT lane FROM journal GROUP BY lane ORDER BY count(*) DESC")
    await db.execute("DELETE FROM journal WHERE lane = $1 AND sequence IN (4, 5)", lane)

    await prune(db)

    kept = await db.fetch(
        "SELECT sequence FROM journal WHERE lane = $1 AND stream = 'outcomes' ORDER BY 1", lane
    )
    assert kept[0]["sequence"] == 6
    checks = (await verify_database(db)).checks
    told = [check.first_difference or "" for check in checks if check.differences]
    assert any("sequence 4 is missing" in words for words in told), told


# The command


async def test_the_command_counts_and_then_prunes(
    db: Connection, sale: Sale, database_url: str
) -> None:
    for table, columns in {
        "admissions": ("admitted_at", "expires_at"),
        "reservations": ("created_at", "expires_at", "ended_at"),
        "journal": ("written_at",),
    }.items():
        moved = ", ".join(f"{name} = {name} - interval '10 days'" for name in columns)
        await db.execute(f"UPDATE {table} SET {moved}")
    asked = ("prune", "--older-than", "72h", "--no-topics")

    counted = await reservations(*asked, DATABASE_URL=database_url)
    left = await count(db, "admissions")
    pruned = await reservations(*asked, "--apply", "--json", DATABASE_URL=database_url)
    again = await reservations(*asked, "--apply", DATABASE_URL=database_url)

    assert counted.exit_code == pruned.exit_code == 0
    assert counted.stdout.splitlines()[:3] == [
        "rows             count",
        "admissions          11",
        "reservations        13",
    ]
    assert counted.stderr.endswith("UTC: --apply prunes them\n")
    assert left == 11
    assert again.stderr.splitlines()[-1].startswith("pruned: of before ")
    told = json.loads(pruned.stdout)
    assert (told["applied"], told["admissions"], told["outcomes"]) == (True, 11, 26)
    told_of_it = CliRunner().invoke(app, ["prune", "--help"], env={"COLUMNS": "120"}).output
    assert "Print a JSON object." in told_of_it
    at = await instant_before(db, 72 * 3600)
    assert abs(datetime.fromisoformat(told["before"]) - at) < timedelta(minutes=1)
    await assert_verified(db)


async def test_who_asks_for_what_is_gone_is_told_so(
    db: Connection, sale: Sale, database_url: str
) -> None:
    before = await reservations("explain", "nobody", DATABASE_URL=database_url)
    await prune(db)
    after = await reservations("explain", "ada", DATABASE_URL=database_url)

    assert (before.exit_code, after.exit_code) == (1, 1)
    assert "pruned" not in before.stderr
    assert after.stderr.endswith(f"; what was over before {LATER:%Y-%m-%d %H:%M} UTC was pruned\n")


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ((), "say --older-than, for instance 90d, or set RESERVATIONS_RETENTION_DAYS"),
        (("--older-than", "soon"), "--older-than soon: say how long in hours, days or weeks"),
        (("--older-than", "47h"), "47 hours are too short: Fanfare repeats events for 2 days"),
    ],
)
async def test_the_command_refuses(
    database_url: str, arguments: tuple[str, ...], problem: str
) -> None:
    result = await reservations("prune", *arguments, "--no-topics", DATABASE_URL=database_url)

    assert result.exit_code == 1
    assert result.stderr.startswith(problem)
    assert result.stdout == ""
