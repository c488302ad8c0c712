"""`verify` finds a clean sale clean, and each kind of damage, by its own check and in words."""

import json
import re
from collections import Counter
from dataclasses import dataclass
from datetime import timedelta

import psycopg
import pytest
from asyncpg import Pool

from db.connect import Connection
from db.drift import list_drift
from db.verify import Check, verify_database
from service.embedded.server import free_ports
from tests.integration.sale import BEGAN, Sale, hold_sale
from tests.integration.test_cli import reservations

CHECKS = [
    *("stock reserved", "stock allocated", "stock sold", "pool allocated", "pool filled"),
    *("stock conserved", "never oversold", "stock short", "holds at risk", "holds active"),
    *("journal sequence", "journal ids", "adjustments", "reservation states"),
]
COUNTERS = {*CHECKS[:6], "stock short"}  # whose differences are drift
ID = "[0-9a-f-]{36}"


@pytest.fixture
async def sale(pool: Pool) -> Sale:
    return await hold_sale(pool)


def differing(checks: list[Check]) -> dict[str, str | None]:
    return {check.name: check.first_difference for check in checks if check.differences}


async def test_an_empty_database_verifies(db: Connection) -> None:
    checks, ends = await verify_database(db)

    assert checks == [Check(name, 0, 0) for name in CHECKS]
    assert ends == []


async def test_a_sale_that_has_everything_verifies(db: Connection, sale: Sale) -> None:
    checks, ends = await verify_database(db)

    entries = len(sale.entries)
    looked_at = [4, 4, 4, 1, 1, 4, 5, 4, 3, 3, entries, entries, 0, 13]
    assert checks == [Check(name, n, 0) for name, n in zip(CHECKS, looked_at, strict=True)]
    written = Counter((entry.lane, entry.stream) for entry in sale.entries)
    assert {(end.lane, end.stream): end.sequence for end in ends} == written


@dataclass(frozen=True)
class Damage:
    """What is done to the database, and the first difference of each check that finds it."""

    sql: str
    found: dict[str, str]


STATUS_OF_BO = "UPDATE reservations SET status = '{}', ended_at = now() WHERE admission_id = 'bo'"
OUTCOME = "lane = {} AND stream = 'outcomes' AND sequence = {}"
# An outcome once more, under the next sequence: only what it says is wrong.
AGAIN = """
    WITH next AS (
        UPDATE lane_outputs SET sequence = sequence + 1 WHERE lane = 1 AND stream = 'outcomes'
        RETURNING sequence
    )
    INSERT INTO journal (lane, stream, sequence, id, type, occurred_at, key, value)
    SELECT lane, stream, next.sequence, {1}, type, occurred_at, key, value
      FROM journal, next
     WHERE lane = 1 AND stream = 'outcomes' AND journal.sequence = {0}
"""

