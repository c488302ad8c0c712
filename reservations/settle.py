"""The rows of an admission follow what its facts amount to."""

from collections.abc import Sequence
from copy import copy

from reservations.answers import answer
from reservations.book import Book
from reservations.cart_in_force import Sku
from reservations.carts import CartChange
from reservations.moving import let_go, starts_to_move
from reservations.paying import Sale
from reservations.payments import Payment
from reservations.returning import is_to_return, take_back, undo_sale
from reservations.rows import SOLD, end_hold, is_ended, sku_of
from reservations.say_changed import say_only_what_changed
from reservations.standing import ENDS, Standing, standing
from schemas.events import Arrival
from schemas.reservation import Admission, Reservation


def settle(book: Book, arrival: Arrival, admission: Admission) -> bool:
    """Make the rows of an admission what its facts say, and say what changed.

    It is called whenever a fact was added or taken away, with the event that did it. While the
    marks stay, and the experience, neither cart nor payment is carried out again.

    Returns whether a transfer, which facts were placed as if it were granted, was refused.
    """
    it = standing(admission, book.last_tick_of(admission.lane))
    is_refused = answer(book, arrival, admission, it)
    _move_end(book, admission, it)
    rows = book.reservations[admission.key]
    sold = [one for one in rows if one.status in SOLD]
    sale_mark = it.sale_mark
    moves = starts_to_move(book, admission)
    sold_anew = moves or sale_mark != admission.sale_mark or _is_not_returned(it, sold)
    before = [copy(one) for one in rows] if moves or (sold and sold_anew) else []
    said = len(book.changes.outcomes)
    for reservation in sold if sold_anew else ():
        in_cart = sku_of(reservation) in it.cart.wanted
        undo_sale(book, arrival, reservation, in_cart=in_cart)
    if moves:
        let_go(book, arrival, admission)
    if moves or it.cart.mark != admission.cart_mark or _is_reopened(book, admission, it):
        CartChange(book, arrival, admission, it).carry_out()
    elif before:  # what was not sold stays as it was
        undone = {sku_of(one) for one in sold}
        CartChange(book, arrival, admission, it, undone).carry_out()
    if it.payment is not None and sold_anew:
        bought = _bought_before(before, it.payment)
        Sale(book, arrival, admission, it, it.payment, bought).carry_out()
    _end_or_return(book, arrival, admission, it)
    admission.cart_mark, admission.sale_mark = it.cart.mark, sale_mark
    book.touch_admission(admission)
    if before:
        say_only_what_changed(book, arrival, admission, before, said)
    return is_refused


def _move_end(book: Book, admission: Admission, it: Standing) -> None:
    if admission.expires_at == it.expires_at:
        return
    admission.expires_at = it.expires_at
    for reservation in book.reservations[admission.key]:
        reservation.expires_at = it.expires_at
        book.touch_reservation(reservation)


def _is_not_returned(it: Standing, sold: Sequence[Reservation]) -> bool:
    """Tell whether a cancellation turns out to be of another order."""
    if not sold or it.verdict == "returned":
        return False
    return any(one.status == "returned" for one in sold)


def _is_reopened(book: Book, admission: Admission, it: Standing) -> bool:
    """Tell whether holds that ended have to be held again: what ended them is gone."""
    rows = book.reservations[admission.key]
    return it.verdict == "open" and any(
        is_ended(one) or (one.status, one.reason) == ("rejected", "window_over") for one in rows
    )


def _bought_before(before: Sequence[Reservation], payment: Payment) -> dict[Sku, int]:
    """Give the units that the same order was found to have paid for, whether they were there."""
    return {
        sku_of(one): one.missing if one.status == "unfulfilled" else one.quantity + one.missing
        for one in before
        if one.status in SOLD and one.order_id == payment.order_id
    }


def _end_or_return(book: Book, arrival: Arrival, admission: Admission, it: Standing) -> None:
    verdict = it.verdict
    if it.payment is not None and it.payment.cancelled_at is not None:
        at, restock = it.payment.cancelled_at, admission.policy.restock_cancelled
        for reservation in book.reservations[admission.key]:
            if is_to_return(book, reservation, restock=restock):
                take_back(book, arrival, reservation, at, restock=restock)
    if verdict in ENDS:
        ended, reason = ENDS[verdict]
        for reservation in book.reservations[admission.key]:
            if reservation.status == "active" or is_ended(reservation):
                end_hold(book, arrival, reservation, ended, reason, it.over_at)
