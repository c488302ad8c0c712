"""All rows in memory, and the telling of stories over them.

Rows change only by what a batch notes in its changes, and each batch works on copies: a rule that
forgets to note a change loses it here as it would in Postgres.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from copy import copy, deepcopy
from datetime import datetime
from typing import TypeVar
from uuid import UUID

import msgspec
from msgspec.structs import replace

from reservations.book import NEVER_TICKED, Book, Changes, ShopperKey, shopper_of, shoppers_of
from reservations.decide import decide
from reservations.rows import SOLD
from reservations.wanted import Wanted, linked_shoppers, policies_wanted, stock_wanted
from schemas.events import Admitted, Arrival, ExpiryTick, Fact, event_time
from schemas.outcomes import Outcome
from schemas.policy import Policy
from schemas.reservation import Admission, AdmissionKey, EarlyFact, Reservation
from schemas.stock import Pool, PoolKey, StockKey, StockLine
from tests.unit.story import (
    Answer,
    Differs,
    Given,
    Happens,
    Look,
    Pruned,
    Step,
    Withdrawn,
    check,
    check_look,
    hold_in_words,
    parse,
    pool_in_words,
    stock_in_words,
)

Key = TypeVar("Key")
Row = TypeVar("Row")


class World:
    """All rows, and all that was ever said."""

    def __init__(self, *, loads_all: bool = True, expiry_batch_max: int = 500) -> None:
        self.loads_all = loads_all  # else: what `reservations.wanted` asks for
        self.expiry_batch_max = expiry_batch_max  # holds that are due, of each lane
        self.policies: dict[tuple[str, str], Policy] = {}
        self.stock: dict[StockKey, StockLine] = {}
        self.pools: dict[PoolKey, Pool] = {}
        self.received: Counter[StockKey] = Counter()
        self.admissions: dict[AdmissionKey, Admission] = {}
        self.reservations: dict[UUID, Reservation] = {}
        self.facts: dict[UUID, EarlyFact] = {}
        self.last_tick: dict[int, datetime] = {}
        self.pruned_before = NEVER_TICKED
        self.now: datetime | None = None  # the clock; None: nothing has happened yet
        self.holds_active = 0
        self.outcomes: list[Outcome] = []

    def put(self, given: Given) -> None:
        """Put there what an operator would: a policy, a stock line, a pool."""
        match copy(given.there):
            case StockLine() as line:
                self.stock[line.key] = line
                self.received[line.key] += line.on_hand
            case Pool() as pool:
                self.pools[pool.key] = pool
                self.stock[pool.key.stock_key].on_hand -= pool.available
            case Withdrawn() as withdrawn:
                self._withdraw(withdrawn)
            case datetime() as now:
                self.now = now
            case Pruned(before):
                self.pruned_before = before
            case (key, policy):
                self.policies[key] = policy

    def apply(self, batch: Sequence[Happens]) -> Changes:
        """Load a book, let the rules decide a batch, and save what they changed."""
        book = self.decided(batch)
        self._save(book.changes)
        self.last_tick |= book.last_tick
        return book.changes

    def decided(self, batch: Sequence[Happens]) -> Book:
        """Load a book, and let the rules decide a batch: nothing of it is saved yet."""
        arrivals = [step.arrival for step in batch]
        book = self._book(arrivals)
        book.now = self._now(arrivals)
        decide(book, arrivals)
        return book

    def look(self, look: Look) -> str:
        """Word what somebody sees who looks there."""
        if look.stock is not None:
            return stock_in_words(self.stock[look.stock])
        if look.pool is not None:
            return pool_in_words(self.pools[look.pool])
        if look.at == "active":
            return str(self.holds_active)
        if look.at == "waiting":
            waiting = [fact.known.fact.consumer_id for fact in self.facts.values()]
            return ", ".join(waiting) or "nobody"
        holds = self.holds_of(look.shopper)
        return ", ".join(hold_in_words(hold) for hold in holds) or "nothing"

    def holds_of(self, shopper: str) -> list[Reservation]:
        """Give a shopper's reservations, in the order in which they were made."""
        return [
            reservation
            for reservation in self.reservations.values()
            if self.admissions[reservation.admission_key].consumer_id == shopper
        ]

    def _withdraw(self, withdrawn: Withdrawn) -> None:
        """Mark units of a shopper's hold as `db.at_risk` marks them."""
        line = self.stock[withdrawn.stock]
        line.short += withdrawn.quantity
        self.received[line.key] -= withdrawn.quantity
        for hold in self.holds_of(withdrawn.shopper):
            if hold.stock_key == line.key and hold.status == "active":
                hold.at_risk += withdrawn.quantity

    def rows(self) -> dict[str, object]:
        """Give all rows by table, to compare two worlds."""
        tables = ("stock", "pools", "admissions", "reservations", "facts", "last_tick")
        return deepcopy({table: getattr(self, table) for table in tables})

    # Loading and saving

    def _now(self, arrivals: Sequence[Arrival]) -> datetime:
        """Move the clock: the first event and every tick do."""
        ticks = [one.event.at for one in arrivals if isinstance(one.event, ExpiryTick)]
        self.now = max(self.now or event_time(arrivals[0].event), *ticks, NEVER_TICKED)
        return self.now

    def _book(self, arrivals: Sequence[Arrival]) -> Book:
        """Load what deciding these events may look at; of a lane's holds and facts, those due."""
        book = Book()
        book.last_tick = dict(self.last_tick)
        book.pruned_before = self.pruned_before
        events = [one.event for one in arrivals if not isinstance(one.event, ExpiryTick)]
        ticks = {one.lane: one.event.at for one in arrivals if isinstance(one.event, ExpiryTick)}
        holds = [hold for lane, at in ticks.items() for hold in self._due_holds(lane, at)]
        facts = [
            one
            for one in self.facts.values()
            if one.lane in ticks and one.retry_at <= ticks[one.lane]
        ]
        self._load_rows(book, events, holds, facts)
        by_id = {one.id: one for lines in book.reservations.values() for one in lines}
        for hold in holds:
            book.due_holds[hold.lane].append(by_id[hold.id])
        waiting = {one.id: one for each in book.facts_by_consumer.values() for one in each}
        for fact in sorted(facts, key=lambda one: one.retry_at):
            book.due_facts[fact.lane].append(waiting[fact.id])
        for one in by_id.values():
            if one.at_risk and not one.warned and one.lane in ticks:
                book.due_warnings[one.lane].append(one)
        return book

    def _due_holds(self, lane: int, at: datetime) -> list[Reservation]:
        due = [
            one
            for one in self.reservations.values()
            if one.status == "active" and one.lane == lane and one.expires_at <= at
        ]
        return sorted(due, key=lambda one: one.expires_at)[: self.expiry_batch_max]

    def _load_rows(
        self,
        book: Book,
        events: Sequence[Admitted | Fact],
        holds: Iterable[Reservation],
        facts: Iterable[EarlyFact],
    ) -> None:
        """Copy rows into a book, in the order in which `consumers.loading` loads them."""
        wanted = Wanted()
        for event in [*events, *(fact.known.fact for fact in facts)]:
            wanted.add(event)
        due = {hold.admission_key for hold in holds}
        due |= {one.admission_key for one in self.reservations.values() if one.at_risk}
        self._load_shoppers(book, wanted, due)
        while strangers := self._strangers(book, wanted):
            wanted.consumers |= strangers
            self._load_shoppers(book, wanted, due)
        for reservation in self.reservations.values():
            if reservation.admission_key in book.admissions:
                book.load_reservation(copy(reservation))
        if self.loads_all:
            book.policies = dict(self.policies)
            book.load_stock(_copies(self.stock).values())
            book.pools = _copies(self.pools)
            return
        waiting = [fact.known.fact for each in book.facts_by_consumer.values() for fact in each]
        all_events = [*events, *waiting]
        book.policies = _only(self.policies, policies_wanted(book, all_events))
        stock_keys, pool_keys = stock_wanted(book, all_events)
        book.load_stock(_copies(_only(self.stock, stock_keys)).values())
        book.pools = _copies(_only(self.pools, pool_keys))

    def _load_shoppers(self, book: Book, wanted: Wanted, due: Set[AdmissionKey]) -> None:
        for admission in self.admissions.values():
            asked = self.loads_all or _is_wanted(wanted, admission) or admission.key in due
            if asked and admission.key not in book.admissions:
                book.load_admission(_copy_of(admission))
        loaded = {early.id for facts in book.facts_by_consumer.values() for early in facts}
        for fact in self.facts.values():
            asked = self.loads_all or shopper_of(fact) in wanted.consumers
            if asked and fact.id not in loaded:
                book.load_fact(replace(fact, known=copy(fact.known)))

    def _strangers(self, book: Book, wanted: Wanted) -> set[ShopperKey]:
        """Give who has to do with the shoppers that were loaded, and is not loaded yet."""
        named = [one for one in book.admissions.values() if _is_wanted(wanted, one)]
        shoppers = wanted.consumers | {owner for one in named for owner in shoppers_of(one)}
        facts = [early for each in book.facts_by_consumer.values() for early in each]
        linked = linked_shoppers(shoppers, book.admissions.values(), facts)
        return linked - wanted.consumers

    def _save(self, changes: Changes) -> None:
        for key in changes.new_admissions:
            assert key not in self.admissions, f"{key} is not new"
        for id_ in changes.new_reservations:
            assert id_ not in self.reservations, f"{id_} is not new"
        self.admissions |= changes.new_admissions | changes.admissions
        self.reservations |= changes.new_reservations | changes.reservations
        self.stock |= changes.stock
        self.pools |= changes.pools
        self.facts |= changes.new_facts | changes.facts
        for fact_id in changes.ended_facts:
            del self.facts[fact_id]
        self.holds_active += changes.holds_active.total()
        self.outcomes += changes.outcomes

    # What must always hold

    def check(self) -> None:
        """Prove what must hold after every event, by AssertionError."""
        for line in self.stock.values():
            self._check_line(line)
        for pool in self.pools.values():
            assert pool.available >= 0, f"{pool} is oversold"
            held = self._units("active", "pool", of_pool=pool.key)
            assert pool.allocated == held, f"{pool}: {held} are held"
            sold = self._units("converted", "pool", of_pool=pool.key)
            sold += self._units("written_off", "pool", of_pool=pool.key)
            assert pool.filled == pool.available + held + sold, f"{pool}: {sold} are sold"
        active = sum(one.status == "active" for one in self.reservations.values())
        assert self.holds_active == active, f"{self.holds_active} counted, {active} holds active"
        for one in self.reservations.values():
            assert one.quantity > 0, f"{one} is of nothing"
            until = self.admissions[one.admission_key].expires_at
            assert one.expires_at == until, f"{one}: its admission ends at {until}"
            _check_row(one)
        lines = Counter((one.admission_key, one.stock_key) for one in self.reservations.values())
        assert max(lines.values(), default=1) == 1, "two reservations of one line"
        ids = Counter(outcome.outcome_id for outcome in self.outcomes)
        assert max(ids.values(), default=1) == 1, "two outcomes under one id"

    def _check_line(self, line: StockLine) -> None:
        assert min(line.on_hand, line.reserved, line.allocated, line.sold) >= 0, f"{line}"
        assert line.reserved == self._units("active", "soft", of=line.key), f"{line} has drifted"
        assert line.allocated == self._units("active", "hard", of=line.key), f"{line} has drifted"
        sold = self._units("converted", of=line.key) + self._units("written_off", of=line.key)
        assert line.sold == sold, f"{line} has drifted"
        if line.tracked:
            assert line.available >= 0, f"{line} is oversold"
            pooled = sum(
                pool.available + pool.allocated
                for pool in self.pools.values()
                if pool.key.stock_key == line.key
            )
            total = line.on_hand + line.allocated + line.sold + pooled - line.short
            assert total == self.received[line.key], f"{line}: {self.received[line.key]} received"

    def _units(
        self,
        status: str,
        strategy: str | None = None,
        *,
        of: StockKey | None = None,
        of_pool: PoolKey | None = None,
    ) -> int:
        return sum(
            one.quantity
            for one in self.reservations.values()
            if (_is_written_off(one) if status == "written_off" else one.status == status)
            and strategy in (None, one.strategy)
            and of in (None, one.stock_key)
            and of_pool in (None, one.pool_key)
        )


