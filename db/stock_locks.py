"""What an import of stock locks: as little as will do, and never against the workers' order."""

from typing import Final

from db.at_risk import LINES, concerns_holds
from db.connect import Connection

# A batch takes well under a second. While this waits, workers that begin one wait behind it.
_STOP_SECONDS: Final = 5


async def lock_what_changes(connection: Connection, *, allow_shortage: bool) -> None:
    """Lock the stock lines that the file changes, and where it concerns holds, these as well.

    Most files concern no hold: for them the stock lines are enough, and the workers go on. Should
    a worker make it otherwise just before the lines are locked, they are let go again: their holds
    come before them in the workers' order of locks (see `db.loading`).
    """
    if not await concerns_holds(connection, allow_shortage=allow_shortage):
        lines_only = connection.transaction()
        await lines_only.start()
        await _lock_stock_lines(connection)
        if not await concerns_holds(connection, allow_shortage=allow_shortage):
            await lines_only.commit()
            return
        await lines_only.rollback()
    await stop_workers(connection)
    await _lock_holds(connection)
    await _lock_stock_lines(connection)
    await _lock_pools(connection)


async def stop_workers(connection: Connection) -> None:
    """Let batches that are under way end, and keep all others out until this transaction ends.

    Holds have to be locked before their stock line, and which they are is certain only once the
    line is locked: until then a batch may add holds to it. One that has also loaded such a hold
    would wait for the line, and a lock on that hold would wait for the batch, for ever. So this
    comes before both. A batch locks its lanes before all else (see `db.lanes.fence`): with the
    table of lanes locked, none is under way, and holds and counters stay as they are read.
    """
    await connection.execute(
        f"SET LOCAL lock_timeout = '{_STOP_SECONDS}s'; LOCK TABLE lanes IN EXCLUSIVE MODE"
    )


async def _lock_holds(connection: Connection) -> None:
    """Lock the active reservations of the lines whose holds the file concerns, in id order."""
    await connection.execute(
        f"""
        SELECT
          FROM ({LINES}) AS l
          JOIN reservations r USING (organization_id, product_id, variant_id)
         WHERE r.status = 'active'
         ORDER BY r.id
           FOR NO KEY UPDATE OF r
        """
    )


async def _lock_stock_lines(connection: Connection) -> None:
    """Lock the lines that the file changes, in key order."""
    await connection.execute(
        """
        SELECT
          FROM incoming_stock i
          JOIN stock_lines s USING (organization_id, product_id, variant_id)
         ORDER BY s.organization_id, s.product_id, s.variant_id
           FOR NO KEY UPDATE OF s
        """
    )


async def _lock_pools(connection: Connection) -> None:
    """Lock the pools of these lines, in key order."""
    await connection.execute(
        """
        SELECT
          FROM incoming_stock i
          JOIN pools p USING (organization_id, product_id, variant_id)
         ORDER BY p.organization_id, p.experience_id, p.product_id, p.variant_id
           FOR NO KEY UPDATE OF p
        """
    )
