"""Scenarios from a seed, close to where things go wrong.

Instants lie on a grid of ten seconds on which windows, extensions and graces end too, or one second
beside it; the same few shoppers, SKUs and orders come again and again. Where stock is scarce, it is
0 to 3 units. Where it is enough nothing is ever refused: no limits, and no line that is unknown.
"""

import random
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Literal, get_args

import msgspec

from schemas.events import (
    AdmissionEnded,
    Admitted,
    AnyEvent,
    CartUpdated,
    CheckoutCompleted,
    ExpiryTick,
    ExtendRequested,
    Item,
    OrderCancelled,
    ReleaseRequested,
    TransferRequested,
    event_of,
    event_time,
)
from schemas.identity import token_digest
from schemas.policy import Policy, Windows
from schemas.vocabulary import AdmissionEnd
from tests.simulation.facts import Sku
from tests.simulation.ledger import Withdrawal
from tests.simulation.row import PoolName

# Database: scarce, and without what no transaction of a worker does.
Kind = Literal["enough", "scarce", "database"]


Step = tuple[int, AnyEvent | Withdrawal]  # in which lane

BEGAN: Final = datetime(2024, 12, 1, 10, tzinfo=UTC)
STEP: Final = 10  # seconds
SHOPPERS: Final = ("ada", "bo", "cyd")
RED, BLUE, POUCH, BOOK, GHOST = (
    ("lamp", "red"),
    ("lamp", "blue"),
    ("pouch", ""),
    ("e-book", ""),  # untracked
    ("ghost", ""),  # never imported
)
ENOUGH: Final = 1000
TOKENS: Final = tuple(f"token-{number}" for number in range(10))


@dataclass(frozen=True, slots=True)
class Scenario:
    seed: int
    kind: Kind
    organization_id: str
    policies: dict[str, Policy]
    received: dict[Sku, int | None]
    pooled: dict[PoolName, int]
    steps: list[Step]


@dataclass(slots=True)
class Ticket:
    """An admission that the scenario has in mind."""

    shopper: str
    admitted_at: datetime
    experience_id: str
    distribution_id: str
    names: dict[str, str]
    orders: list[str] = field(default_factory=list)
    people: list[str] = field(default_factory=list)  # to whom somebody wanted to transfer it


def scenario(seed: int, kind: Kind = "scarce", organization_id: str = "acme") -> Scenario:
    """Make the scenario of a seed."""
    return _Maker(seed, kind, organization_id).scenario()