def story(text: str) -> World:
    """Tell a story event by event, and prove the laws of `World.check` after each.

    It is told once more with all events between two ticks or looks in one batch, which loads no
    more than it asks for: the same has to come out.
    """
    world = tell(text)
    assert_same(tell_in_batches(text, lambda _: False), world)
    return world


def tell(text: str) -> World:
    """Tell a story event by event, with the whole world loaded for each."""
    world = World()
    for _ in each_told(world, text):
        pass
    return world


def each_told(world: World, text: str) -> Iterator[tuple[Happens, Sequence[Outcome]]]:
    """Tell a story event by event, and give each event when it was told, with its outcomes."""
    for step in parse(text):
        match step:
            case Given():
                world.put(step)
            case Look():
                check_look(text, step, world.look(step))
            case Happens():
                changes = world.apply([step])
                [(_, result)] = changes.results
                check(text, step, Answer(changes.outcomes, result))
                _prove(world, text, step)
                yield step, changes.outcomes


def tell_in_batches(text: str, ends_batch: Callable[[Happens], bool]) -> World:
    """Tell a story in batches, which end where `ends_batch` says so and around what is no event.

    A tick is a batch of its own. What the lines expect is not compared: an outcome of a batch
    belongs to no one line.
    """
    world = World(loads_all=False)
    for batch in _batches(parse(text), ends_batch):
        match batch:
            case Given():
                world.put(batch)
            case [*_, last]:
                world.apply(batch)
                _prove(world, text, last)
    return world


