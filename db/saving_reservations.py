"""Reservations into rows."""

from collections.abc import Collection
from typing import Any

from db.columns import copy, text_columns
from db.connect import Connection
from schemas.reservation import Reservation


async def add_reservations(connection: Connection, reservations: Collection[Reservation]) -> None:
    """Write new reservations."""
    await copy(
        connection,
        "reservations",
        "id quantity strategy status expires_at ended_at reason order_id late missing oversold"
        " restocked at_risk warned outcomes experience_id"
        " lane organization_id admission_id product_id variant_id created_at",
        [(*_changing(one), *_staying(one)) for one in reservations],
    )


async def update_reservations(
    connection: Connection, reservations: Collection[Reservation]
) -> None:
    """Write what became of reservations."""
    await connection.execute(
        """
        UPDATE reservations AS saved
           SET quantity = new.quantity, strategy = new.strategy, status = new.status,
               expires_at = new.expires_at, ended_at = new.ended_at, reason = new.reason,
               order_id = new.order_id, late = new.late, missing = new.missing,
               oversold = new.oversold, restocked = new.restocked, at_risk = new.at_risk,
               warned = new.warned, outcomes = new.outcomes,
               experience_id = new.experience_id
          FROM unnest($1::text::uuid[], $2::text::bigint[], $3::text::text[], $4::text::text[],
                      $5::text::timestamptz[], $6::text::timestamptz[], $7::text::text[],
                      $8::text::text[], $9::text::bool[], $10::text::bigint[],
                      $11::text::bigint[], $12::text::bool[], $13::text::bigint[],
                      $14::text::bool[], $15::text::int[], $16::text::text[])
            AS new (id, quantity, strategy, status, expires_at, ended_at, reason, order_id, late,
                    missing, oversold, restocked, at_risk, warned, outcomes, experience_id)
         WHERE saved.id = new.id
        """,
        *text_columns([_changing(one) for one in reservations], 16),
    )


def _changing(reservation: Reservation) -> tuple[Any, ...]:
    """Give the id, and the columns that a batch may change."""
    return (
        reservation.id,
        reservation.quantity,
        reservation.strategy,
        reservation.status,
        reservation.expires_at,
        reservation.ended_at,
        reservation.reason,
        reservation.order_id,
        reservation.late,
        reservation.missing,
        reservation.oversold,
        reservation.restocked,
        reservation.at_risk,
        reservation.warned,
        reservation.outcomes,
        reservation.experience_id,
    )


def _staying(reservation: Reservation) -> tuple[Any, ...]:
    """Give what a reservation is of."""
    return (
        reservation.lane,
        *reservation.admission_key,
        reservation.product_id,
        reservation.variant_id,
        reservation.created_at,
    )
