"""What the journal tells of units: those of a stock line, and those of a shopper's other holds."""

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from pydantic_core import to_json

from db.connect import Connection
from db.explain_spans import Span, read
from db.importing import Progress, silent
from schemas.vocabulary import OutcomeType, Reason, Strategy


class Step(NamedTuple):
    """What an outcome did to the units of a stock line; `extended` is of a whole admission."""

    written_at: datetime
    lane: int
    sequence: int
    topic: str
    occurred_at: datetime
    type: OutcomeType
    admission_id: str
    experience_id: str | None
    reservation_id: UUID | None
    product_id: str | None
    variant_id: str | None
    quantity: int | None
    strategy: Strategy | None
    reason: Reason | None
    expires_at: datetime | None
    order_id: str | None


async def steps_of(
    connection: Connection,
    spans: Iterable[Span],
    organization_id: str,
    *,
    products: Collection[str],
    admissions: Collection[str],
    shoppers: Collection[str],
    on_progress: Progress = silent,
) -> list[Step]:
    """Give what happened to the units of products, and what to the holds of some admissions.

    What may matter is told from the bytes, and only that is read as JSON.
    """
    parts = read(
        connection,
        spans,
        """
        WITH entry AS MATERIALIZED (
            SELECT written_at, lane, sequence, value
              FROM journal
             WHERE lane = $1 AND stream = 'outcomes' AND sequence >= $2 AND sequence < $3
               AND (type LIKE '%.extended' OR key = ANY($4::bytea[])
                    OR EXISTS (SELECT FROM unnest($5::bytea[]) AS name
                                WHERE position(name IN value) > 0))
        )
        SELECT written_at, lane, sequence, body.cause ->> 'topic', body."occurredAt", body.type,
               body."admissionId", body."experienceId", body."reservationId", body."productId",
               body."variantId", body.quantity, body.strategy, body.reason, body."expiresAt",
               body."orderId"
          FROM entry
         CROSS JOIN LATERAL jsonb_to_record(convert_from(value, 'UTF8')::jsonb)
            AS body (type text, "organizationId" text, "admissionId" text, "experienceId" text,
                     "reservationId" uuid, "productId" text, "variantId" text, quantity bigint,
                     strategy text, reason text, "expiresAt" timestamptz, "orderId" text,
                     "occurredAt" timestamptz, cause jsonb)
         WHERE body."organizationId" = $6
           AND (body.type = 'extended' OR body."productId" = ANY($7::text[])
                OR body."admissionId" = ANY($8::text[]))
        """,
        [shopper.encode() for shopper in shoppers],
        [to_json(product) for product in products],
        organization_id,
        list(products),
        list(admissions),
        on_progress=on_progress,
    )
    steps = [Step(*row) async for rows in parts for row in rows]
    return sorted(steps, key=lambda step: step[:3])