DAMAGES = {
    "reserved": Damage(
        "UPDATE stock_lines SET reserved = 1 WHERE product_id = 'moon-lamp'",
        {"stock reserved": "stock line acme/moon-lamp: reserved is 1, its reservations make 2"},
    ),
    "reserved untracked": Damage(
        "UPDATE stock_lines SET reserved = 7 WHERE product_id = 'e-book'",
        {"stock reserved": "stock line acme/e-book: reserved is 7, its reservations make 0"},
    ),
    "allocated": Damage(
        "UPDATE stock_lines SET allocated = 2, on_hand = 0 WHERE product_id = 'sun-lamp'",
        {"stock allocated": "stock line acme/sun-lamp: allocated is 2, its reservations make 1"},
    ),
    "sold": Damage(
        "UPDATE stock_lines SET sold = 3 WHERE product_id = 'e-book'",
        {"stock sold": "stock line acme/e-book: sold is 3, its reservations make 4"},
    ),
    "stock line gone": Damage(
        "DELETE FROM stock_lines WHERE product_id = 'e-book'",
        {"stock sold": "stock line acme/e-book: sold is not there, its reservations make 4"},
    ),
    "pool allocated": Damage(
        "UPDATE pools SET allocated = 2, available = 0",
        {"pool allocated": "pool acme/salon/star-lamp: allocated is 2, its reservations make 1"},
    ),
    "pool filled": Damage(
        "UPDATE pools SET filled = 4",
        {
            "pool filled": "pool acme/salon/star-lamp: filled is 4,"
            " available, allocated and sold make 3"
        },
    ),
    "pool gone": Damage(
        "DELETE FROM pools",
        {
            "pool allocated": "pool acme/salon/star-lamp: allocated is not there,"
            " its reservations make 1",
            "pool filled": "pool acme/salon/star-lamp: filled is not there,"
            " available, allocated and sold make 1",
            "stock conserved": "stock line acme/star-lamp: received is 4,"
            " on_hand, allocated, pooled and sold, less short, make 2",
        },
    ),
    "unit lost": Damage(
        "UPDATE stock_lines SET on_hand = on_hand - 1 WHERE product_id = 'sun-lamp'",
        {
            "stock conserved": "stock line acme/sun-lamp: received is 3,"
            " on_hand, allocated, pooled and sold, less short, make 2"
        },
    ),
    "untracked received": Damage(
        "UPDATE stock_lines SET received = 2 WHERE product_id = 'e-book'",
        {
            "stock conserved": "stock line acme/e-book: received is 2,"
            " on_hand, allocated, pooled and sold, less short, make 0"
        },
    ),
    "holds active": Damage(
        "UPDATE lanes SET holds_active = holds_active - 1 WHERE lane = 1",
        {"holds active": "the lanes' holds_active sum to 2, the active reservations are 3"},
    ),
    "outcome gone": Damage(
        f"DELETE FROM journal WHERE {OUTCOME.format(0, 3)}",
        {
            "journal sequence": "lane 0, outcomes: sequence 3 is missing",
            "reservation states": f"reservation {ID}: it is active, its outcomes say nothing",
        },
    ),
    "last dead letter gone": Damage(
        "DELETE FROM journal WHERE lane = 1 AND stream = 'dead_letters' AND sequence = 2",
        {"journal sequence": "lane 1, dead_letters: the journal ends at sequence 1, the lane at 2"},
    ),
    "lane behind its journal": Damage(
        "UPDATE lane_outputs SET sequence = 10 WHERE lane = 1 AND stream = 'outcomes'",
        {"journal sequence": "lane 1, outcomes: the journal ends at sequence 11, the lane at 10"},
    ),
    "lane gone": Damage(
        "DELETE FROM lane_outputs WHERE lane = 1 AND stream = 'dead_letters'",
        {"journal sequence": "lane 1, dead_letters: the journal ends at sequence 2, the lane at 0"},
    ),
    "status": Damage(
        STATUS_OF_BO.format("released"),
        {
            "stock reserved": "stock line acme/moon-lamp: reserved is 2, its reservations make 0",
            "holds active": "the lanes' holds_active sum to 3, the active reservations are 2",
            "reservation states": f"reservation {ID}: it is released,"
            " its last outcome says reserved",
        },
    ),
    "quantity": Damage(
        "UPDATE reservations SET quantity = 3 WHERE admission_id = 'lou'",
        {
            "stock sold": "stock line acme/e-book: sold is 4, its reservations make 5",
            "reservation states": f"reservation {ID}: it has 3 units, its outcomes say 2",
        },
    ),
    "quantity held": Damage(
        "UPDATE reservations SET quantity = 3 WHERE admission_id = 'bo';"
        "UPDATE stock_lines SET reserved = 3, on_hand = 3, received = 6"
        " WHERE product_id = 'moon-lamp'",
        {"reservation states": f"reservation {ID}: it holds 3 units, its outcomes make 2"},
    ),
    "missing": Damage(
        "UPDATE reservations SET missing = 3 WHERE admission_id = 'cy'",
        {"reservation states": f"reservation {ID}: it lacks 3 units, its outcomes say 2"},
    ),
    "late": Damage(
        "UPDATE reservations SET late = true WHERE admission_id = 'fay'",
        {"reservation states": f"reservation {ID}: it was sold late, its outcomes say not so"},
    ),
    "restocked": Damage(
        "UPDATE reservations SET status = 'returned', restocked = true WHERE admission_id = 'fay'",
        {
            "stock sold": "stock line acme/star-lamp: sold is 1, its reservations make 0",
            "pool filled": "pool acme/salon/star-lamp: filled is 3,"
            " available, allocated and sold make 2",
            "reservation states": f"reservation {ID}: it is returned,"
            " its last outcome says converted",
        },
    ),
    "returned and not restocked": Damage(
        "UPDATE reservations SET status = 'returned' WHERE admission_id = 'fay'",
        {
            "reservation states": f"reservation {ID}: it is returned,"
            " its last outcome says converted"
        },
    ),
    "short beyond what is taken": Damage(
        "UPDATE stock_lines SET short = 3, received = 1 WHERE product_id = 'star-lamp'",
        {
            "stock short": "stock line acme/star-lamp:"
            " 3 units are short, of 2 that are held and sold"
        },
    ),
    "short untracked": Damage(
        "UPDATE stock_lines SET short = 1 WHERE product_id = 'e-book'",
        {"stock short": "stock line acme/e-book: untracked, and 1 units short"},
    ),
    "short and not received": Damage(
        "UPDATE stock_lines SET short = 1 WHERE product_id = 'sun-lamp'",
        {
            "stock conserved": "stock line acme/sun-lamp: received is 3,"
            " on_hand, allocated, pooled and sold, less short, make 2"
        },
    ),
    "at risk for more than is held": Damage(
        "UPDATE reservations SET at_risk = 3 WHERE admission_id = 'bo'",
        {"holds at risk": f"reservation {ID}: 3 of its 2 units are at risk"},
    ),
    "at risk after its end": Damage(
        "UPDATE reservations SET at_risk = 1 WHERE admission_id = 'hal'",
        {"holds at risk": f"reservation {ID}: it is released, and at risk"},
    ),
    "reservation gone": Damage(
        "DELETE FROM reservations WHERE admission_id = 'cy'",
        {
            "reservation states": f"reservation {ID}: it is not there,"
            " but the journal has outcomes of it"
        },
    ),
    "reservation of nowhere": Damage(
        """
        INSERT INTO reservations (id, lane, organization_id, admission_id, experience_id,
               product_id, variant_id, quantity, strategy, status, expires_at, created_at, ended_at)
        SELECT gen_random_uuid(), lane, organization_id, 'mo', experience_id, product_id,
               variant_id, quantity, strategy, status, expires_at, created_at, ended_at
          FROM reservations WHERE admission_id = 'cy'
        """,
        {"reservation states": f"reservation {ID}: it is unfulfilled, its outcomes say nothing"},
    ),
    "answered twice": Damage(
        AGAIN.format(2, "gen_random_uuid()"),
        {"reservation states": f"reservation {ID}: it holds 1 units, its outcomes make 2"},
    ),
    "said twice": Damage(AGAIN.format(6, "id"), {"journal ids": f"outcomes {ID} is there 2 times"}),
    "ended after its sale": Damage(
        AGAIN.format(10, "gen_random_uuid()"),
        {"reservation states": f"reservation {ID}: it is converted, its last outcome says expired"},
    ),
    "never answered": Damage(
        f"UPDATE journal SET type = 'fanfare.reservation.orphaned' WHERE {OUTCOME.format(0, 1)}",
        {
            "reservation states": f"reservation {ID}:"
            " it was never answered with reserved or rejected"
        },
    ),
    "outcome unreadable": Damage(
        f"UPDATE journal SET value = 'moon' WHERE {OUTCOME.format(0, 1)}",
        {"reservation states": "a row cannot be read: invalid input syntax for type json"},
    ),
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES.keys())
async def test_damage_is_found_and_named(db: Connection, sale: Sale, damage: Damage) -> None:
    await db.execute(damage.sql)

    found = differing((await verify_database(db)).checks)

    assert found.keys() == damage.found.keys()
    for name, words in damage.found.items():
        assert re.fullmatch(words, found[name] or ""), found[name]
    assert {line.key.product_id for line in await list_drift(db)} == drifted(damage.found)


