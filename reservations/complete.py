"""A shopper has paid: held units are sold, and what is no longer held is taken again, late."""

from reservations.admit import reservation_id, summed
from reservations.book import Book
from reservations.end import end_hold
from reservations.say import say
from reservations.strategies import move, refusal, strategy_of_line
from schemas.events import Arrival, CheckoutCompleted
from schemas.reservation import Admission, Reservation
from schemas.vocabulary import Reason, Result


def complete(
    book: Book, arrival: Arrival, admission: Admission, event: CheckoutCompleted
) -> Result:
    """Convert what was bought and release the rest. A second completion changes nothing."""
    if admission.completed_at is not None:
        return "duplicate"
    admission.completed_at, admission.order_id = event.completed_at, event.order_id
    book.touch_admission(admission)
    for reservation, bought in _bought(book, arrival, admission, event):
        if reservation.status == "active":
            _settle_held(book, arrival, reservation, bought, event)
        elif bought > 0:
            _settle_gone(book, arrival, reservation, bought, event)
    return "applied"


def _bought(
    book: Book, arrival: Arrival, admission: Admission, event: CheckoutCompleted
) -> list[tuple[Reservation, int]]:
    """Pair each line with the units bought of it.

    A completion without items is for all that was held. Where nothing ever was, the shopper has
    paid all the same: then it is for all that was wanted.
    """
    lines = book.reservations[admission.key]
    if not event.items:
        held = [line for line in lines if line.status != "rejected"] or lines
        return [(line, line.quantity) for line in held]
    units = {(item.product_id, item.variant_id): item.quantity for item in summed(event.items)}
    pairs = [(line, units.pop((line.product_id, line.variant_id), 0)) for line in lines]
    never_wanted = [
        (_never_held(book, arrival, admission, product_id, variant_id, bought, event), bought)
        for (product_id, variant_id), bought in units.items()
    ]
    return pairs + never_wanted


def _settle_held(
    book: Book, arrival: Arrival, reservation: Reservation, bought: int, event: CheckoutCompleted
) -> None:
    """Sell what was bought of an active hold, give the rest back, take what is missing late."""
    if bought == 0:
        end_hold(book, arrival, reservation, "released", "not_purchased", event.completed_at)
        return
    if bought < reservation.quantity:
        _give_part_back(book, arrival, reservation, reservation.quantity - bought)
    missing = bought - reservation.quantity
    why = refusal(book, reservation, missing) if missing else None
    if missing and why is None:
        move(book, reservation, "hold", missing)
        reservation.quantity, reservation.late = bought, True
    book.changes.holds_active[arrival.lane] -= 1
    _convert(book, arrival, reservation, event)
    if why is not None:
        _say_unfulfilled(book, arrival, reservation, missing, why)


def _settle_gone(
    book: Book, arrival: Arrival, reservation: Reservation, bought: int, event: CheckoutCompleted
) -> None:
    """Take the units of an ended hold again if they are there, else say that they are missing."""
    reservation.strategy = strategy_of_line(book, reservation)
    if (why := refusal(book, reservation, bought)) is not None:
        _say_unfulfilled(book, arrival, reservation, bought, why)
        return
    move(book, reservation, "hold", bought)
    reservation.quantity, reservation.late = bought, True
    _convert(book, arrival, reservation, event)


def _convert(
    book: Book, arrival: Arrival, reservation: Reservation, event: CheckoutCompleted
) -> None:
    move(book, reservation, "convert", reservation.quantity)
    reservation.status, reservation.reason = "converted", None
    reservation.ended_at, reservation.order_id = event.completed_at, event.order_id
    book.touch_reservation(reservation)
    admission = book.admissions[reservation.admission_key]
    late = reservation.late or None
    say(book, "converted", admission, reservation, arrival, order_id=event.order_id, late=late)


def _give_part_back(book: Book, arrival: Arrival, reservation: Reservation, quantity: int) -> None:
    move(book, reservation, "give_back", quantity)
    reservation.quantity -= quantity
    book.touch_reservation(reservation)
    admission = book.admissions[reservation.admission_key]
    say(
        book,
        "released",
        admission,
        reservation,
        arrival,
        quantity=quantity,
        reason="not_purchased",
    )


def _say_unfulfilled(
    book: Book, arrival: Arrival, reservation: Reservation, quantity: int, why: Reason
) -> None:
    admission = book.admissions[reservation.admission_key]
    say(
        book,
        "unfulfilled",
        admission,
        reservation,
        arrival,
        quantity=quantity,
        reason=why,
        order_id=admission.order_id,
    )


def _never_held(
    book: Book,
    arrival: Arrival,
    admission: Admission,
    product_id: str,
    variant_id: str,
    quantity: int,
    event: CheckoutCompleted,
) -> Reservation:
    policy = book.policy(admission.key.organization_id, admission.experience_id)
    reservation = Reservation(
        id=reservation_id(admission, product_id, variant_id),
        lane=arrival.lane,
        admission_key=admission.key,
        experience_id=admission.experience_id,
        product_id=product_id,
        variant_id=variant_id,
        quantity=quantity,
        strategy=policy.strategy,
        status="rejected",
        expires_at=admission.expires_at,
        created_at=event.completed_at,
        ended_at=event.completed_at,
        reason="not_in_cart",
    )
    book.add_reservation(reservation)
    return reservation