def events_of(text: str, world: World | None = None) -> list[Happens]:
    """Give what happens in a story, and put into a world what is given there."""
    steps = parse(text)
    for step in steps:
        if isinstance(step, Given) and world is not None:
            world.put(step)
    return [step for step in steps if isinstance(step, Happens)]


def _batches(
    steps: Iterable[Step], ends_batch: Callable[[Happens], bool]
) -> Iterator[list[Happens] | Given]:
    batch: list[Happens] = []
    for step in steps:
        is_event = isinstance(step, Happens) and not isinstance(step.arrival.event, ExpiryTick)
        if batch and not is_event:
            yield batch
            batch = []
        if isinstance(step, Given):
            yield step
        elif isinstance(step, Happens):
            batch.append(step)
            if not is_event or ends_batch(step):
                yield batch
                batch = []
    if batch:
        yield batch


def assert_same(one: World, other: World) -> None:
    """Compare what two worlds have said and how they are."""
    told, expected = (
        [msgspec.to_builtins(outcome) for outcome in world.outcomes] for world in (one, other)
    )
    assert told == expected, "in other batches the story goes another way"
    for table, rows in one.rows().items():
        assert rows == other.rows()[table], f"in other batches {table} end another way"


def _prove(world: World, text: str, step: Happens) -> None:
    try:
        world.check()
    except AssertionError as broken:
        raise Differs(text, step.line, str(broken)) from None