class _Maker:
    def __init__(self, seed: int, kind: Kind, organization_id: str) -> None:
        self.seed, self.kind, self.organization_id = seed, kind, organization_id
        self.random = random.Random(f"{kind} {seed}")
        self.events = 0
        self.skus: list[Sku] = [RED, BLUE, POUCH]
        if kind != "enough":
            self.skus += self.random.choice(([], [], [BOOK], [GHOST], [BOOK, GHOST]))
        self.experiences = self.random.choice((["drop"], ["drop"], ["drop", "vault"]))
        self.distributions = self.random.choice((["door"], ["door"], ["door", "gate"]))
        self.lanes = self.random.choice((1, 1, 2))
        self.tickets: list[Ticket] = []
        self.limited = self.random.choice((0.1, 0.1, 0.6))
        self.makers = self._makers()

    def scenario(self) -> Scenario:
        policies = {name: self._policy() for name in self.experiences}
        steps = self._steps()
        received, pooled = self._stock(policies)
        return Scenario(
            self.seed, self.kind, self.organization_id, policies, received, pooled, steps
        )

    def _is(self, chance: float) -> bool:
        return self.random.random() < chance

    # What is there

    def _policy(self) -> Policy:
        one = self.random.choice
        fields: dict[str, Any] = {
            "strategy": one(("soft", "soft", "hard", "pool")),
            "cart": one(("per_line", "per_line", "all_or_nothing")),
            "window_seconds": dict.fromkeys(Windows.model_fields, one((30, 60))),
            "buffer_seconds": one((0, 10)),
            "hold_seconds_max": one((50, 70, 3600)),
            "late_seconds": one((0, 20, 3600, 3600)),
            "restock_cancelled": self._is(0.7),
            "extensions_max": one((0, 1, 2, 2)),
            "extension_seconds_max": one((10, 30, 600)),
            "release_allowed": self._is(0.85),
            "transfer_allowed": self._is(0.85),
        }
        if self._is(0.3):
            lines = [dict(zip(("product_id", "variant_id"), one(self.skus), strict=True))]
            fields["items"] = [{**line, "quantity": one((1, 2))} for line in lines]
        if self.kind == "scarce":
            fields["early_fact_seconds"] = one((30, 60, 3600, 3600))
        if self.kind != "enough":
            fields["oversell_units"] = one((0, 0, 1, 2))
            for name in ("units_per_sku_max", "units_per_experience_max", "open_holds_max"):
                if self._is(self.limited):
                    fields[name] = one((1, 2, 3))
        return Policy.model_validate(fields)

    def _stock(
        self, policies: dict[str, Policy]
    ) -> tuple[dict[Sku, int | None], dict[PoolName, int]]:
        received: dict[Sku, int | None] = {}
        pooled: dict[PoolName, int] = {}
        for sku in self.skus:
            if sku == BOOK:
                received[sku] = None
            elif sku != GHOST:
                units = self._units()
                received[sku] = units
                for name, policy in policies.items():
                    if policy.strategy == "pool" and (self.kind == "enough" or self._is(0.9)):
                        put = units // 2 if self.kind == "enough" else self._units()
                        pooled[name, sku] = put
                        received[sku] = (received[sku] or 0) + put
        return received, pooled

    def _units(self) -> int:
        return ENOUGH if self.kind == "enough" else self.random.choice((0, 1, 1, 2, 2, 3, 3))

    # What happens

    def _steps(self) -> list[Step]:
        shoppers = SHOPPERS[: self.random.choice((1, 1, 2, 3))]
        events: list[AnyEvent] = []
        for shopper in shoppers:
            for _ in range(self.random.choice((1, 1, 1, 2, 2, 3))):
                ticket = self._ticket(shopper)
                self.tickets.append(ticket)
                events.append(self._admitted(ticket))
                if ticket.names and self._is(0.3):
                    events.append(self._admitted(ticket))  # in more words, or in others
        for _ in range(self.random.choice((2, 3, 4, 5, 6, 8, 10))):
            events.append(self._fact(self.random.choice(self.tickets)))
        for event in list(events):
            if self._is(0.12):
                events.append(msgspec.structs.replace(event, event_id=self._event_id()))
        steps = [(self._lane(event), event) for event in self._shuffled(events)]
        return [*steps] if self.kind == "enough" else list(self._with_others(steps))

    def _shuffled(self, events: list[AnyEvent]) -> list[AnyEvent]:
        how = self.random.choice(("time", "nearly", "any"))
        if how == "any":
            self.random.shuffle(events)
            return events
        spread = 0 if how == "time" else 25
        late = {id(one): seconds(self.random.uniform(0, spread)) for one in events}
        return sorted(events, key=lambda one: event_time(one) + late[id(one)])

    def _with_others(self, steps: Iterable[tuple[int, AnyEvent]]) -> Iterator[Step]:
        """Put ticks anywhere, at instants that mostly follow those around, and withdrawals."""
        for lane, event in steps:
            yield lane, event
            if self._is(0.2):
                yield lane, ExpiryTick(at=self._about(event_time(event)))
            if self.kind == "scarce" and self._is(0.06):
                yield lane, Withdrawal(self.random.choice(self.skus), self.random.choice((1, 1, 2)))

    def _lane(self, event: AnyEvent) -> int:
        shopper = getattr(event, "consumer_id", "")
        usual = sum(map(ord, shopper)) % self.lanes
        return self.random.randrange(self.lanes) if self._is(0.1) else usual

    def _about(self, at: datetime) -> datetime:
        """Give an instant of the grid near another, or one second beside it."""
        since = (at - BEGAN) // seconds(STEP) + self.random.choice((0, 0, 1, 2, 3, 4, 6))
        return BEGAN + seconds(STEP * since + self.random.choice((0, 0, 0, 0, 1, -1)))

    def _ticket(self, shopper: str) -> Ticket:
        number = len(self.tickets)
        after = self.random.choice((0, 0, 0, 1, 3, 4, 7, 8))
        names = {
            "admission_id": f"adm-{number}",
            "token_digest": token_digest(TOKENS[number]),
        }
        kept = self.random.choice(((), (), ("admission_id",), ("token_digest",), tuple(names)))
        return Ticket(
            shopper,
            BEGAN + seconds(STEP * after + self.random.choice((0, 0, 0, 1))),
            self.random.choice(self.experiences),
            self.random.choice(self.distributions),
            {name: names[name] for name in kept},
        )

    def _event_id(self) -> str:
        self.events += 1
        return f"evt-{self.events}"

    def _whose(self, ticket: Ticket) -> dict[str, Any]:
        """Say whose an event is, with more or fewer of its names."""
        named = self.random.choice((ticket.names, {}, dict(list(ticket.names.items())[:1])))
        whose = self.random.choice((ticket.shopper, ticket.shopper, *ticket.people))
        if whose != ticket.shopper and self.kind != "enough":
            named = {}  # what names another's admission before that comes is found on a tick
        return {
            "event_id": self._event_id(),
            "organization_id": self.organization_id,
            "consumer_id": whose,
            "experience_id": ticket.experience_id if self._is(0.4) else "",
            "distribution_id": ticket.distribution_id if self._is(0.6) else "",
            **named,
        }

    def _admitted(self, ticket: Ticket, **other: Any) -> Admitted:
        window = ticket.admitted_at + seconds(self.random.choice((20, 30, 40, 80)))
        fields = {
            **self._whose(ticket),
            **ticket.names,
            "consumer_id": ticket.shopper,
            "experience_id": ticket.experience_id,
            "distribution_id": ticket.distribution_id,
            "distribution_type": "queue",
            "admitted_at": ticket.admitted_at,
            **self._left_out(ticket),
            "window_ends_at": window if self._is(0.3) else None,
            "items": self._items() if self._is(0.75) else (),
        }
        return event_of(Admitted, {**fields, **other})

    def _left_out(self, ticket: Ticket) -> dict[str, Any]:
        """Leave out words that another event with the same names may bring, or say others."""
        if not ticket.names or self._is(0.6):
            return {}
        words = {
            "experience_id": ("", "", "drop", "vault"),
            "distribution_id": ("", "", "door", "gate"),
            "distribution_type": ("other", "other", "queue", "draw"),
        }
        return {name: self.random.choice(of) for name, of in words.items() if self._is(0.5)}

    def _items(self) -> tuple[Item, ...]:
        lines = self.random.choice((1, 1, 1, 2, 2, 3))
        return tuple(
            Item(*self.random.choice(self.skus), self.random.choice((1, 1, 1, 1, 2, 3)))
            for _ in range(lines)
        )

    def _makers(self) -> list[Callable[[Ticket, datetime], AnyEvent]]:
        """Give what may happen in this scenario, as often as it does.

        In every other one it is a part of all that can: fewer kinds meet each other more often.
        Source: Groce et al., "Swarm Testing", 2012.
        """
        makers = {
            self._cart: 6,
            self._paid: 5,
            self._ended: 3,
            self._cancelled: 3,
            self._extend: 3,
            self._release: 1,
            self._transfer: 2,
            self._again: 2,
        }
        kinds = list(makers)
        if self._is(0.5):
            kinds = self.random.sample(kinds, self.random.choice((2, 3, 4, 5)))
        return [make for make in kinds for _ in range(makers[make])]

    def _fact(self, ticket: Ticket) -> AnyEvent:
        return self.random.choice(self.makers)(ticket, self._about(ticket.admitted_at))

    def _cart(self, ticket: Ticket, at: datetime) -> AnyEvent:
        items = () if self._is(0.15) else self._items()
        return CartUpdated(**self._whose(ticket), updated_at=at, items=items)

    def _paid(self, ticket: Ticket, at: datetime) -> AnyEvent:
        order = None
        if self._is(0.75):
            order = f"order-{self.tickets.index(ticket)}-{self.random.choice((1, 1, 1, 2))}"
            ticket.orders.append(order)
        items = self._items() if self._is(0.5) else ()
        return CheckoutCompleted(
            **self._whose(ticket), completed_at=at, order_id=order, items=items
        )

    def _ended(self, ticket: Ticket, at: datetime) -> AnyEvent:
        end = self.random.choice(get_args(AdmissionEnd))
        return AdmissionEnded(**self._whose(ticket), ended_at=at, end=end)

    def _cancelled(self, ticket: Ticket, at: datetime) -> AnyEvent:
        order = self.random.choice([*ticket.orders, f"order-{self.tickets.index(ticket)}-1"])
        return OrderCancelled(**self._whose(ticket), cancelled_at=at, order_id=order)

    def _extend(self, ticket: Ticket, at: datetime) -> AnyEvent:
        more = self.random.choice((10, 10, 20, 30, 40))
        return ExtendRequested(**self._whose(ticket), requested_at=at, seconds=more)

    def _release(self, ticket: Ticket, at: datetime) -> AnyEvent:
        return ReleaseRequested(**self._whose(ticket), requested_at=at)

    def _transfer(self, ticket: Ticket, at: datetime) -> AnyEvent:
        whose = self._whose(ticket)
        others = {f"{ticket.shopper}-account", *SHOPPERS} - {whose["consumer_id"]}
        to = self.random.choice(sorted(others))
        ticket.people.append(to)
        return TransferRequested(**whose, requested_at=at, to_consumer_id=to)

    def _again(self, ticket: Ticket, at: datetime) -> AnyEvent:
        """The same admission once more, with other words where it is named."""
        if not ticket.names:
            return self._admitted(ticket)
        return self._admitted(ticket, admitted_at=min(at, ticket.admitted_at + seconds(STEP)))


def seconds(number: float) -> timedelta:
    return timedelta(seconds=round(number))