def drifted(found: dict[str, str]) -> set[str]:
    """Give the products whose stock line, or a pool of it, is named for its counters."""
    words = "\n".join(words for name, words in found.items() if name in COUNTERS)
    return {name.rpartition("/")[2] for name in re.findall(r"(?:stock line|pool) (\S+):", words)}


@pytest.mark.parametrize(
    ("table", "constraint", "sql", "words"),
    [
        (
            *("stock_lines", "never_oversold"),
            "UPDATE stock_lines SET received = 4, on_hand = 1 WHERE product_id = 'moon-lamp'",
            "stock line acme/moon-lamp: received 4, on_hand 1, reserved 2, allocated 0, sold 3,"
            " short 0",
        ),
        (
            *("pools", "pool_never_oversold"),
            "UPDATE pools SET filled = 1, available = -1",
            "pool acme/salon/star-lamp: filled 1, available -1, allocated 1",
        ),
    ],
)
async def test_what_is_oversold_is_found_without_the_constraint(
    db: Connection, sale: Sale, table: str, constraint: str, sql: str, words: str
) -> None:
    transaction = db.transaction(isolation="repeatable_read")
    await transaction.start()
    await db.execute(f"ALTER TABLE {table} DROP CONSTRAINT {constraint}")
    await db.execute(sql)
    found = differing((await verify_database(db)).checks)
    await transaction.rollback()

    assert found["never oversold"] == words


