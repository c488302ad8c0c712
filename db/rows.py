"""Rows as the rules know them."""

from asyncpg import Record

from schemas.facts import unpack
from schemas.policy import read_policy
from schemas.reservation import Admission, AdmissionKey, EarlyFact, Reservation


def admission_of(row: Record) -> Admission:
    """Give an admission of its row."""
    return Admission(
        key=AdmissionKey(row["organization_id"], row["admission_id"]),
        lane=row["lane"],
        consumer_id=row["consumer_id"],
        experience_id=row["experience_id"],
        distribution_id=row["distribution_id"],
        distribution_type=row["distribution_type"],
        token_digest=row["token_digest"],
        admitted_at=row["admitted_at"],
        expires_at=row["expires_at"],
        window_ends_at=row["window_ends_at"],
        also_id=row["also_id"],
        guest_id=row["guest_id"],
        policy=read_policy(row["policy"]),
        facts=unpack(row["facts"]),
        cart_mark=row["cart_mark"],
        sale_mark=row["sale_mark"],
        outcomes=row["outcomes"],
    )


def reservation_of(row: Record) -> Reservation:
    """Give a reservation of its row."""
    return Reservation(
        id=row["id"],
        lane=row["lane"],
        admission_key=AdmissionKey(row["organization_id"], row["admission_id"]),
        experience_id=row["experience_id"],
        product_id=row["product_id"],
        variant_id=row["variant_id"],
        quantity=row["quantity"],
        strategy=row["strategy"],
        status=row["status"],
        expires_at=row["expires_at"],
        created_at=row["created_at"],
        ended_at=row["ended_at"],
        reason=row["reason"],
        order_id=row["order_id"],
        late=row["late"],
        missing=row["missing"],
        oversold=row["oversold"],
        restocked=row["restocked"],
        at_risk=row["at_risk"],
        warned=row["warned"],
        outcomes=row["outcomes"],
    )


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