def _is_wanted(wanted: Wanted, admission: Admission) -> bool:
    organization_id = admission.key.organization_id
    return (
        admission.key in wanted.admissions
        or (organization_id, admission.consumer_id) in wanted.consumers
        or (organization_id, admission.guest_id) in wanted.consumers
        or (organization_id, admission.token_digest) in wanted.tokens
        or (organization_id, admission.also_id) in wanted.admissions
    )


def _check_row(one: Reservation) -> None:
    is_active, is_paid = one.status == "active", one.status in SOLD
    assert is_active == (one.ended_at is None), f"{one}: ended, or not?"
    assert 0 <= one.at_risk <= (one.quantity if is_active else 0), f"{one}: at risk of what?"
    assert one.at_risk or not one.warned, f"{one}: warned of what?"
    assert 0 <= one.oversold <= one.quantity, f"{one}: oversold by what?"
    assert one.restocked <= (one.status == "returned"), f"{one}: restocked, or not?"
    about_a_sale = (one.order_id, one.late, one.missing, one.oversold)
    assert is_paid or not any(about_a_sale), f"{one}: paid, or not?"


def _is_written_off(one: Reservation) -> bool:
    return one.status == "returned" and not one.restocked


def _copy_of(admission: Admission) -> Admission:
    return replace(admission, facts=[copy(known) for known in admission.facts])


def _copies(rows: Mapping[Key, Row]) -> dict[Key, Row]:
    return {key: copy(row) for key, row in rows.items()}


def _only(rows: Mapping[Key, Row], keys: Iterable[Key]) -> dict[Key, Row]:
    return {key: rows[key] for key in keys if key in rows}
