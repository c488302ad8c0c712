"""A small sale in two lanes, applied and published as a worker does."""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from aiokafka import AIOKafkaProducer
from asyncpg import Pool

from consumers.records import Batch
from consumers.retrying import apply_with_retries
from db.lanes import STREAMS, Lane
from db.policies import PolicyRow, import_policies
from db.pool_fill import PoolRow, fill_pools
from db.stock_import import StockRow, import_stock
from db.taking_lanes import take_lanes
from producers.cloudevents import headers_of
from producers.kafka import Kafka
from producers.publisher import Publisher
from schemas.events import (
    AdmissionEnded,
    Admitted,
    AnyEvent,
    Arrival,
    Cause,
    CheckoutCompleted,
    ExpiryTick,
    Item,
)
from schemas.journal import DeadLetter, JournalEntry, Mark
from schemas.policy import Policy
from schemas.vocabulary import AdmissionEnd
from service.clients import client_options, new_reader, new_transactional_producer
from service.settings import Settings

LANES = 2
BEGAN = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=1)


@dataclass
class Sale:
    """What was sold so far: the lanes as they are, and all that is to be published."""

    pool: Pool
    lanes: dict[int, Lane]
    entries: list[JournalEntry] = field(default_factory=list)
    offset: int = 0

    async def apply(self, events: Iterable[tuple[int, AnyEvent]], *unreadable: int) -> None:
        """Apply events, each in its lane, and an unreadable record in each of these lanes."""
        batch = Batch()
        for lane, event in events:
            arrival = Arrival(event, lane, self._cause(lane))
            if isinstance(event, ExpiryTick):
                batch.ticks[lane] = arrival
            else:
                batch.arrivals.append(arrival)
        batch.dead_letters += [self._dead_letter(lane) for lane in unreadable]
        applied = await apply_with_retries(self.pool, batch, self.lanes, expiry_batch_max=100)
        self.lanes = applied.lanes
        self.entries += applied.entries

    def _cause(self, lane: int) -> Cause:
        self.offset += 1
        return Cause("events", lane, self.offset)

    def _dead_letter(self, lane: int) -> DeadLetter:
        where = self._cause(lane)
        headers = (("dlq.sequence", b"77"), ("trace", None))  # of an earlier dead letter
        reason = "not a JSON object"
        return DeadLetter(
            lane, "events", lane, where.offset or 0, b"key", b"?", headers, BEGAN, reason
        )


async def hold_sale(pool: Pool) -> Sale:
    """Sell lamps by all three strategies, to shoppers who pay, leave, come late, and want more."""
    async with pool.acquire() as connection:
        await import_stock(connection, _stock())
        await import_policies(connection, _policies())
        await fill_pools(connection, [PoolRow(1, "acme", "salon", "star-lamp", "", 3)])
        sale = Sale(pool, await take_lanes(connection, range(LANES), ["events"], "test"))
    await sale.apply(_admissions(), 0, 1)
    await sale.apply([*_ends(), (0, _tick(2)), (1, _tick(2))], 0)
    await sale.apply(_late_checkouts(), 1)
    return sale


def admitted(
    shopper: str, *items: tuple[str, int], to: str = "drop", minutes: float = 10
) -> Admitted:
    return Admitted(
        event_id=f"evt-admitted-{shopper}",
        organization_id="acme",
        consumer_id=shopper,
        experience_id=to,
        admission_id=shopper,
        admitted_at=BEGAN,
        window_ends_at=BEGAN + timedelta(minutes=minutes),
        items=_items(items),
    )


def paid(shopper: str, *items: tuple[str, int], minute: float = 1) -> CheckoutCompleted:
    return CheckoutCompleted(
        event_id=f"evt-paid-{shopper}",
        organization_id="acme",
        consumer_id=shopper,
        admission_id=shopper,
        completed_at=BEGAN + timedelta(minutes=minute),
        order_id=f"order-{shopper}",
        items=_items(items),
    )


