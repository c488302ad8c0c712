"""What is said of single facts: commands granted and refused, carts too late, second payments."""

from reservations.book import Book
from reservations.limits import limit_of_transfer
from reservations.payments import Payment
from reservations.say import say_of_admission
from reservations.standing import Standing
from schemas.events import Arrival
from schemas.facts import KnownFact
from schemas.reservation import Admission
from schemas.vocabulary import Reason


def answer(book: Book, arrival: Arrival, admission: Admission, it: Standing) -> bool:
    """Say what is new of each fact, once; and change the owner where a transfer asks for it.

    Returns whether a limit of the other consumer refused that just now.
    """
    refused_by = _change_owner(book, arrival, admission, it)
    for known, answered in it.answers.values():
        if refused_by is not None and answered == "transferred":
            answered = refused_by
        if known.answer != answered:
            known.answer = answered
            _say(book, arrival, admission, it, known)
    if it.payment is not None:
        for known in it.payment.facts:
            known.answer = None  # should it be one too many once more, that has to be said anew
    for payment in it.surplus:
        _refuse_payment(book, arrival, admission, payment)
    return refused_by is not None


def _say(
    book: Book, arrival: Arrival, admission: Admission, it: Standing, known: KnownFact
) -> None:
    match known.answer:
        case "extended":
            until = it.expires_at
            say_of_admission(book, "extended", admission, arrival, expires_at=until)
        case None | "transferred":
            pass
        case reason:
            say_of_admission(book, "refused", admission, arrival, reason=reason)  # type: ignore[arg-type]


def _change_owner(
    book: Book, arrival: Arrival, admission: Admission, it: Standing
) -> Reason | None:
    """Give the admission to the consumer whom its transfers name, or the reason why not."""
    owner = it.owner
    if owner == admission.consumer_id:
        return None
    guest = admission.admitted_consumer_id
    reason = limit_of_transfer(book, admission, owner) if owner != guest else None
    if reason is not None:
        return reason
    previous = admission.consumer_id
    admission.consumer_id = owner
    admission.guest_id = guest if owner != guest else None
    book.index_admission(admission)
    say_of_admission(book, "transferred", admission, arrival, from_consumer_id=previous)
    return None


def _refuse_payment(book: Book, arrival: Arrival, admission: Admission, payment: Payment) -> None:
    """Say that an order is one too many: somebody has to refund it."""
    told = any(known.answer == "already_paid" for known in payment.facts)
    for known in payment.facts:
        known.answer = "already_paid"
    if not told:
        say_of_admission(
            book,
            "unfulfilled",
            admission,
            arrival,
            reason="already_paid",
            order_id=payment.order_id,
        )
