"""Counters broken by hand in a sale that has everything: found, explained, repaired, told."""

import json
import re
from datetime import timedelta
from typing import Any, NamedTuple

import msgspec
import pytest
from asyncpg import Pool

from db.connect import Connection
from db.reconciling import begin_reconciling
from db.stock_import import StockRow, import_stock
from db.verify import verify_database
from schemas.adjusted import CounterChange
from schemas.events import ExpiryTick
from service.reconcile.finding import find
from service.reconcile.repairing import Options, Verdict, repair
from service.reconcile.run import Busy, Run, reconcile_all
from tests.integration.sale import BEGAN, LANES, Sale, admitted, hold_sale
from tests.integration.test_cli import reservations
from tests.integration.test_verify import AGAIN, DAMAGES, ID, STATUS_OF_BO, differing

AS_IF = "as if "
BUT = "; but no single reservation fits, so perhaps changed by hand"

BY = Options("ada@till")
SET_MOON = "UPDATE stock_lines SET {} WHERE product_id = 'moon-lamp'"
SET_SUN = "UPDATE stock_lines SET {} WHERE product_id = 'sun-lamp'"
SET_STAR = "UPDATE stock_lines SET {} WHERE product_id = 'star-lamp'"


@pytest.fixture
async def sale(pool: Pool) -> Sale:
    return await hold_sale(pool)


async def reconcile(db: Connection, *, apply: bool = True, **options: Any) -> Run:
    try:
        return await reconcile_all(db, BY._replace(**options), apply=apply)
    finally:
        await db.execute("SELECT pg_advisory_unlock_all()")  # as the end of a command does


async def verified(db: Connection) -> dict[str, str | None]:
    return differing((await verify_database(db)).checks)


class Broken(NamedTuple):
    """What is done to the database, what it needs, and why, in words."""

    sql: str
    drift: str
    cause: str


BROKEN = {
    "a hold that has ended": Broken(
        SET_MOON.format("reserved = 4, on_hand = 4, received = 7"),
        "reserved 4 -> 2",
        f"({AS_IF})?a hold of 2 units has ended and is still counted"
        f"({BUT}|, perhaps of reservation {ID})",
    ),
    "a hold": Broken(
        DAMAGES["reserved"].sql.replace("= 1", "= 0"),
        "reserved 0 -> 2",
        f"a hold of 2 units was never counted, perhaps of reservation {ID}",
    ),
    "a hold of another size": Broken(
        DAMAGES["reserved"].sql,
        "reserved 1 -> 2",
        f"{AS_IF}a hold of 1 unit was never counted{BUT}",
    ),
    "a sale of held units": Broken(
        SET_MOON.format("reserved = 4, on_hand = 4, sold = sold - 2"),
        "reserved 4 -> 2, sold 1 -> 3, on_hand 4 -> 2",
        f"({AS_IF})?a sale of 2 units out of a hold was never counted"
        f"({BUT}|, perhaps of reservation {ID})",
    ),
    "a sale twice": Broken(
        SET_MOON.format("reserved = 1, on_hand = 1, sold = sold + 1"),
        "reserved 1 -> 2, sold 4 -> 3, on_hand 1 -> 2",
        "a sale of 1 unit is counted that no reservation tells of",
    ),
    "a hard hold": Broken(
        SET_SUN.format("allocated = 0, on_hand = on_hand + 1"),
        "allocated 0 -> 1, on_hand 2 -> 1",
        f"a hold of 1 unit was never counted, perhaps of reservation {ID}",
    ),
    "a pool's hold": Broken(
        "UPDATE pools SET allocated = 0, available = 2",
        "pool_allocated of salon 0 -> 1, pool_available of salon 2 -> 1",
        f"a hold of 1 unit was never counted, perhaps of reservation {ID}",
    ),
    "a sale that was taken back": Broken(
        SET_SUN.format("sold = 2, on_hand = 0"),
        "sold 2 -> 1, on_hand 0 -> 1",
        f"{AS_IF}1 unit came back from a sale that is still counted{BUT}",
    ),
    "an untracked sale": Broken(
        DAMAGES["sold"].sql,
        "sold 3 -> 4",
        f"{AS_IF}a sale of 1 unit beyond any hold was never counted{BUT}",
    ),
    "on_hand alone": Broken(
        DAMAGES["unit lost"].sql,
        "on_hand 0 -> 1",
        "only on_hand is wrong, which no worker changes alone: changed by hand",
    ),
    "filled alone": Broken(
        DAMAGES["pool filled"].sql,
        "pool_filled of salon 4 -> 3",
        "only pool_filled is wrong, which no worker changes alone: changed by hand",
    ),
    "available alone": Broken(
        "UPDATE pools SET available = 2",
        "pool_available of salon 2 -> 1",
        "only pool_available is wrong, which no worker changes alone: changed by hand",
    ),
    "untracked received": Broken(
        DAMAGES["untracked received"].sql,
        "received 2 -> 0",
        "only received is wrong, which no worker changes alone: changed by hand",
    ),
    "short untracked": Broken(
        DAMAGES["short untracked"].sql,
        "short 1 -> 0",
        "only short is wrong, which no worker changes alone: changed by hand",
    ),
    "short beyond what is taken": Broken(
        DAMAGES["short beyond what is taken"].sql,
        "on_hand 1 -> 0, short 3 -> 2",
        "several things at once: no single step of a worker explains it",
    ),
    "a pool gone": Broken(
        "DELETE FROM pools",
        "on_hand 1 -> 2, pool_filled of salon 0 -> 2, pool_allocated of salon 0 -> 1",
        "the pool of salon is gone, and its reservations are there",
    ),
    "everything": Broken(
        SET_STAR.format("reserved = 1, allocated = 2, sold = 0"),
        "reserved 1 -> 0, allocated 2 -> 0, sold 0 -> 1",
        "several things at once: no single step of a worker explains it",
    ),
    "a mark beyond its hold": Broken(
        DAMAGES["at risk for more than is held"].sql,
        "marks 1 -> 0",
        "holds are marked as at risk that cannot be: changed by hand",
    ),
    "a mark of an ended hold": Broken(
        DAMAGES["at risk after its end"].sql,
        "marks 1 -> 0",
        "holds are marked as at risk that cannot be: changed by hand",
    ),
    "holds active": Broken(
        DAMAGES["holds active"].sql,
        "holds_active 2 -> 3",
        "the lanes count other holds than are active",
    ),
}


