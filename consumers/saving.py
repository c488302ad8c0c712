"""What a batch changed into rows, inside its transaction."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from db import journal, saving
from db.connect import Connection
from db.lanes import Lane, save_lanes
from reservations.book import Book
from schemas.journal import JournalEntry


async def save_changes(
    connection: Connection,
    lanes: Mapping[int, Lane],
    book: Book,
    entries: Sequence[JournalEntry],
) -> None:
    """Save what the rules changed, each table by one statement; a table without changes costs none.

    Stock lines come last: that is how long other workers wait for them. The lanes get what only
    Postgres knows: how many holds they have, which `reconcile` may repair.

    Raises StockMoved: nothing of it stands then.
    """
    changes = book.changes
    saves: list[tuple[Callable[..., Awaitable[None]], dict[Any, Any]]] = [
        (saving.add_admissions, changes.new_admissions),
        (saving.update_admissions, changes.admissions),
        (saving.add_reservations, changes.new_reservations),
        (saving.update_reservations, changes.reservations),
        (saving.update_pools, changes.pools),
        (saving.add_facts, changes.new_facts),
        (saving.update_facts, changes.facts),
        (saving.end_adjustments, changes.adjustments),
    ]
    if changes.ended_facts:
        await saving.end_facts(connection, changes.ended_facts)
    for save, rows in saves:
        if rows:
            await save(connection, rows.values())
    if entries:
        await journal.append(connection, entries)
    active = await save_lanes(connection, list(lanes.values()), changes.holds_active)
    for number, holds_active in active.items():
        lanes[number].holds_active = holds_active
    if moves := book.stock_moves():
        await saving.move_stock(connection, moves)
