"""How much is kept of one admission and of one shopper, and what is said of the rest."""

from collections.abc import Sequence
from typing import Final

from reservations.book import Book
from reservations.say import say_of_admission, say_of_fact
from reservations.shopper import Shopper
from schemas.events import Arrival, CartUpdated, CheckoutCompleted, event_time
from schemas.facts import KnownFact, fact_order
from schemas.reservation import Admission
from schemas.vocabulary import OutcomeType, Result

# Nobody needs more; each is read and written with its admission.
FACTS_OF_A_KIND_MAX: Final = 50
WAITING_MAX: Final = 100


def has_room(book: Book, arrival: Arrival, admission: Admission, known: KnownFact) -> bool:
    """Tell whether an admission can have one more fact, which is refused where it cannot.

    Of carts an old one is forgotten: the one in force and the first are not.
    """
    same = [one for one in admission.facts if type(one.fact) is type(known.fact)]
    if len(same) < FACTS_OF_A_KIND_MAX:
        return True
    forgotten = _to_forget(same, known)
    if forgotten is None:
        _refuse(book, arrival, admission, known)
        return False
    admission.facts = [one for one in admission.facts if one is not forgotten]
    return True


def is_flood(shopper: Shopper) -> bool:
    """Tell whether more facts wait for a shopper's admissions than are kept."""
    return len(shopper.waiting()) > WAITING_MAX


def refuse_to_wait(book: Book, arrival: Arrival, shopper: Shopper, known: KnownFact) -> Result:
    """Give up the last of too many facts that wait, and say so."""
    for early in shopper.waiting():
        if early.known is known:
            book.end_fact(early)
    at = event_time(known.fact)
    say_of_fact(book, "orphaned", known, at, arrival.lane, "too_many_facts")
    return "refused"


def _to_forget(carts: Sequence[KnownFact], new: KnownFact) -> KnownFact | None:
    """Give the oldest cart that is not in force; of other facts none may be forgotten."""
    if not isinstance(new.fact, CartUpdated):
        return None
    in_force = max((one for one in carts if one.answer is None), key=fact_order, default=None)
    others = [
        one
        for one in carts
        if one is not in_force and isinstance(one.fact, CartUpdated) and not one.fact.at_admission
    ]
    return min(others, key=fact_order, default=None)


def _refuse(book: Book, arrival: Arrival, admission: Admission, known: KnownFact) -> None:
    known.answer = "too_many_facts"
    paid = isinstance(known.fact, CheckoutCompleted)
    order_id = getattr(known.fact, "order_id", None)
    word: OutcomeType = "unfulfilled" if paid else "refused"
    say_of_admission(book, word, admission, arrival, reason="too_many_facts", order_id=order_id)
