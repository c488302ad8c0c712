"""One admission's turn: from where its rows are to where its facts say that they shall be."""

from datetime import datetime
from typing import Final

from schemas.vocabulary import OutcomeType, Reason, Status, Strategy
from tests.simulation.facts import Lines, Sku, seconds
from tests.simulation.ledger import Ledger
from tests.simulation.limits import refuse_transfer
from tests.simulation.row import SOLD, Row, Said
from tests.simulation.visit import Visit

BY_END: Final[dict[str, tuple[Status, Reason]]] = {
    "expired": ("expired", "admission_expired"),
    "left": ("released", "consumer_left"),
    "denied": ("released", "consumer_denied"),
}


class Turn:
    """What an admission says now, and what follows from it."""

    def __init__(self, ledger: Ledger, visit: Visit, last_tick: datetime) -> None:
        refuse_transfer(ledger, visit)
        self.ledger, self.visit, self.rows = ledger, visit, visit.rows
        self.policy, self.says = visit.front.policy, visit.says()
        self.payment, self.wanted = self.says.payment, self.says.cart.wanted
        self.paid_before: Lines = {}  # by the same order, whether it was there or not
        self.is_over = last_tick >= self.says.ends_at
        self.is_closed = self.is_over or bool(self.says.first_end or self.payment)
        after = seconds(0) if self.payment is None else self.payment.at - self.says.over_at
        self.is_late = after > seconds(0)
        self.is_too_late = self.is_late and after > seconds(self.policy.late_seconds)
        visit.owner = self.says.owner
        for row in self.rows.values():
            row.owner, row.admitted_to = visit.owner, visit.front.experience_id

    @property
    def ending(self) -> tuple[Status, Reason]:
        """How holds end where nobody has paid."""
        first = self.says.first_end
        if first is None or first.ended_at >= self.says.ends_at:
            return "expired", "hold_elapsed"
        return BY_END[first.end]

    @property
    def sale(self) -> object:
        """All that a sale depends on: while it stays, nothing is sold anew."""
        if self.payment is None:
            return None
        order_id, at, items, _ = self.payment
        how = (self.is_too_late, self.ending) if self.is_late else None
        return order_id, at, tuple(items.items()), self.says.cart, how

    @property
    def is_cancelled(self) -> bool:
        return self.payment is not None and self.payment.cancelled_at is not None

    def row(self, sku: Sku) -> Row:
        """Give the row of a SKU. Where it has nothing, it is as the policy is now."""
        experience_id = self.visit.front.experience_id
        strategy = self.strategy(sku)
        if sku not in self.rows:
            self.rows[sku] = Row(sku, experience_id, strategy, self.visit.owner, experience_id)
            self.ledger.rows.append(self.rows[sku])
        row = self.rows[sku]
        if not row.held and not row.sold:
            row.strategy, row.experience_id = strategy, experience_id
        return row

    def strategy(self, sku: Sku) -> Strategy:
        """Give how a SKU is held by the policy; what is not counted has no units to set aside."""
        return "soft" if self.ledger.received.get(sku, 0) is None else self.policy.strategy

    def end(self, but: Lines) -> None:
        """End all holds, and correct those that have ended otherwise."""
        for row in (row for sku, row in self.rows.items() if sku not in but):
            if row.held or (row.has_ended and self._is_news(row)):
                self.let_end(row, *self.ending)

    def let_end(self, row: Row, status: Status, reason: Reason) -> None:
        self.ledger.give_back(row, row.held)
        row.becomes(status, reason)
        word: OutcomeType = "expired" if status == "expired" else "released"
        row.says(word, row.quantity, reason)

    def _is_news(self, row: Row) -> bool:
        """Tell whether it ended otherwise. Of what time ended, Fanfare's word is no news."""
        has_elapsed = self.is_over and row.reason == "hold_elapsed"
        is_other = (row.status, row.reason) != self.ending
        return is_other and not (has_elapsed and self.ending[0] == "expired")

    def expire(self) -> None:
        """End what is held by time."""
        for row in self.rows.values():
            if row.held and self.is_over:
                self.let_end(row, "expired", "hold_elapsed")

    def say_what_is_new(self, before: dict[Sku, tuple[Said, Said]]) -> None:
        """After rows were undone: say nothing twice, and of each row that is another something."""
        for sku, (was, last) in before.items():
            row = self.rows[sku]
            if row.news == was:
                row.last = last
            elif was[0] == "active":
                self._say_of_hold(row, int(str(was[1])))
            elif row.status == "active" and (row.last is last or was[0] in SOLD):
                row.says("reserved", row.quantity)
            elif row.last is last and was[0] in ("active", *SOLD) and row.status not in SOLD:
                word: OutcomeType = "released" if row.status == "released" else "rejected"
                word = "expired" if row.status == "expired" else word
                row.says(word, row.quantity, row.reason)

    def _say_of_hold(self, row: Row, units: int) -> None:
        """Say how many units more or less a row holds now; of a sale, that was said."""
        if row.held > units:
            row.says("reserved", row.held - units)
        elif row.status in ("active", "released"):
            row.says("released", units - row.held, row.reason or "cart_changed")
        elif row.status == "expired":
            row.says("expired", units, row.reason)
        elif row.status == "rejected":
            row.says("rejected", row.quantity, row.reason)
