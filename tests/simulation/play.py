"""Plays a scenario to the code, with all rows in memory, and to the model, and compares the two."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Final

from schemas.events import (
    AdmissionEnded,
    Admitted,
    AnyEvent,
    Arrival,
    CartUpdated,
    Cause,
    CheckoutCompleted,
    Event,
    ExpiryTick,
    OrderCancelled,
)
from schemas.outcomes import Outcome
from schemas.reservation import Admission, Reservation
from schemas.stock import Pool, PoolKey, StockKey, StockLine
from schemas.vocabulary import Topic
from tests.simulation.facts import Sku, place_of
from tests.simulation.generate import Scenario, Step
from tests.simulation.ledger import Withdrawal
from tests.simulation.model import Model
from tests.simulation.row import Row, State
from tests.simulation.visit import Names, label
from tests.unit.story import Given, Happens, Line
from tests.unit.world import World

NO_LINE: Final = Line(0, "", None)
TOPICS: Final[dict[type, Topic]] = {
    Admitted: "admitted",
    CartUpdated: "cart-updated",
    CheckoutCompleted: "checkout-completed",
    OrderCancelled: "checkout-completed",
    AdmissionEnded: "admission-expired",
    ExpiryTick: "expiry-ticks",
}


def model_of(scenario: Scenario) -> Model:
    return Model(scenario.policies, scenario.received, scenario.pooled)


class Code:
    """The rules, with all rows in memory."""

    def __init__(self, scenario: Scenario, *, loads_all: bool = True) -> None:
        self.world = world_of(scenario, World(loads_all=loads_all))
        self.offsets: Counter[tuple[str, int]] = Counter()

    def apply(self, steps: Iterable[Step]) -> None:
        """Apply steps as one batch; a withdrawal is one of its own."""
        if batch := self.happening(steps):
            self.world.apply(batch)

    def happening(self, steps: Iterable[Step]) -> list[Happens]:
        """Give steps as records; a withdrawal is none, and happens at once."""
        batch = []
        for lane, event in steps:
            if isinstance(event, Withdrawal):
                _withdraw(self.world, event)
            else:
                batch.append(self._happens(lane, event))
        return batch

    def _happens(self, lane: int, event: AnyEvent) -> Happens:
        topic = TOPICS.get(type(event), "hold-commands")
        event_id = event.event_id if isinstance(event, Event) else None
        cause = Cause(topic, lane, self.offsets[topic, lane], event_id=event_id)
        self.offsets[topic, lane] += 1
        shopper = event.consumer_id if isinstance(event, Event) else ""
        return Happens(NO_LINE, Arrival(event, lane, cause), shopper)


def world_of(scenario: Scenario, world: World) -> World:
    """Bring in what is there before the first event."""
    organization_id = scenario.organization_id
    for name, policy in scenario.policies.items():
        world.put(Given(NO_LINE, ((organization_id, name), policy)))
    for sku, units in scenario.received.items():
        line = StockLine(StockKey(organization_id, *sku), units is not None, units or 0, 0, 0, 0)
        world.put(Given(NO_LINE, line))
    for (experience_id, sku), units in scenario.pooled.items():
        key = PoolKey(organization_id, experience_id, *sku)
        world.put(Given(NO_LINE, Pool(key, units, 0, units)))
    return world


def _withdraw(world: World, event: Withdrawal) -> None:
    """Mark units as an operator's file does: at the last of the holds that have so many."""
    held = {
        label(names_of(world.admissions[one.admission_key])): one
        for one in world.reservations.values()
        if (one.product_id, one.variant_id) == event.sku
        and one.status == "active"
        and one.quantity - one.at_risk >= event.units
    }
    if held:
        hold = held[max(held)]
        line = world.stock[hold.stock_key]
        if line.tracked:
            hold.at_risk += event.units
            line.short += event.units
            world.received[line.key] -= event.units


def compare(world: World, model: Model) -> None:
    """Prove that all counters, all rows and what was said of them last are the same."""
    compare_counters(world, model)
    said = last_outcomes(world.outcomes)
    rows = {
        (names_of(world.admissions[one.admission_key]), (one.product_id, one.variant_id)): one
        for one in world.reservations.values()
    }
    expected = rows_of(model)
    for key in {**rows, **expected}:
        one, other = rows.get(key), expected.get(key)
        _same(f"{_words(key)}", one and state_of(one), other and other.state)
        assert one is not None
        assert other is not None
        _same(f"last word on {_words(key)}", said.get(str(one.id)), other.last)
    _compare_admissions(world, model)