@pytest.mark.parametrize("name", BROKEN)
async def test_what_is_broken_is_explained_repaired_and_kept(
    db: Connection, sale: Sale, name: str
) -> None:
    broken = BROKEN[name]
    await db.execute(broken.sql)

    (shown,) = (await reconcile(db, apply=False)).rows
    found_before = await verified(db)
    run = await reconcile(db)
    (again,) = [await reconcile(db)]

    (row,) = run.rows
    assert re.fullmatch(broken.cause, shown.cause), shown.cause
    assert set(shown.table()["drift"].split(", ")) <= set(broken.drift.split(", "))
    assert found_before != {}
    assert (row.state, run.still, run.journal_damage) == ("repaired", 0, [])
    assert sorted(row.table()["drift"].split(", ")) == sorted(broken.drift.split(", "))
    assert await verified(db) == {}
    assert again.rows == []
    (kept,) = await db.fetch("SELECT * FROM adjustments")
    assert kept["adjusted_by"] == "ada@till"
    assert msgspec.json.decode(kept["changes"], type=tuple[CounterChange, ...]) == row.changes


# What is left, and what the operator has to allow


async def left(db: Connection, **options: Any) -> str:
    """Reconcile in vain, and give what is said of the one line that is left."""
    before = await db.fetch("SELECT * FROM stock_lines ORDER BY product_id")
    shown = (await reconcile(db, apply=False, **options)).rows
    (row,) = (await reconcile(db, **options)).rows
    assert row.state == "left"
    assert shown[0].words in (row.words, "")
    assert await db.fetch("SELECT * FROM stock_lines ORDER BY product_id") == before
    assert await db.fetchval("SELECT count(*) FROM adjustments") == 0
    return row.words


async def test_a_line_that_is_gone_is_left_until_it_is_brought_in(
    db: Connection, sale: Sale
) -> None:
    await db.execute(DAMAGES["stock line gone"].sql)

    words = await left(db)
    await import_stock(db, [StockRow(1, "acme", "e-book", "", None)])
    (row,) = (await reconcile(db)).rows

    assert words == "bring the line in with `stock set`, as it was, then run it again"
    assert row.table()["drift"] == "sold 0 -> 4"
    assert await verified(db) == {}


