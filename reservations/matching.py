"""Which admission an event is about. Fanfare's completions and ends carry no token and no id."""

from reservations.book import Book
from schemas.events import AdmissionEnded, Admitted, CheckoutCompleted, event_time
from schemas.identity import time_ordered_id
from schemas.reservation import Admission, AdmissionKey

# Ids that we make carry one of these in front, so that none is taken for Fanfare's own.
_OF_TOKEN = "token:"
_OF_TIME = "at:"

Fact = CheckoutCompleted | AdmissionEnded


def admission_key(event: Admitted) -> AdmissionKey:
    """Name an admission: its own id, else its token's digest, else who was admitted to what, when.

    Fanfare gives an id in one of its vocabularies only.
    """
    if event.admission_id is not None:
        admission_id = event.admission_id
    elif event.token_digest is not None:
        admission_id = _OF_TOKEN + event.token_digest
    else:
        who = (event.distribution_id, event.experience_id, event.consumer_id)
        admission_id = f"{_OF_TIME}{time_ordered_id(event.admitted_at, 'admission', *who)}"
    return AdmissionKey(event.organization_id, admission_id)


def keys_of(event: Admitted | Fact) -> list[AdmissionKey]:
    """Give the keys under which the admission of an event may be stored."""
    keys = [admission_key(event)] if isinstance(event, Admitted) else []
    if event.admission_id is not None:
        keys.append(AdmissionKey(event.organization_id, event.admission_id))
    if event.token_digest is not None:
        keys.append(AdmissionKey(event.organization_id, _OF_TOKEN + event.token_digest))
    return keys


def known_admission(book: Book, event: Admitted | Fact) -> Admission | None:
    """Find the admission that an event names by id or by token, if it is known."""
    for key in keys_of(event):
        if (admission := book.admissions.get(key)) is not None:
            return admission
    if event.token_digest is not None:
        return book.admissions_by_token.get((event.organization_id, event.token_digest))
    return None


def match(book: Book, fact: Fact) -> Admission | None:
    """Find the admission that a completion or an end is about, if it has come.

    A fact that names one by id or by token is about that one. Else it is about the one that has
    it already, for it may be a repetition; else about the newest of the shopper's admissions that
    had begun at the event's time: a stale event never touches a later admission.
    """
    if fact.admission_id is not None or fact.token_digest is not None:
        known = known_admission(book, fact)
        return None if known is None or _paid_by_another(known, fact) else known
    candidates = book.admissions_by_consumer.get((fact.organization_id, fact.consumer_id), ())
    fitting = [admission for admission in candidates if _fits(admission, fact)]
    for admission in fitting:
        if _has(admission, fact):
            return admission
    free = [admission for admission in fitting if not _paid_by_another(admission, fact)]
    return max(free, key=lambda admission: admission.admitted_at, default=None)


def _fits(admission: Admission, fact: Fact) -> bool:
    return (
        admission.admitted_at <= event_time(fact)
        and _agree(fact.distribution_id, admission.distribution_id)
        and _agree(fact.experience_id, admission.experience_id)
    )


def _agree(one: str, other: str) -> bool:
    """Tell whether two ids may be the same: Fanfare leaves some out of some events."""
    return one == other or not one or not other


def _has(admission: Admission, fact: Fact) -> bool:
    """Tell whether an admission was given this very fact before."""
    if isinstance(fact, AdmissionEnded):
        return (admission.ended_at, admission.end) == (fact.ended_at, fact.end)
    if fact.order_id is not None and admission.order_id is not None:
        return fact.order_id == admission.order_id
    return admission.completed_at == fact.completed_at


def _paid_by_another(admission: Admission, fact: Fact) -> bool:
    """Tell whether a payment is certainly not the one that completed this admission."""
    return (
        isinstance(fact, CheckoutCompleted)
        and fact.order_id is not None
        and admission.order_id is not None
        and fact.order_id != admission.order_id
    )
