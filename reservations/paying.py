"""A shopper has paid: held units are sold, and what is no longer held is taken again, late."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from reservations.book import Book
from reservations.cart_in_force import OFFER, Sku, summed
from reservations.payments import Payment
from reservations.rows import (
    end_hold,
    give_back,
    is_ended,
    new_reservation,
    prepare,
    release_part,
    set_status,
    sku_of,
)
from reservations.say import say, say_of_admission
from reservations.standing import ENDS, Standing
from reservations.strategies import can_oversell, move, refusal
from schemas.events import Arrival
from schemas.reservation import Admission, Reservation
from schemas.vocabulary import Reason

NOTHING: Final[Reason] = "nothing_in_cart"


@dataclass(slots=True)
class Sale:
    """One payment being carried out."""

    book: Book
    arrival: Arrival
    admission: Admission
    it: Standing
    payment: Payment
    bought_before: Mapping[Sku, int]  # by this order, if it was carried out before

    def carry_out(self) -> None:
        """Sell what was bought, and end what was held and not bought."""
        lines = self.book.reservations[self.admission.key]
        bought = self._bought(summed(self.payment.items))
        if not bought:
            self._say_nothing_bought()
        if self.it.late:
            for reservation in lines:
                if self.it.too_late or sku_of(reservation) not in bought:
                    self._end(reservation)
        for sku in [sku for sku in bought if all(sku_of(one) != sku for one in lines)]:
            new = new_reservation(self.admission, sku, bought[sku], "not_in_cart")
            self.book.add_reservation(new)
        for reservation in list(lines):
            self._settle(reservation, bought.get(sku_of(reservation), 0))

    def _bought(self, items: Mapping[Sku, int]) -> Mapping[Sku, int]:
        """Give the units that were paid for, by line.

        A completion without items is for all that was held. Where nothing ever was, the shopper
        has paid all the same: then it is for all that was wanted.
        """
        if items:
            return items
        cart = self.it.cart.wanted
        held = {
            sku_of(one): one.quantity
            for one in self.book.reservations[self.admission.key]
            if self._was_held(one, in_cart=sku_of(one) in cart)
        }
        for sku, units in self.bought_before.items():
            if sku in cart:  # what was found to be missing then is paid for all the same
                held[sku] = max(held.get(sku, 0), min(units, cart[sku]))
        return held or cart

    def _say_nothing_bought(self) -> None:
        """Say that somebody paid for nothing that is known.

        Where nobody tells carts and nothing is offered, that is the ordinary case and is not said.
        """
        if self.it.cart.mark == OFFER:
            return
        book, why, order_id = self.book, NOTHING, self.payment.order_id
        say_of_admission(
            book, "unfulfilled", self.admission, self.arrival, reason=why, order_id=order_id
        )

    def _was_held(self, reservation: Reservation, *, in_cart: bool) -> bool:
        if reservation.status == "active":
            return in_cart or not self.it.late
        return in_cart and (is_ended(reservation) or reservation.reason == "window_over")

    def _end(self, reservation: Reservation) -> None:
        """End a hold as if nobody had paid."""
        ended, reason = ENDS[self.it.ending]
        if reservation.status == "active" or is_ended(reservation):
            end_hold(self.book, self.arrival, reservation, ended, reason, self.it.over_at)

    def _settle(self, reservation: Reservation, bought: int) -> None:
        if bought == 0:
            if not self.it.late and (reservation.status == "active" or is_ended(reservation)):
                self._release_unsold(reservation)
        elif self.it.too_late:
            self._owe(reservation, bought, "grace_over")
        else:
            self._sell(reservation, bought)

    def _release_unsold(self, reservation: Reservation) -> None:
        book, arrival, at = self.book, self.arrival, self.payment.paid_at
        end_hold(book, arrival, reservation, "released", "not_purchased", at)

    def _sell(self, reservation: Reservation, bought: int) -> None:
        """Sell what is held, take what is missing if it is there, and say what stays owed."""
        refused = reservation.status == "rejected" and reservation.reason != "window_over"
        held, blocked = self._sellable(reservation, bought)
        in_time = max(held, self.it.cart.wanted.get(sku_of(reservation), 0))
        why_not = self._take(reservation, bought - held) if held < bought else None
        if why_not is None:
            held = bought
        elif blocked:
            why_not = "stock_withdrawn"
        if held == 0 and why_not is not None:
            self._owe(reservation, bought, why_not)
            return
        move(self.book, reservation, "convert", held - reservation.oversold)
        late = self.it.late or refused or held > in_time
        self._convert(reservation, held, bought - held, late)
        if why_not is not None:
            self._say_owed(reservation, bought - held, why_not)

    def _sellable(self, reservation: Reservation, bought: int) -> tuple[int, int]:
        """Give the units that are held for this sale, and those that an operator took away."""
        if reservation.status != "active":
            prepare(self.book, reservation, self.admission)
            return 0, 0
        if bought < reservation.quantity:
            unsold = reservation.quantity - bought
            release_part(self.book, self.arrival, reservation, unsold, "not_purchased")
        if not reservation.at_risk:
            return reservation.quantity, 0
        short = self.book.asked.short(self.book.stock[reservation.stock_key])
        blocked = min(reservation.at_risk, short)
        if blocked:
            give_back(self.book, reservation, blocked)
        return reservation.quantity - blocked, blocked

    def _take(self, reservation: Reservation, further: int) -> Reason | None:
        """Take units that are not held, or say why they cannot be had."""
        why_not = refusal(self.book, reservation, further)
        if why_not is None:
            move(self.book, reservation, "hold", further)
        elif can_oversell(self.book, reservation, further, self.admission.policy.oversell_units):
            move(self.book, reservation, "oversell", further)
            reservation.oversold = further
            why_not = None
        return why_not

    def _convert(self, reservation: Reservation, units: int, missing: int, late: bool) -> None:
        reason: Reason | None = (
            None if sku_of(reservation) in self.it.cart.wanted else "not_in_cart"
        )
        set_status(self.book, self.arrival, reservation, "converted", reason, self.payment.paid_at)
        reservation.quantity, reservation.missing = units, missing
        reservation.order_id, reservation.late = self.payment.order_id, late
        say(
            self.book,
            "converted",
            self.admission,
            reservation,
            self.arrival,
            order_id=self.payment.order_id,
            late=late or None,
            oversold=bool(reservation.oversold) or None,
        )

    def _owe(self, reservation: Reservation, units: int, reason: Reason) -> None:
        """Note that nothing of what was paid for is there: somebody has to refund it."""
        set_status(
            self.book, self.arrival, reservation, "unfulfilled", reason, self.payment.paid_at
        )
        reservation.quantity = reservation.missing = units
        reservation.order_id, reservation.late = self.payment.order_id, self.it.late
        self._say_owed(reservation, units, reason)

    def _say_owed(self, reservation: Reservation, units: int, reason: Reason) -> None:
        say(
            self.book,
            "unfulfilled",
            self.admission,
            reservation,
            self.arrival,
            quantity=units,
            reason=reason,
            order_id=self.payment.order_id,
        )
