"""An admission comes: it is made, or what is new of a known one is noted."""

from reservations.book import Book
from reservations.facts import reconsider
from reservations.forgotten import is_forgotten, refuse_forgotten
from reservations.matching import admission_key, keys_of, known_admission
from reservations.settle import settle
from reservations.shopper import Shopper, is_alone, shopper_keys
from schemas.events import Admitted, Arrival, CartUpdated
from schemas.facts import KnownFact, fact_order
from schemas.reservation import Admission, AdmissionKey
from schemas.vocabulary import Result


def apply_admitted(book: Book, arrival: Arrival, event: Admitted) -> Result:
    """Make an admission, or merge a repetition into the one that is known."""
    keys = keys_of(event)
    admission = known_admission(book, event, keys)
    if admission is not None:
        return _apply_again(book, arrival, event, admission)
    if is_forgotten(book, event):
        return refuse_forgotten(book, arrival, event)
    return _apply_new(book, arrival, event, keys[0])


def _apply_new(book: Book, arrival: Arrival, event: Admitted, key: AdmissionKey) -> Result:
    admission = _new_admission(book, arrival, event, key)
    book.add_admission(admission)
    _note_items(admission, arrival, event)
    if is_alone(book, admission):
        settle(book, arrival, admission)  # no fact but its own is there to be placed
    else:
        _reconsider(book, arrival, event, admission)
    return "applied"


def _apply_again(book: Book, arrival: Arrival, event: Admitted, admission: Admission) -> Result:
    if not _merge(book, admission, arrival, event):
        return "duplicate"
    _reconsider(book, arrival, event, admission)
    return "applied"


def _reconsider(book: Book, arrival: Arrival, event: Admitted, admission: Admission) -> None:
    reconsider(book, arrival, Shopper(book, *shopper_keys(event, admission)), changed=[admission])


def _new_admission(book: Book, arrival: Arrival, event: Admitted, key: AdmissionKey) -> Admission:
    admission = Admission(
        key=key,
        lane=arrival.lane,
        consumer_id=event.consumer_id,
        experience_id=event.experience_id,
        distribution_id=event.distribution_id,
        distribution_type=event.distribution_type or "other",
        # Where the id is made of the token, its digest is not stored a second time.
        token_digest=event.token_digest if event.admission_id is not None else None,
        admitted_at=event.admitted_at,
        # Until it is settled, which follows at once.
        expires_at=event.admitted_at,
        window_ends_at=event.window_ends_at,
    )
    admission.policy = book.policy(event.organization_id, event.experience_id)
    return admission


def _merge(book: Book, admission: Admission, arrival: Arrival, event: Admitted) -> bool:
    """Note what a repetition says beyond what is known; tell whether that is anything.

    Of two words the same one counts whichever came first: the earliest admission, the latest end
    of the window, of names the first in the alphabet.
    """
    before = _identity(admission)
    admission.admitted_at = min(admission.admitted_at, event.admitted_at)
    ends = [at for at in (admission.window_ends_at, event.window_ends_at) if at is not None]
    admission.window_ends_at = max(ends, default=None)
    experience_id = _said(admission.experience_id, event.experience_id)
    if experience_id != admission.experience_id:
        admission.experience_id = experience_id
        admission.policy = book.policy(event.organization_id, experience_id)
        book.told_late.add(admission.key)
    admission.distribution_id = _said(admission.distribution_id, event.distribution_id)
    types = admission.distribution_type, event.distribution_type or "other"
    admission.distribution_type = min(types, key=lambda one: (one == "other", one))
    if event.admission_id not in (None, admission.key.admission_id):
        admission.also_id = admission.also_id or event.admission_id
    if admission.key != admission_key(event) or event.admission_id is not None:
        admission.token_digest = admission.token_digest or event.token_digest
    book.index_admission(admission)
    noted = _note_items(admission, arrival, event)
    return noted or _identity(admission) != before


def _said(one: str, other: str) -> str:
    """Give what was said: of two names, that which comes first in the alphabet."""
    return min(one, other) if one and other else one or other


def _identity(admission: Admission) -> tuple[object, ...]:
    return (
        admission.admitted_at,
        admission.window_ends_at,
        admission.experience_id,
        admission.distribution_id,
        admission.distribution_type,
        admission.also_id,
        admission.token_digest,
    )


def _note_items(admission: Admission, arrival: Arrival, event: Admitted) -> bool:
    """Note what an admission wants as the shopper's cart at that time; tell whether it is new.

    Of several events with items, the earliest counts: a repetition is no change of the cart.
    """
    if not event.items:
        return False
    cart = CartUpdated(
        event_id=event.event_id,
        organization_id=event.organization_id,
        consumer_id=event.consumer_id,
        admission_id=admission.key.admission_id,
        updated_at=event.admitted_at,
        items=event.items,
        at_admission=True,
    )
    new = KnownFact(cart, arrival.cause, arrival.trace)
    if not admission.facts:  # there is no other cart that it could be earlier than
        admission.facts.append(new)
        return True
    others = [one for one in admission.facts if _is_of_admission(one)]
    if others and fact_order(others[0]) <= fact_order(new):
        return False
    rest = [one for one in admission.facts if not _is_of_admission(one)]
    admission.facts = [*rest, new]
    return True


def _is_of_admission(known: KnownFact) -> bool:
    return isinstance(known.fact, CartUpdated) and known.fact.at_admission