@pytest.mark.parametrize(
    ("sql", "words"),
    [
        (STATUS_OF_BO.format("released"), "it is released, its last outcome says reserved"),
        (
            "UPDATE reservations SET status = 'released', ended_at = now()"
            " WHERE admission_id = 'bo'; DELETE FROM reservations WHERE admission_id = 'bo'",
            "it is not there, but the journal has outcomes of it",
        ),
    ],
)
async def test_where_the_journal_contradicts_a_row_the_row_is_looked_at_first(
    db: Connection, sale: Sale, sql: str, words: str
) -> None:
    await db.execute(f"{sql}; UPDATE lanes SET holds_active = holds_active - 1 WHERE lane = 0")

    said = await left(db)
    (row,) = (await reconcile(db, accept_rows=True)).rows

    assert re.fullmatch(f"reservation {ID}: {words}: look at it; --accept-rows.*", said)
    assert re.fullmatch(f"rows that are not what the journal says: reservation {ID}.*", row.cause)
    assert row.table()["drift"] == "reserved 2 -> 0"
    assert (await verified(db)).keys() == {"reservation states"}


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("outcome gone", "journal sequence: lane 0, outcomes: sequence 3 is missing"),
        ("said twice", f"journal ids: outcome {ID} is there 2 times"),
        ("outcome unreadable", "an outcome cannot be read: invalid input syntax for type json"),
    ],
)
async def test_while_the_journal_is_damaged_nothing_is_repaired(
    db: Connection, sale: Sale, name: str, words: str
) -> None:
    await db.execute(f"{DAMAGES[name].sql}; {DAMAGES['unit lost'].sql}")
    before = await db.fetch("SELECT * FROM stock_lines ORDER BY product_id")

    run = await reconcile(db)

    assert re.fullmatch(words, "\n".join(run.journal_damage))
    assert [row.state for row in run.rows] == ["found"]
    assert await db.fetch("SELECT * FROM stock_lines ORDER BY product_id") == before


async def test_what_an_offset_reset_told_again_is_no_damage(db: Connection, sale: Sale) -> None:
    again = AGAIN.format(2, "id").replace("outcomes", "dead_letters")
    await db.execute(f"{DAMAGES['unit lost'].sql}; {again.replace('= 2', '= 1')}")

    run = await reconcile(db)

    assert [row.state for row in run.rows] == ["repaired"]
    assert (await verified(db)).keys() == {"journal ids"}


async def test_units_that_are_held_and_not_there_need_leave_to_put_holds_at_risk(
    db: Connection, sale: Sale
) -> None:
    """Bo holds both moon lamps that are left. It turns out that one was never received."""
    await db.execute(SET_MOON.format("received = received - 1"))

    words = await left(db)
    (row,) = (await reconcile(db, allow_shortage=True)).rows

    assert words == "1 held unit would be short, and holds at risk: --allow-shortage"
    assert row.table()["drift"] == "short 0 -> 1"
    at_risk = await db.fetch("SELECT admission_id, at_risk FROM reservations WHERE at_risk > 0")
    assert [tuple(one) for one in at_risk] == [("bo", 1)]
    assert await verified(db) == {}


async def test_a_pool_that_has_less_than_nothing_is_filled_from_the_line(
    db: Connection, sale: Sale
) -> None:
    await db.execute(
        "UPDATE pools SET filled = 1, available = 0; " + SET_STAR.format("on_hand = 3")
    )

    (row,) = (await reconcile(db)).rows

    assert row.table()["drift"] == "on_hand 3 -> 2, pool_filled of salon 1 -> 2"
    assert await verified(db) == {}


async def test_what_somebody_repaired_meanwhile_is_not_repaired_twice(
    db: Connection, sale: Sale
) -> None:
    await db.execute(SET_MOON.format("reserved = 5, on_hand = 5, received = 8"))
    found = await find(db)
    await db.execute(SET_MOON.format("reserved = 2, on_hand = 2, received = 5"))

    verdict = await repair(db, found.lines[0], BY)

    assert verdict == Verdict("left", "it was changed meanwhile: run it again")
    assert await verified(db) == {}


async def test_a_line_that_stays_locked_is_left_and_the_others_are_repaired(
    db: Connection, pool: Pool, sale: Sale
) -> None:
    await db.execute("UPDATE stock_lines SET on_hand = on_hand + 1 WHERE tracked")
    async with pool.acquire() as other, other.transaction():
        await other.execute("SELECT FROM stock_lines WHERE product_id = 'sun-lamp' FOR UPDATE")
        run = await reconcile(db)

    assert {row.name: row.state for row in run.rows} == {
        "acme/moon-lamp": "repaired",
        "acme/star-lamp": "repaired",
        "acme/sun-lamp": "left",
    }
    assert run.rows[2].words == "another transaction has it locked: run it again"
    assert run.still == 0


async def test_one_repairs_at_a_time(db: Connection, pool: Pool, sale: Sale) -> None:
    async with pool.acquire() as other:
        assert await begin_reconciling(other)
        with pytest.raises(Busy):
            await reconcile(db)


# What is told


