"""Reservations into rows."""

from collections.abc import Collection

from db.columns import columns, copy
from db.connect import Connection
from schemas.reservation import Reservation


async def add_reservations(connection: Connection, reservations: Collection[Reservation]) -> None:
    """Write new reservations."""
    await copy(
        connection,
        "reservations",
        "id lane organization_id admission_id experience_id product_id variant_id quantity"
        " strategy status expires_at created_at ended_at reason order_id late",
        [
            (
                r.id,
                r.lane,
                *r.admission_key,
                r.experience_id,
                r.product_id,
                r.variant_id,
                r.quantity,
                r.strategy,
                r.status,
                r.expires_at,
                r.created_at,
                r.ended_at,
                r.reason,
                r.order_id,
                r.late,
            )
            for r in reservations
        ],
    )


async def update_reservations(
    connection: Connection, reservations: Collection[Reservation]
) -> None:
    """Write what became of reservations."""
    await connection.execute(
        """
        UPDATE reservations AS saved
           SET quantity = new.quantity, strategy = new.strategy, status = new.status,
               ended_at = new.ended_at, reason = new.reason, order_id = new.order_id,
               late = new.late
          FROM unnest($1::uuid[], $2::bigint[], $3::text[], $4::text[], $5::timestamptz[],
                      $6::text[], $7::text[], $8::bool[])
            AS new (id, quantity, strategy, status, ended_at, reason, order_id, late)
         WHERE saved.id = new.id
        """,
        *columns(
            [
                (r.id, r.quantity, r.strategy, r.status, r.ended_at, r.reason, r.order_id, r.late)
                for r in reservations
            ],
            8,
        ),
    )
