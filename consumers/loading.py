"""The book of a batch: rows that its events may touch, locked and indexed."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from db import loading, policies
from db.connect import Connection
from db.loading import DueHold
from reservations.book import Book
from reservations.matching import Fact
from reservations.wanted import Wanted, policies_wanted, stock_wanted
from schemas.events import Admitted
from schemas.reservation import EarlyFact


async def load_book(
    connection: Connection,
    events: Sequence[Admitted | Fact],
    ticks: Mapping[int, datetime],
    expiry_batch_max: int,
) -> tuple[Book, set[int]]:
    """Load all that deciding these events and ticks may look at.

    Returns the book, and the lanes in which more holds are due than this batch may expire.
    """
    book = Book()
    holds, facts_due = await _load_due(connection, ticks, expiry_batch_max)
    wanted = Wanted()
    for event in events:
        wanted.add(event)
    for fact in facts_due:
        wanted.add(fact.fact)
    wanted.admissions.update(hold.admission_key for hold in holds)
    if wanted.admissions or wanted.consumers:
        await _load_admissions(connection, book, wanted)
        facts = await _load_facts(connection, book, wanted, facts_due)
        await _load_stock(connection, book, [*events, *facts])
    _index_due_holds(book, holds)
    return book, _lanes_with_more(holds, expiry_batch_max)


async def _load_due(
    connection: Connection, ticks: Mapping[int, datetime], limit: int
) -> tuple[Sequence[DueHold], Sequence[EarlyFact]]:
    if not ticks:
        return (), ()
    holds = await loading.due_holds(connection, ticks, limit)
    return holds, await loading.due_facts(connection, ticks, limit)


async def _load_admissions(connection: Connection, book: Book, wanted: Wanted) -> None:
    admissions = await loading.lock_admissions(
        connection,
        keys=wanted.admissions,
        consumers=wanted.consumers,
        tokens=wanted.tokens,
    )
    for admission in admissions:
        book.load_admission(admission)
    if admissions:
        for reservation in await loading.lock_reservations(connection, list(book.admissions)):
            book.load_reservation(reservation)


async def _load_facts(
    connection: Connection, book: Book, wanted: Wanted, facts_due: Collection[EarlyFact]
) -> list[Fact]:
    """Lock the early facts of the batch's consumers, and note which of them are due."""
    if not wanted.consumers:
        return []
    due = {fact.id for fact in facts_due}
    facts = await loading.lock_facts(connection, wanted.consumers)
    for fact in facts:
        book.load_fact(fact)
        if fact.id in due:
            book.due_facts[fact.lane].append(fact)
    return [fact.fact for fact in facts]


async def _load_stock(
    connection: Connection, book: Book, events: Sequence[Admitted | Fact]
) -> None:
    book.policies = await policies.load_policies(connection, list(policies_wanted(book, events)))
    stock_keys, pool_keys = stock_wanted(book, events)
    if stock_keys:
        book.stock = {line.key: line for line in await loading.lock_stock(connection, stock_keys)}
    if pool_keys:
        book.pools = {pool.key: pool for pool in await loading.lock_pools(connection, pool_keys)}


def _index_due_holds(book: Book, holds: Collection[DueHold]) -> None:
    """Note the due holds in the order in which they are due."""
    by_id = {one.id: one for lines in book.reservations.values() for one in lines}
    for hold in holds:
        if hold.id in by_id:
            book.due_holds[hold.lane].append(by_id[hold.id])


def _lanes_with_more(holds: Collection[DueHold], limit: int) -> set[int]:
    due_by_lane: dict[int, int] = {}
    for hold in holds:
        due_by_lane[hold.lane] = due_by_lane.get(hold.lane, 0) + 1
    return {lane for lane, count in due_by_lane.items() if count >= limit}
