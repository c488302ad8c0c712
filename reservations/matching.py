"""The names of an admission, and which known admission an event names."""

from collections.abc import Sequence

from reservations.book import Book
from schemas.events import Admitted, Fact
from schemas.identity import time_ordered_id
from schemas.reservation import Admission, AdmissionKey

# Ids that we make carry one of these in front, so that none is taken for Fanfare's own.
_OF_TOKEN = "token:"
_OF_TIME = "at:"


def admission_key(event: Admitted) -> AdmissionKey:
    """Name an admission: its own id, else its token's digest, else who was admitted to what, when.

    Fanfare gives an id in one of its vocabularies only.
    """
    return keys_of(event)[0]


def keys_of(event: Admitted | Fact) -> list[AdmissionKey]:
    """Give the keys under which the admission of an event may be stored, the first choice first."""
    keys = []
    if event.admission_id is not None:
        keys.append(AdmissionKey(event.organization_id, event.admission_id))
    if event.token_digest is not None:
        keys.append(AdmissionKey(event.organization_id, _OF_TOKEN + event.token_digest))
    if not keys and isinstance(event, Admitted):
        who = (event.distribution_id, event.experience_id, event.consumer_id)
        made = time_ordered_id(event.admitted_at, "admission", *who)
        keys.append(AdmissionKey(event.organization_id, f"{_OF_TIME}{made}"))
    return keys


def names_its_admission(event: Admitted | Fact) -> bool:
    """Tell whether an event says by id or by token which admission it is about."""
    return event.admission_id is not None or event.token_digest is not None


def known_admission(
    book: Book, event: Admitted | Fact, keys: Sequence[AdmissionKey] | None = None
) -> Admission | None:
    """Find the admission that an event names by id or by token, if it is known.

    `keys` are `keys_of(event)`, of a caller that needs them too.
    """
    for key in keys_of(event) if keys is None else keys:
        found = book.admissions.get(key) or book.admissions_by_also_id.get(key)
        if found is not None:
            return found
    if event.token_digest is not None:
        return book.admissions_by_token.get((event.organization_id, event.token_digest))
    return None