async def publish(settings: Settings, entries: Sequence[JournalEntry]) -> None:
    """Publish as a worker does that has taken the lanes over: what is published stays."""
    kafka = Kafka(
        new_producer=lambda id_: new_transactional_producer(settings, id_),
        new_reader=lambda isolation_level: new_reader(settings, isolation_level),
        topics=settings.output_topics,
        publisher=f"{settings.consumer_group}-test",
    )
    publisher = Publisher(
        kafka, pending_max=100, publish_seconds_max=20, on_published=lambda entries, seconds: None
    )
    published = await publisher.open(
        publisher.transactional_id,
        {lane: {stream: Mark() for stream in STREAMS} for lane in range(LANES)},
        (),
        _yes,
    )
    publisher.put([e for e in entries if e.sequence > published[e.lane][e.stream].sequence])
    await publisher.close(20)


async def _yes() -> bool:
    """Every lane is ours."""
    return True


async def publish_raw(settings: Settings, entries: Sequence[JournalEntry]) -> None:
    """Publish whatever it is, in the order in which it is given: offsets count from 0."""
    raw = AIOKafkaProducer(**client_options(settings))
    await raw.start()
    for entry in entries:
        await raw.send(
            settings.output_topics[entry.stream],
            key=entry.key,
            value=entry.value,
            partition=entry.lane,
            headers=headers_of(entry),
        )
    await raw.stop()


def producer(settings: Settings, lane: int) -> AIOKafkaProducer:
    """Give a producer that is none of a worker's."""
    transactional_id = f"{settings.outcomes_topic}-{lane}"
    return AIOKafkaProducer(**client_options(settings), transactional_id=transactional_id)


async def publish_later(
    settings: Settings, entries: Sequence[JournalEntry], *, seconds: float
) -> None:
    await asyncio.sleep(seconds)
    await publish(settings, entries)


def _stock() -> list[StockRow]:
    units = {"moon-lamp": 5, "sun-lamp": 3, "star-lamp": 4, "e-book": None}
    return [
        StockRow(line, "acme", product, "", on_hand)
        for line, (product, on_hand) in enumerate(units.items(), start=1)
    ]


def _policies() -> list[PolicyRow]:
    return [
        PolicyRow("acme", "vault", Policy(strategy="hard")),
        PolicyRow("acme", "salon", Policy(strategy="pool")),
    ]


def _admissions() -> list[tuple[int, AnyEvent]]:
    return [
        (0, admitted("ada", ("moon-lamp", 2), ("e-book", 1))),
        (0, admitted("bo", ("moon-lamp", 2))),
        (0, admitted("cy", ("moon-lamp", 2))),  # one is left
        (0, admitted("dee", ("sun-lamp", 2), to="vault")),
        (0, admitted("eve", ("sun-lamp", 1), to="vault")),
        (1, admitted("fay", ("star-lamp", 1), to="salon")),
        (1, admitted("gus", ("star-lamp", 1), to="salon")),
        (1, admitted("hal", ("e-book", 1))),
        (1, admitted("ivy", ("moon-lamp", 1), minutes=0.5)),
        (1, admitted("kim", ("e-book", 1))),
        (1, admitted("lou")),
    ]


def _ends() -> list[tuple[int, AnyEvent]]:
    return [
        (0, paid("ada")),
        (0, paid("dee", ("sun-lamp", 1))),  # the other one is released
        (1, paid("fay")),
        (0, _ended("hal", "left")),  # in another lane than the admission
        (1, paid("kim", ("e-book", 1), ("moon-lamp", 4))),  # four that are not there
        (1, paid("lou", ("e-book", 2))),  # in no cart
    ]


def _late_checkouts() -> list[tuple[int, AnyEvent]]:
    return [(1, paid("ivy", minute=3)), (0, paid("cy", minute=3))]


def _ended(shopper: str, end: AdmissionEnd) -> AdmissionEnded:
    return AdmissionEnded(
        event_id=f"evt-ended-{shopper}",
        organization_id="acme",
        consumer_id=shopper,
        admission_id=shopper,
        ended_at=BEGAN + timedelta(minutes=1),
        end=end,
    )


def _tick(minute: float) -> ExpiryTick:
    return ExpiryTick(at=BEGAN + timedelta(minutes=minute))


def _items(items: Iterable[tuple[str, int]]) -> tuple[Item, ...]:
    return tuple(Item(product_id, "", quantity) for product_id, quantity in items)
