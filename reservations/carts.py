"""Holds follow the cart: units are added, given back or swapped, in one go."""

from collections.abc import Collection, Sequence

from msgspec import Struct

from reservations.book import Book
from reservations.cart_in_force import Sku
from reservations.limits import Allowance
from reservations.rows import (
    BY_CART,
    SOLD,
    end_hold,
    is_ended,
    new_reservation,
    prepare,
    release_part,
    set_status,
    sku_of,
)
from reservations.say import say
from reservations.standing import Standing
from reservations.strategies import move, refusal
from schemas.events import Arrival, event_time
from schemas.reservation import Admission, Reservation
from schemas.vocabulary import Reason


class Addition(Struct, gc=False):
    """Units that a line of the cart wants and does not hold."""

    reservation: Reservation
    held: int
    further: int
    why_not: Reason | None = None


class CartChange(Struct, gc=False):
    """The holds of an admission, on their way to a cart."""

    book: Book
    arrival: Arrival
    admission: Admission
    it: Standing
    only: Collection[Sku] | None = None  # lines; None: all

    def carry_out(self) -> None:
        """Hold what the cart wants, then give back what it does not want any more.

        Additions come first, so that there is no moment in which the one size is free and the
        other is not held yet: a swap that cannot be made changes nothing.
        """
        wanted = self.it.cart.wanted
        rows = {sku_of(one): one for one in self.book.reservations[self.admission.key]}
        for sku, units in wanted.items():
            if self.it.window_is_over:
                self._note_too_late(rows, sku, units)
            elif sku not in rows:
                rows[sku] = self._new_row(sku, units, "not_in_cart")
        if self.only is not None:
            rows = {sku: one for sku, one in rows.items() if sku in self.only}
        in_cart = [self._addition(rows[sku], units) for sku, units in wanted.items() if sku in rows]
        additions = [one for one in in_cart if one.further > 0]
        self._add(additions)
        stuck = [one for one in additions if one.why_not is not None]
        for sku, reservation in rows.items():
            if not (stuck and self._is_stuck(reservation, stuck)):
                self._give_up(reservation, wanted.get(sku, 0))

    def _new_row(self, sku: Sku, wanted: int, reason: Reason) -> Reservation:
        new = new_reservation(self.admission, sku, wanted, reason)
        prepare(self.book, new, self.admission)
        self.book.add_reservation(new)
        return new

    def _addition(self, reservation: Reservation, wanted: int) -> Addition:
        is_active = reservation.status == "active"
        held = reservation.quantity if is_active else 0
        may_be_held = is_active or not (self.it.window_is_over or reservation.status in SOLD)
        further = wanted - held if may_be_held else 0
        return Addition(reservation, held, further)

    def _add(self, additions: Sequence[Addition]) -> None:
        allowance = Allowance(self.book, self.admission, self.it.cart.wanted)
        for one in additions:
            one.why_not = self._hold(one, allowance)
        if self.admission.policy.cart == "all_or_nothing" and any(one.why_not for one in additions):
            for one in additions:
                if one.why_not is None:
                    self._undo(one)
                    one.why_not = "cart_incomplete"
        for one in additions:
            self._answer(one)

    def _hold(self, one: Addition, allowance: Allowance) -> Reason | None:
        reservation, book = one.reservation, self.book
        if not one.held:
            prepare(book, reservation, self.admission)
        why_not = allowance.refuses(reservation, one.further)
        why_not = why_not or refusal(book, reservation, one.further)
        if why_not is None:
            allowance.use(reservation, one.further, opens=not one.held)
            move(book, reservation, "hold", one.further)
            reservation.quantity = one.held + one.further
            set_status(book, self.arrival, reservation, "active", None)
        return why_not

    def _undo(self, one: Addition) -> None:
        move(self.book, one.reservation, "hold", -one.further)
        one.reservation.quantity = one.held

    def _answer(self, one: Addition) -> None:
        book, reservation, units = self.book, one.reservation, one.further
        if one.why_not is None:
            until = self.it.expires_at
            say(
                book,
                "reserved",
                self.admission,
                reservation,
                self.arrival,
                quantity=units,
                expires_at=until,
            )
            return
        if not one.held:
            reservation.quantity = units
            set_status(book, self.arrival, reservation, "rejected", one.why_not)
        why = one.why_not
        say(book, "rejected", self.admission, reservation, self.arrival, quantity=units, reason=why)

    def _is_stuck(self, reservation: Reservation, stuck: Sequence[Addition]) -> bool:
        """Tell whether a hold waits for another that could not be made: of its product, or any.

        It cannot wait where it takes more than the consumer may have beside what was added.
        """
        if reservation.status != "active":
            return False  # what has ended has nothing to keep
        waits = self.admission.policy.cart == "all_or_nothing" or any(
            one.reservation.product_id == reservation.product_id
            and one.reservation is not reservation
            for one in stuck
        )
        return waits and Allowance(self.book, self.admission).refuses(reservation, 0) is None

    def _give_up(self, reservation: Reservation, wanted: int) -> None:
        is_active = reservation.status == "active"
        if is_active and wanted >= reservation.quantity:
            return
        reason: Reason = "released_on_request" if self.it.cart.emptied else "cart_changed"
        if wanted == 0 and (is_active or is_ended(reservation)):
            at = event_time(self.arrival.event)
            end_hold(self.book, self.arrival, reservation, "released", reason, at)
        elif is_active:
            unwanted = reservation.quantity - wanted
            release_part(self.book, self.arrival, reservation, unwanted, reason)

    def _note_too_late(self, rows: dict[Sku, Reservation], sku: Sku, wanted: int) -> None:
        """Refuse a line that no cart had wanted lately, before the window was over."""
        reservation = rows.get(sku)
        if reservation is None:
            reservation = rows[sku] = self._new_row(sku, wanted, "window_over")
        elif is_ended(reservation):
            reservation.quantity = wanted
            self.book.touch_reservation(reservation)
            return
        elif not self._is_to_refuse(reservation, wanted):
            return
        else:
            reservation.quantity = wanted
            set_status(self.book, self.arrival, reservation, "rejected", "window_over")
        why: Reason = "window_over"
        say(self.book, "rejected", self.admission, reservation, self.arrival, reason=why)

    def _is_to_refuse(self, reservation: Reservation, wanted: int) -> bool:
        if reservation.reason == "window_over":
            return reservation.quantity != wanted
        by_another_cart = reservation.reason in BY_CART | {"not_in_cart"}
        return by_another_cart and reservation.status not in SOLD
