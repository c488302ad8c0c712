"""Stock comes in from a file of totals.

A file says how many units were brought in altogether (`received`), not how many to add. So the
same file twice changes nothing, also in the middle of a sale. What a smaller number does to units
that are held or sold is in `db.at_risk`.
"""

from collections.abc import Sequence
from typing import NamedTuple

from db import at_risk
from db.connect import Connection, prefer_whole_tables
from db.importing import (
    Imported,
    Progress,
    Refusal,
    line_ranges,
    reported,
    silent,
    wait_for_other_imports,
)
from db.stock_locks import lock_what_changes
from db.stock_review import find_refusals, summarise


class StockRow(NamedTuple):
    """A line of a stock file."""

    line: int
    organization_id: str
    product_id: str
    variant_id: str
    on_hand: int | None  # units brought in altogether; None: untracked


async def import_stock(
    connection: Connection,
    rows: Sequence[StockRow],
    *,
    dry_run: bool = False,
    allow_shortage: bool = False,
    progress: Progress = silent,
) -> Imported | list[Refusal]:
    """Make ``received`` of every line what the file says, and move ``on_hand`` by the difference.

    All or nothing: where one line is refused nothing is changed, and the refusals are returned.
    ``rows`` are in the order of the file, each key once. A dry run takes no lock. Only with
    ``allow_shortage`` may a line get fewer units than are held, sold and set aside.
    """
    async with connection.transaction():
        await prefer_whole_tables(connection)
        await _stage(connection, rows, progress)
        progress("checking", len(rows), 0)
        if not dry_run:
            await wait_for_other_imports(connection)
        await _drop_what_stays(connection)
        if not dry_run:
            await lock_what_changes(connection, allow_shortage=allow_shortage)
        await at_risk.plan(connection)
        if refusals := await find_refusals(connection, allow_shortage=allow_shortage):
            return refusals
        imported = await summarise(connection, len(rows))
        if not dry_run:
            await at_risk.carry_out(connection)
            for first, last in line_ranges(rows, "writing", progress):
                await _write(connection, first, last)
    return imported


async def _stage(connection: Connection, rows: Sequence[StockRow], progress: Progress) -> None:
    """Put the file beside the stock lines, where one statement can compare them."""
    await connection.execute(
        """
        CREATE TEMPORARY TABLE incoming_stock (
            line             integer PRIMARY KEY,
            organization_id  text NOT NULL,
            product_id       text NOT NULL,
            variant_id       text NOT NULL,
            on_hand          bigint,
            tracked          boolean GENERATED ALWAYS AS (on_hand IS NOT NULL) STORED,
            received         bigint  GENERATED ALWAYS AS (coalesce(on_hand, 0)) STORED
        ) ON COMMIT DROP
        """
    )
    await connection.copy_records_to_table(
        "incoming_stock", columns=StockRow._fields, records=reported(rows, "loading", progress)
    )


async def _drop_what_stays(connection: Connection) -> None:
    """Drop the rows that say what is so already; no worker changes what they say."""
    await connection.execute(
        """
        DELETE FROM incoming_stock i
         USING stock_lines s
         WHERE (s.organization_id, s.product_id, s.variant_id)
             = (i.organization_id, i.product_id, i.variant_id)
           AND (s.tracked, s.received) = (i.tracked, i.received)
        """
    )
    await connection.execute("ANALYZE incoming_stock")


async def _write(connection: Connection, first: int, last: int) -> None:
    """Write a range of the file's lines."""
    await connection.execute(
        """
        INSERT INTO stock_lines AS s
               (organization_id, product_id, variant_id, tracked, received, on_hand)
        SELECT organization_id, product_id, variant_id, tracked, received, received
          FROM incoming_stock
         WHERE line BETWEEN $1 AND $2
            ON CONFLICT (organization_id, product_id, variant_id) DO UPDATE
           SET tracked = excluded.tracked,
               received = excluded.received,
               on_hand = s.on_hand + excluded.received - s.received
        """,
        first,
        last,
    )