async def test_a_lane_tells_what_was_repaired_at_its_next_tick(db: Connection, sale: Sale) -> None:
    await db.execute("UPDATE stock_lines SET on_hand = on_hand + 1 WHERE tracked")
    before = len(sale.entries)
    await reconcile(db)

    await sale.apply([(lane, ExpiryTick(at=BEGAN + timedelta(minutes=4))) for lane in range(LANES)])
    await sale.apply([(lane, ExpiryTick(at=BEGAN + timedelta(minutes=5))) for lane in range(LANES)])

    told = sale.entries[before:]
    assert sorted(one.key or b"" for one in told) == [
        *(b"acme/moon-lamp/", b"acme/star-lamp/", b"acme/sun-lamp/")
    ]
    body = json.loads(next(one.value or b"" for one in told if b"sun" in (one.key or b"")))
    assert {name: body[name] for name in ("type", "organizationId", "productId", "changes")} == {
        "type": "adjusted",
        "organizationId": "acme",
        "productId": "sun-lamp",
        "changes": [{"counter": "on_hand", "before": 2, "after": 1}],
    }
    assert body["cause"]["topic"] == "events"
    assert (await verified(db)) == {}
    kept = await db.fetch("SELECT id, lane, sequence FROM adjustments")
    assert {tuple(one) for one in kept} == {(one.id, one.lane, one.sequence) for one in told}


async def test_an_adjustment_that_the_journal_does_not_have_is_found(
    db: Connection, sale: Sale
) -> None:
    await db.execute(DAMAGES["unit lost"].sql)
    await reconcile(db)
    await db.execute("UPDATE adjustments SET sequence = 2")

    found = await verified(db)

    assert re.fullmatch(
        f"adjustment {ID}: it is not outcome 2 of lane [01]", found["adjustments"] or ""
    )


async def test_a_worker_counts_its_holds_right_after_a_repair(db: Connection, sale: Sale) -> None:
    await db.execute(DAMAGES["holds active"].sql)
    await reconcile(db)

    await sale.apply([(lane, admitted(f"new-{lane}", ("e-book", 1))) for lane in range(LANES)])

    assert sum(lane.holds_active for lane in sale.lanes.values()) == 5


# The command


async def test_the_command_shows_repairs_and_shows_nothing(
    db: Connection, sale: Sale, database_url: str
) -> None:
    url = {"DATABASE_URL": database_url}
    await db.execute(DAMAGES["unit lost"].sql)

    shown = await reservations("reconcile", **url)
    elsewhere = await reservations("reconcile", "--product", "moon-lamp", **url)
    repaired = await reservations("reconcile", "--apply", "--json", **url)
    again = await reservations("reconcile", "--json", **url)
    history = await reservations("reconcile", "--history", **url)

    cause = "only on_hand is wrong, which no worker changes alone: changed by hand"
    assert (shown.exit_code, shown.stderr) == (
        1,
        "nothing was changed: --apply repairs what can be\n",
    )
    assert shown.stdout.splitlines()[1:] == [f"acme/sun-lamp  on_hand 0 -> 1  {cause}  found"]
    assert (elsewhere.exit_code, elsewhere.stdout, elsewhere.stderr) == (0, "", "nothing differs\n")
    assert (repaired.exit_code, repaired.stderr) == (0, "")
    assert json.loads(repaired.stdout) == [
        {
            **{"organization_id": "acme", "product_id": "sun-lamp", "variant_id": ""},
            "changes": [{"counter": "on_hand", "before": 0, "after": 1}],
            **{"cause": cause, "verdict": "repaired", "advice": None},
        }
    ]
    assert (again.exit_code, again.stdout, again.stderr) == (0, "[]\n", "")
    assert history.exit_code == 0
    assert "acme/sun-lamp  on_hand 0 -> 1" in history.stdout


async def test_the_command_names_what_it_leaves(
    db: Connection, sale: Sale, database_url: str
) -> None:
    await db.execute(SET_MOON.format("received = received - 1"))

    kept = await reservations("reconcile", "--apply", DATABASE_URL=database_url)
    await db.execute(DAMAGES["outcome gone"].sql)
    damaged = await reservations("reconcile", "--apply", DATABASE_URL=database_url)

    words = "1 held unit would be short, and holds at risk: --allow-shortage"
    assert (kept.exit_code, kept.stderr) == (1, f"acme/moon-lamp: {words}\n")
    assert damaged.exit_code == 1
    assert damaged.stderr.startswith("journal sequence: lane 0, outcomes: sequence 3 is missing\n")
    assert "the journal itself is damaged: nothing is repaired" in damaged.stderr


async def test_the_command_says_who_else_repairs(db: Connection, database_url: str) -> None:
    assert await begin_reconciling(db)

    result = await reservations("reconcile", "--apply", DATABASE_URL=database_url)

    words = "another `reservations reconcile --apply` runs: nothing was changed\n"
    assert (result.exit_code, result.stderr) == (1, words)
