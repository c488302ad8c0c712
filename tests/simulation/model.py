"""The reference model: the rules once more, as sets of facts and a ledger, unlike the code.

After every event it asks anew which fact belongs to which admission (`places`) and what the facts
of each admission say (`says`), and lets the rows follow (`follow`, `sell`) in a ledger that counts
when it is asked. Nothing is loaded and nothing is saved; remembered are the cart and the sale that
rows follow. Of this project it knows the words in `schemas`, and none of its rules.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Final

from schemas.events import Admitted, AnyEvent, ExpiryTick, Fact, event_time
from schemas.policy import DEFAULT_POLICY, Policy
from tests.simulation.door import cart_at, door
from tests.simulation.facts import Place, Sku, place_of, seconds
from tests.simulation.follow import follow
from tests.simulation.ledger import Ledger, Withdrawal
from tests.simulation.move import can_move, let_go
from tests.simulation.places import place_all
from tests.simulation.row import SOLD, PoolName
from tests.simulation.sell import sell, take_back, undo
from tests.simulation.turn import Turn
from tests.simulation.visit import Visit, label

LONG_AGO: Final = datetime.min.replace(tzinfo=UTC)


class Model:
    """All that is known, and where the units are."""

    def __init__(
        self,
        policies: Mapping[str, Policy],
        received: Mapping[Sku, int | None],
        pooled: Mapping[PoolName, int],
    ) -> None:
        self.policies = policies
        self.ledger = Ledger(dict(received), dict(pooled))
        self.visits: list[Visit] = []
        self.facts: dict[Place, Fact] = {}
        self.where: dict[Place, Visit | str] = {}
        self.moved: set[Place] = set()  # facts that were placed somewhere before
        self.waiting: dict[Place, tuple[int, datetime]] = {}  # in which lane, and until when
        self.last_tick: dict[int, datetime] = {}
        self.now: datetime | None = None  # the clock: the first event and every tick move it

    def apply(self, lane: int, event: AnyEvent | Withdrawal) -> None:
        if isinstance(event, Withdrawal):
            return self._withdraw(event)
        self.now = self.now or event_time(event)
        if isinstance(event, ExpiryTick):
            return self._tick(lane, event.at)
        if isinstance(event, Admitted):
            self._admit(lane, event)
            return self._settle(lane)
        new = place_of(event)
        self.facts[new] = event
        return self._settle(lane, new)

    def _admit(self, lane: int, event: Admitted) -> None:
        visit = next((visit for visit in self.visits if visit.is_of(event)), None)
        if visit is None:
            visit = Visit(lane, [], door([event], self.policies))
            self.visits.append(visit)
        visit.told.append(event)
        before, visit.front = visit.front, door(visit.told, self.policies)
        visit.is_told_late = visit.front.experience_id != before.experience_id
        for row in visit.rows.values():
            row.admitted_to = visit.front.experience_id
        visit.own = dict(cart_at(visit.told))

    def _tick(self, lane: int, at: datetime) -> None:
        if at <= self.last_tick.get(lane, LONG_AGO):
            return
        self.last_tick[lane] = at
        self.now = max(self.now or at, at)
        visits = [visit for visit in self.visits if visit.lane == lane]
        for turn in sorted(map(self._turn, visits), key=lambda one: one.says.ends_at):
            turn.expire()
        for place, (of_lane, until) in list(self.waiting.items()):
            if of_lane == lane and until <= at:
                self.moved.discard(place)
                del self.facts[place], self.where[place], self.waiting[place]
                self._settle(lane)
        for row in (row for visit in visits for row in visit.rows.values()):
            self.ledger.warn(row)

    def _withdraw(self, event: Withdrawal) -> None:
        rows = [(label(visit.names), visit.rows.get(event.sku)) for visit in self.visits]
        held = {name: row for name, row in rows if row and row.held - row.at_risk >= event.units}
        if held:
            self.ledger.withdraw(held[max(held)], event.units)

    def _settle(self, lane: int, new: Place | None = None) -> None:
        """Let rows follow where facts are now; those that only waited so far come one by one.

        First who loses a fact, and gives units back, then the others by age.
        """
        before, self.where = self.where, place_all(self.facts, self.visits)
        placed = {place for place, found in self.where.items() if isinstance(found, Visit)}
        waited = sorted(placed - self.moved - {new})
        had = self.moved & before.keys()
        self.moved |= placed
        self._let_wait(lane, self.facts.keys() - placed)
        for place in waited:
            del self._visit(place).facts[place]
        losers = [before[place] for place in had if self.where[place] is not before[place]]
        refused = self._refused()
        for visit in sorted(self.visits, key=lambda one: (one not in losers, one.age)):
            self._take_turn(visit)
        while waited and not self._refused() - refused:
            place = waited.pop(0)
            self._visit(place).facts[place] = self.facts[place]
            self._take_turn(self._visit(place))
        if self._refused() - refused:  # all were placed as if the transfer were granted
            self.moved -= {*waited}
            self._settle(lane)

    def _refused(self) -> set[tuple[int, Place]]:
        """Give the transfers that limits have refused, with the admissions that have them."""
        return {(id(visit), place) for visit in self.visits for place in visit.refused}

    def _let_wait(self, lane: int, places: set[Place]) -> None:
        since = max(self.now or LONG_AGO, self.last_tick.get(lane, LONG_AGO))
        self.waiting = {
            place: self.waiting.get(place) or (lane, since + self._patience(place))
            for place in places
        }

    def _patience(self, place: Place) -> timedelta:
        policy = self.policies.get(self.facts[place].experience_id, DEFAULT_POLICY)
        return seconds(policy.early_fact_seconds)

    def _visit(self, place: Place) -> Visit:
        found = self.where[place]
        assert isinstance(found, Visit)
        return found

    def _turn(self, visit: Visit) -> Turn:
        return Turn(self.ledger, visit, self.last_tick.get(visit.lane, LONG_AGO))

    def _take_turn(self, visit: Visit) -> None:
        """Undo a sale that is another now, follow the cart, end or sell, and take back.

        Where the experience is another now, holds are undone too, if what was sold can move.
        """
        turn = self._turn(visit)
        rows = list(turn.rows.values())
        before = {row.sku: (row.news, row.last) for row in rows}
        is_moved, visit.is_told_late = visit.is_told_late and can_move(turn), False
        is_sold_anew = (
            is_moved
            or visit.sale != turn.sale
            or (not turn.is_cancelled and any(row.status == "returned" for row in rows))
        )
        undone = [row.sku for row in rows if row.status in SOLD] if is_sold_anew else []
        undo(turn, undone)
        if is_moved:
            let_go(turn)
        is_reopened = not turn.is_closed and any(row.would_be_held for row in rows)
        if is_moved or visit.cart != turn.says.cart or is_reopened:
            follow(turn, {*turn.rows, *turn.wanted})
        elif undone:
            follow(turn, undone)
        if turn.payment is None and turn.is_closed:
            turn.end({})
        elif turn.payment is not None and is_sold_anew:
            sell(turn)
        if turn.is_cancelled:
            take_back(turn)
        if undone or is_moved:
            turn.say_what_is_new(before)
        visit.cart, visit.sale = turn.says.cart, turn.sale