def compare_counters(world: World, model: Model) -> None:
    """Prove that the same units are at the same places."""
    for line in world.stock.values():
        sku = (line.key.product_id, line.key.variant_id)
        _same(f"counters of {sku}", counters(line), model.ledger.counters(sku))
    for pool in world.pools.values():
        name = (pool.key.experience_id, (pool.key.product_id, pool.key.variant_id))
        found = {"available": pool.available, "allocated": pool.allocated}
        _same(f"pool {name}", found, model.ledger.pool(name))


def _compare_admissions(world: World, model: Model) -> None:
    visits = {visit.names: visit for visit in model.visits}
    for admission in world.admissions.values():
        visit = visits[names_of(admission)]
        it, answers = visit.says(), {}
        for known in admission.facts:
            if isinstance(known.fact, CheckoutCompleted):
                order_id = known.fact.order_id
                in_vain, counts = order_id in it.surplus, it.payment and it.payment.order_id
                if in_vain or order_id == counts:
                    _same("refund it?", known.answer == "already_paid", in_vain)
            elif known.answer is not None:
                answers[place_of(known.fact)] = known.answer
        _same("whose admission it is", admission.consumer_id, it.owner)
        _same("its end", admission.expires_at, it.ends_at)
        for place in {**answers, **it.answers}:
            what = f"what was said of {place}"
            _same(what, answers.get(place), it.answers.get(place))
    placed = sum(len(visit.facts) - len(visit.own) for visit in model.visits)
    _same("how many facts wait", len(world.facts), len(model.facts) - placed)
    for one in world.reservations.values():
        if one.status == "active":
            _same("a hold's end", one.expires_at, world.admissions[one.admission_key].expires_at)


def counters(line: StockLine) -> dict[str, int]:
    names = ("on_hand", "reserved", "allocated", "sold", "short")
    return {name: getattr(line, name) for name in names}


def state_of(one: Reservation) -> State:
    is_out = one.status in ("active", "converted")
    is_out |= one.status == "returned" and not one.restocked
    how = one.strategy if is_out else None
    return one.status, one.quantity, one.reason, one.order_id, one.late, one.missing, how


def last_outcomes(outcomes: Sequence[Outcome]) -> dict[str, tuple[object, ...]]:
    return {
        str(one.reservation_id): (
            one.type,
            one.quantity,
            one.reason,
            bool(one.late),
            bool(one.oversold),
        )
        for one in outcomes
    }


def rows_of(model: Model) -> dict[tuple[Names, Sku], Row]:
    return {(visit.names, sku): row for visit in model.visits for sku, row in visit.rows.items()}


def names_of(admission: Admission) -> Names:
    key = admission.key.admission_id
    if key.startswith("at:"):
        who = admission.guest_id or admission.consumer_id
        entrance = (admission.distribution_id, admission.experience_id)
        return frozenset([(who, admission.admitted_at, *entrance)])
    names = (key.removeprefix("token:"), admission.also_id, admission.token_digest)
    return frozenset(name for name in names if name)


def _same(what: str, code: object, model: object) -> None:
    if code != model:
        raise AssertionError(f"{what}\n  code   {code}\n  model  {model}")


def _words(key: tuple[Names, Sku]) -> str:
    names = ", ".join(str(name)[:8] if isinstance(name, str) else str(name) for name in key[0])
    return f"{names} {'/'.join(key[1])}"


def cut(steps: Iterable[Step], is_cut: Callable[[], bool]) -> list[list[Step]]:
    """Cut into batches at any place. A tick is one of its own: what is due is loaded first."""
    batches: list[list[Step]] = [[]]
    for step in steps:
        is_alone = isinstance(step[1], ExpiryTick | Withdrawal)
        batches += [[]] if is_alone else []
        batches[-1].append(step)
        batches += [[]] if is_alone or is_cut() else []
    return [batch for batch in batches if batch]
