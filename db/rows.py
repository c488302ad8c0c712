"""Rows as the rules know them."""

from typing import Final

from asyncpg import Record
from pydantic import TypeAdapter

from schemas.events import AdmissionEnded, CheckoutCompleted
from schemas.reservation import Admission, AdmissionKey, EarlyFact, Reservation

FACT: Final[TypeAdapter[CheckoutCompleted | AdmissionEnded]] = TypeAdapter(
    CheckoutCompleted | AdmissionEnded
)


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
        completed_at=row["completed_at"],
        order_id=row["order_id"],
        ended_at=row["ended_at"],
        end=row["end_kind"],
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
    )


def fact_of(row: Record) -> EarlyFact:
    """Give an early fact of its row."""
    return EarlyFact(
        id=row["id"],
        lane=row["lane"],
        fact=FACT.validate_json(row["document"]),
        topic=row["topic"],
        partition=row["partition"],
        offset=row["offset"],
        line=row["line"],
        traceparent=row["traceparent"],
        retry_at=row["retry_at"],
        expires_at=row["expires_at"],
    )
