"""The writes of a repair. The locks are in the workers' order: holds, stock line, pools."""

from collections.abc import Collection, Mapping
from typing import Final
from uuid import UUID

from asyncpg import Record

from db.connect import Connection
from schemas.adjusted import Counter
from schemas.stock import StockKey

# Any number will do: it only has to be the same in every process that repairs.
_LOCK_KEY: Final = 4_267_331_003


async def begin_reconciling(connection: Connection) -> bool:
    """Become the one who repairs, until the connection is closed; False where another does.

    What one repair takes off as drift must not be taken off by another.
    """
    return bool(await connection.fetchval(f"SELECT pg_try_advisory_lock({_LOCK_KEY})"))


async def wait_briefly(connection: Connection) -> None:
    """Wait no longer than this for a row: a line that stays locked is left for the next time."""
    await connection.execute("SET LOCAL lock_timeout = '2s'")


async def mend_marks(connection: Connection, ids: Collection[UUID]) -> int:
    """Lock these holds and make their marks of being at risk possible ones; give how many."""
    rows = await connection.fetch(
        """
        WITH locked AS MATERIALIZED (
            SELECT id FROM reservations WHERE id = ANY($1::uuid[]) ORDER BY id FOR UPDATE
        )
        UPDATE reservations AS saved
           SET at_risk = CASE WHEN status = 'active' THEN least(at_risk, quantity) ELSE 0 END,
               warned = warned AND status = 'active'
          FROM locked
         WHERE saved.id = locked.id
        RETURNING saved.id
        """,
        list(ids),
    )
    return len(rows)


async def lock_line(connection: Connection, key: StockKey) -> Record | None:
    """Lock a stock line, and give its counters."""
    return await connection.fetchrow(
        """
        SELECT tracked, received, on_hand, reserved, allocated, sold, short
          FROM stock_lines
         WHERE organization_id = $1 AND product_id = $2 AND variant_id = $3
           FOR NO KEY UPDATE
        """,
        *key,
    )


async def lock_pools_of(connection: Connection, key: StockKey) -> list[Record]:
    """Lock the pools of a line, and give their counters."""
    return await connection.fetch(
        """
        SELECT experience_id, filled AS pool_filled, available AS pool_available,
               allocated AS pool_allocated
          FROM pools
         WHERE organization_id = $1 AND product_id = $2 AND variant_id = $3
         ORDER BY experience_id
           FOR NO KEY UPDATE
        """,
        *key,
    )


async def add_pools(connection: Connection, key: StockKey, experiences: Collection[str]) -> None:
    """Make pools that holds are of and that are not there, with nothing in them."""
    await connection.execute(
        """
        INSERT INTO pools (organization_id, experience_id, product_id, variant_id)
        SELECT $1, experience_id, $2, $3 FROM unnest($4::text[]) AS gone (experience_id)
            ON CONFLICT DO NOTHING
        """,
        *key,
        list(experiences),
    )


async def write_line(
    connection: Connection, key: StockKey, counters: Mapping[Counter, int]
) -> None:
    """Write the counters of a line, which this transaction has locked."""
    await connection.execute(
        """
        UPDATE stock_lines
           SET received = $4, on_hand = $5, reserved = $6, allocated = $7, sold = $8, short = $9
         WHERE organization_id = $1 AND product_id = $2 AND variant_id = $3
        """,
        *key,
        *(counters["received"], counters["on_hand"], counters["reserved"]),
        *(counters["allocated"], counters["sold"], counters["short"]),
    )


async def write_pool(
    connection: Connection, key: StockKey, experience_id: str, counters: Mapping[Counter, int]
) -> None:
    """Write the counters of a pool, which this transaction has locked."""
    await connection.execute(
        """
        UPDATE pools
           SET filled = $5, available = $6, allocated = $7
         WHERE organization_id = $1 AND product_id = $2 AND variant_id = $3 AND experience_id = $4
        """,
        *key,
        experience_id,
        *(counters["pool_filled"], counters["pool_available"], counters["pool_allocated"]),
    )


async def move_holds_active(connection: Connection, units: int) -> int:
    """Add to what the lanes say of active holds, at one of them; give what they said together.

    Only their sum means something. A batch adds to what is there, so it need not be waited for.
    """
    before: int = await connection.fetchval(
        "SELECT coalesce(sum(holds_active), 0)::bigint FROM lanes"
    )
    await connection.execute("INSERT INTO lanes (lane) VALUES (0) ON CONFLICT DO NOTHING")
    await connection.execute(
        """
        UPDATE lanes SET holds_active = holds_active + $1
         WHERE lane = (SELECT min(lane) FROM lanes)
        """,
        units,
    )
    return before