PRUNED = (
    "INSERT INTO pruned_journal SELECT lane, stream, 4 FROM lane_outputs WHERE stream = 'outcomes'"
)


async def test_a_front_that_nobody_pruned_is_missing(db: Connection, sale: Sale) -> None:
    await db.execute("DELETE FROM journal WHERE stream = 'outcomes' AND sequence <= 4")

    checks = (await verify_database(db)).checks

    (found,) = [check for check in checks if check.name == "journal sequence"]
    assert (found.differences, found.first_difference) == (
        8,
        "lane 0, outcomes: sequence 1 is missing",
    )


async def test_a_pruned_front_that_is_there_again_is_found(db: Connection, sale: Sale) -> None:
    await db.execute(PRUNED)

    found = differing((await verify_database(db)).checks)

    assert found["journal sequence"] == "lane 0, outcomes: sequence 1 is there, and was pruned"


async def test_what_is_missing_since_the_last_pruning_is_found(db: Connection, sale: Sale) -> None:
    await db.execute("UPDATE lanes SET pruned_before = $1", BEGAN - timedelta(seconds=1))
    await db.execute("DELETE FROM reservations WHERE admission_id = 'cy'")

    found = differing((await verify_database(db)).checks)

    assert "it is not there, but the journal has outcomes" in (found["reservation states"] or "")


async def test_a_journal_whose_front_was_pruned_verifies(db: Connection, sale: Sale) -> None:
    await db.execute("DELETE FROM journal WHERE stream = 'outcomes' AND sequence <= 4")
    await db.execute(PRUNED)
    await db.execute("UPDATE lanes SET pruned_before = now()")

    checks, ends = await verify_database(db)

    assert differing(checks) == {}
    assert [end.first_sequence for end in ends if end.stream == "outcomes"] == [5, 5]


async def test_a_gap_in_a_pruned_journal_is_found(db: Connection, sale: Sale) -> None:
    await db.execute(
        "DELETE FROM journal WHERE stream = 'outcomes' AND (sequence <= 4 OR sequence = 9)"
    )
    await db.execute(PRUNED)

    found = differing((await verify_database(db)).checks)

    assert found["journal sequence"] == "lane 0, outcomes: sequence 9 is missing"


async def test_what_is_committed_meanwhile_is_in_no_check(
    db: Connection, database_url: str, sale: Sale
) -> None:
    steps = []

    def on_progress(step: str, done: int, total: int) -> None:
        steps.append(step)
        if len(steps) == 2:
            with psycopg.connect(database_url) as other:
                other.execute("UPDATE lanes SET holds_active = 99")

    during = (await verify_database(db, on_progress)).checks
    after = (await verify_database(db)).checks

    assert differing(during) == {}
    assert list(differing(after)) == ["holds active"]


async def test_the_command_prints_a_table(sale: Sale, database_url: str) -> None:
    result = await reservations("verify", "--no-topics", DATABASE_URL=database_url)

    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.splitlines()[:3] == [
        "check               looked_at  differences  verdict",
        "stock reserved              4            0  ok",
        "stock allocated             4            0  ok",
    ]


async def test_the_command_fails_and_names_what_differs(
    db: Connection, sale: Sale, database_url: str
) -> None:
    await db.execute(DAMAGES["holds active"].sql)

    result = await reservations("verify", "--no-topics", "--json", DATABASE_URL=database_url)

    words = DAMAGES["holds active"].found["holds active"]
    assert (result.exit_code, result.stderr) == (1, f"holds active: {words}\n")
    assert json.loads(result.stdout)[CHECKS.index("holds active")] == {
        "check": "holds active",
        "looked_at": 3,
        "differences": 1,
        "verdict": "differs",
        "first_difference": words,
        "note": None,
    }
    assert [row["check"] for row in json.loads(result.stdout)] == CHECKS


async def test_the_command_needs_a_schema(empty_database_url: str) -> None:
    result = await reservations("verify", "--no-topics", DATABASE_URL=empty_database_url)

    assert result.exit_code == 2
    assert "run `reservations migrate`" in result.stderr


async def test_the_command_needs_kafka(database_url: str) -> None:
    address = f"127.0.0.1:{free_ports(1)[0]}"

    result = await reservations(
        "verify", DATABASE_URL=database_url, KAFKA_BOOTSTRAP_SERVERS=address
    )

    assert result.exit_code == 2
    assert len(result.stderr.splitlines()) == 1
    assert f"cannot use Kafka at {address}" in result.stderr


async def test_the_help_has_an_example() -> None:
    result = await reservations("verify", "--help")

    assert "Example: reservations verify" in result.stdout
