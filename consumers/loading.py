"""The book of a batch: rows that its events may touch, locked and indexed."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final

from db import loading, policies
from db.connect import Connection
from db.loading import DueHold
from reservations.book import Book, ShopperKey
from reservations.wanted import Wanted, linked_shoppers, policies_wanted, stock_wanted
from schemas.events import Admitted, Fact
from schemas.reservation import Admission, AdmissionKey, EarlyFact

# Nobody is linked to an account by way of more; a longer chain of transfers is somebody's joke.
ROUNDS_MAX: Final = 5


async def load_book(
    connection: Connection,
    events: Sequence[Admitted | Fact],
    ticks: Mapping[int, datetime],
    expiry_batch_max: int,
    *,
    locks_stock: bool = False,
) -> tuple[Book, set[int]]:
    """Load all that deciding these events and ticks may look at.

    Returns the book, and the lanes in which more is due than this batch may take.
    """
    book = Book()
    holds, facts_due = await _load_due(connection, ticks, expiry_batch_max)
    wanted = Wanted()
    for event in events:
        wanted.add(event)
    for early in facts_due:
        wanted.add(early.known.fact)
    adjustments = (
        await loading.due_adjustments(connection, ticks, expiry_batch_max) if ticks else ()
    )
    for adjustment in adjustments:
        book.due_adjustments[adjustment.lane].append(adjustment)
    if wanted.admissions or wanted.consumers or holds:
        facts = await _load_admissions(connection, book, wanted, holds)
        _index_due(book, holds, facts_due)
        known = [*events, *(early.known.fact for early in facts)]
        await _load_stock(connection, book, known, locks_stock=locks_stock)
    due = [(hold.lane, "over" if hold.is_over else "at risk") for hold in holds]
    due += [(fact.lane, "fact") for fact in facts_due]
    due += [(adjustment.lane, "adjustment") for adjustment in adjustments]
    return book, _lanes_with_more(due, expiry_batch_max)


async def _load_due(
    connection: Connection, ticks: Mapping[int, datetime], limit: int
) -> tuple[Sequence[DueHold], Sequence[EarlyFact]]:
    if not ticks:
        return (), ()
    holds = await loading.due_holds(connection, ticks, limit)
    return holds, await loading.due_facts(connection, ticks, limit)


async def _load_admissions(
    connection: Connection, book: Book, wanted: Wanted, holds: Iterable[DueHold]
) -> Sequence[EarlyFact]:
    """Load all that the batch's shoppers have, and the admissions whose holds are due."""
    due = {hold.admission_key for hold in holds}
    admissions, facts = await _lock_admissions(connection, wanted, due)
    for admission in admissions:
        book.load_admission(admission)
    for early in facts:
        book.load_fact(early)
    if admissions:
        for reservation in await loading.lock_reservations(connection, list(book.admissions)):
            book.load_reservation(reservation)
    return facts


async def _lock_admissions(
    connection: Connection, wanted: Wanted, due: Collection[AdmissionKey]
) -> tuple[Sequence[Admission], Sequence[EarlyFact]]:
    """Lock the shoppers of the batch with their admissions and early facts.

    Which admission a fact belongs to is asked of all that its shopper has; so what turns out to be
    somebody else's too is loaded once more, with all that he or she has. That is rare: the first
    round knows whom transfers have linked, but not those that are asked for and not granted yet.
    """
    if not (wanted.consumers or wanted.admissions):
        return await loading.lock_admissions(connection, shoppers=(), keys=due), ()
    strangers = wanted.consumers
    shoppers: set[ShopperKey] = set()
    for _ in range(ROUNDS_MAX):
        shoppers |= await loading.lock_shoppers(
            connection,
            consumers=shoppers | strangers,
            admissions=wanted.admissions,
            tokens=wanted.tokens,
        )
        admissions = await loading.lock_admissions(connection, shoppers=shoppers, keys=due)
        facts = await loading.lock_facts(connection, shoppers)
        strangers = linked_shoppers(shoppers, admissions, facts) - shoppers
        if not strangers:
            break
    return admissions, facts


def _index_due(book: Book, holds: Iterable[DueHold], facts: Iterable[EarlyFact]) -> None:
    """Note what is due, in its order: the rows as they are now that they are locked."""
    reservations = {one.id: one for lines in book.reservations.values() for one in lines}
    for hold in holds:
        due = book.due_holds if hold.is_over else book.due_warnings
        if hold.id in reservations:
            due[hold.lane].append(reservations[hold.id])
    waiting = {one.id: one for early in book.facts_by_consumer.values() for one in early}
    for fact in facts:
        if fact.id in waiting:
            book.due_facts[fact.lane].append(waiting[fact.id])


async def _load_stock(
    connection: Connection, book: Book, events: Sequence[Admitted | Fact], *, locks_stock: bool
) -> None:
    book.policies = await policies.load_policies(connection, list(policies_wanted(book, events)))
    stock_keys, pool_keys = stock_wanted(book, events)
    if stock_keys:
        # Pools are locked here, and after their stock lines: so do all who lock both.
        load = loading.lock_stock if locks_stock or pool_keys else loading.read_stock
        book.load_stock(await load(connection, stock_keys))
    if pool_keys:
        book.pools = {pool.key: pool for pool in await loading.lock_pools(connection, pool_keys)}


def _lanes_with_more(due: Iterable[tuple[int, str]], limit: int) -> set[int]:
    """Give the lanes that have as many of a kind as were asked for."""
    return {lane for (lane, _), count in Counter(due).items() if count >= limit}
