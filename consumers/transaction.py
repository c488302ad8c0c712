"""One Postgres transaction for all that a poll brought: fence, load, decide, save, journal."""

import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from asyncpg import Pool
from msgspec import structs

from consumers.journaling import journal_entries
from consumers.lateness import overdue_seconds
from consumers.loading import load_book
from consumers.records import Batch
from consumers.saving import save_changes
from consumers.turns import in_turns
from db.connect import Connection
from db.lanes import Lane, fence, last_ticks
from reservations.book import Book
from reservations.decide import decide
from schemas import steps
from schemas.adjusted import AnyOutcome
from schemas.events import Arrival, ExpiryTick
from schemas.journal import JournalEntry, Superseded
from schemas.outcomes import Outcome
from schemas.vocabulary import Result


@dataclass(slots=True)
class Applied:
    """A committed batch: the lanes after it, what to publish, and what to count."""

    lanes: dict[int, Lane]
    entries: list[JournalEntry]
    outcomes: list[AnyOutcome]
    results: Counter[tuple[str, Result]]
    lanes_with_more_due: set[int]
    size: int
    misrouted: int = 0
    age_seconds: float | None = None  # of the oldest record, when it was committed
    seconds: dict[str, float] = field(default_factory=dict)  # by phase
    overdue_seconds: list[float] = field(default_factory=list)  # how late ticks ended holds
    trace_id: str | None = None  # of the batch's span, where it is traced
    conflicts: int = 0  # how often it was decided in vain before


async def apply_batch(
    pool: Pool,
    batch: Batch,
    lanes: Mapping[int, Lane],
    *,
    expiry_batch_max: int,
    locks_stock: bool = False,
    on_decided: Callable[[Sequence[Outcome]], None] | None = None,
) -> Applied:
    """Apply a batch, whole or not at all. `on_decided` gets its outcomes before they are saved.

    With `locks_stock` its stock lines are locked before they are looked at, so that nobody moves
    them meanwhile. Raises StockMoved where somebody did, Superseded when a lane has another owner,
    and what asyncpg raises.
    """
    clock = _Stopwatch()
    async with pool.acquire() as connection, connection.transaction():
        lost, now, pruned_before = await fence(
            connection, {lane.lane: lane.epoch for lane in lanes.values()}
        )
        if lost or now is None or pruned_before is None:
            raise Superseded(f"lanes {sorted(lost)} have another owner")
        steps.done("fenced", len(batch.arrivals))
        ticks = [_not_ahead_of(now, tick) for tick in batch.ticks.values()]
        book, with_more_due = await _load(
            connection, batch, ticks, lanes, expiry_batch_max, locks_stock=locks_stock
        )
        book.now, book.pruned_before = now, pruned_before
        clock.lap("load")
        steps.done("loaded", len(batch.arrivals))
        async for arrivals in in_turns([*batch.arrivals, *ticks]):
            decide(book, arrivals)
        changes = book.changes
        clock.lap("decide")
        steps.done("decided", len(batch.arrivals))
        if on_decided is not None:
            on_decided(changes.outcomes)
        moved = _moved(lanes, batch, book)
        outcomes: list[AnyOutcome] = [*changes.outcomes, *changes.adjustments.values()]
        entries = journal_entries(moved, outcomes, batch.dead_letters)
        await save_changes(connection, moved, book, entries)
        steps.done("saved", len(entries))
    clock.lap("save")
    steps.done("committed", len(entries))
    return Applied(
        lanes=moved,
        entries=entries,
        outcomes=outcomes,
        results=batch.results + changes.results,
        lanes_with_more_due=with_more_due,
        size=batch.size,
        misrouted=batch.misrouted,
        age_seconds=_age_seconds(batch),
        seconds=clock.seconds,
        overdue_seconds=overdue_seconds(changes, ticks, now),
    )


async def _load(
    connection: Connection,
    batch: Batch,
    ticks: Sequence[Arrival],
    lanes: Mapping[int, Lane],
    expiry_batch_max: int,
    *,
    locks_stock: bool,
) -> tuple[Book, set[int]]:
    events = [
        arrival.event for arrival in batch.arrivals if not isinstance(arrival.event, ExpiryTick)
    ]
    instants = {tick.lane: tick.event.at for tick in ticks if isinstance(tick.event, ExpiryTick)}
    book, with_more_due = await load_book(
        connection, events, instants, expiry_batch_max, locks_stock=locks_stock
    )
    book.last_tick = {lane.lane: lane.last_tick for lane in lanes.values()}
    # Of admissions that are of other lanes: asked once they are locked, so that a tick that has
    # ended one of their holds is seen.
    if others := {admission.lane for admission in book.admissions.values()} - lanes.keys():
        book.last_tick |= await last_ticks(connection, others)
    return book, with_more_due


def _moved(lanes: Mapping[int, Lane], batch: Batch, book: Book) -> dict[int, Lane]:
    """Give the lanes as they are after the batch; ours stay as they are until it has committed."""
    moved = {
        number: replace(
            lane,
            last_tick=book.last_tick[number],
            next_offsets=dict(lane.next_offsets),
            outputs={stream: replace(output) for stream, output in lane.outputs.items()},
        )
        for number, lane in lanes.items()
    }
    for (number, topic), next_offset in batch.next_offsets.items():
        moved[number].next_offsets[topic] = next_offset
    return moved


def _not_ahead_of(now: datetime, tick: Arrival) -> Arrival:
    """Hold a tick to the database's clock: a ticker's own may be ahead of it."""
    if isinstance(tick.event, ExpiryTick) and tick.event.at > now:
        return structs.replace(tick, event=ExpiryTick(at=now))
    return tick


def _age_seconds(batch: Batch) -> float | None:
    if batch.oldest_timestamp_ms is None:
        return None
    return max(0.0, time.time() - batch.oldest_timestamp_ms / 1000)


class _Stopwatch:
    """Seconds by phase."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._since = time.perf_counter()

    def lap(self, phase: str) -> None:
        now = time.perf_counter()
        self.seconds[phase] = now - self._since
        self._since = now
