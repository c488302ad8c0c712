"""Rows as the rules know them."""

from operator import itemgetter
from typing import Final

from asyncpg import Record

from schemas.facts import unpack
from schemas.policy import read_policy
from schemas.reservation import Admission, AdmissionKey, EarlyFact, Reservation

# In the order of the fields that they fill by place: 1.5 and 1.8 us a row, where it took 2.7 to
# name each column and each field.
_ADMISSION: Final = itemgetter(
    "lane", "consumer_id", "experience_id", "distribution_id", "distribution_type", "token_digest",
    "admitted_at", "expires_at", "window_ends_at", "also_id", "guest_id",
    "policy", "facts", "cart_mark", "sale_mark", "outcomes",
)  # fmt: skip
_RESERVATION: Final = itemgetter(
    "experience_id", "product_id", "variant_id", "quantity", "strategy", "status", "expires_at",
    "created_at", "ended_at", "reason", "order_id", "late", "missing", "oversold", "restocked",
    "at_risk", "warned", "outcomes",
)  # fmt: skip


def admission_of(row: Record) -> Admission:
    """Give an admission of its row."""
    key = AdmissionKey(row["organization_id"], row["admission_id"])
    *named, policy, facts, cart_mark, sale_mark, outcomes = _ADMISSION(row)
    fields = [key, *named, read_policy(policy), unpack(facts), cart_mark, sale_mark, outcomes]
    return Admission(*fields)


def reservation_of(row: Record) -> Reservation:
    """Give a reservation of its row."""
    key = AdmissionKey(row["organization_id"], row["admission_id"])
    return Reservation(row["id"], row["lane"], key, *_RESERVATION(row))


def fact_of(row: Record) -> EarlyFact:
    """Give an early fact of its row. Raises ValueError where the document is not of one fact."""
    (known,) = unpack(row["document"])
    return EarlyFact(
        id=row["id"],
        lane=row["lane"],
        known=known,
        retry_at=row["retry_at"],
        expires_at=row["expires_at"],
    )
