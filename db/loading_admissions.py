"""Admissions with all that belongs to them, locked."""

from collections.abc import Collection

from db.columns import text_columns
from db.connect import Connection
from db.rows import admission_of, fact_of, reservation_of
from schemas.reservation import Admission, AdmissionKey, EarlyFact, Reservation


async def lock_admissions(
    connection: Connection,
    *,
    shoppers: Collection[tuple[str, str]],
    keys: Collection[AdmissionKey],
) -> list[Admission]:
    """Lock the admissions that these shoppers have or had, and those of these keys.

    Whether anybody was transferred at all is asked once, as in `lock_shoppers`.
    """
    rows = await connection.fetch(
        """
        WITH wanted AS (
            SELECT organization_id, admission_id
              FROM unnest($1::text::text[], $2::text::text[])
                AS shopper (organization_id, consumer_id)
              JOIN admissions USING (organization_id, consumer_id)
             UNION
            SELECT organization_id, admission_id
              FROM unnest($1::text::text[], $2::text::text[]) AS shopper (organization_id, guest_id)
              JOIN admissions USING (organization_id, guest_id)
             WHERE EXISTS (SELECT FROM admissions WHERE guest_id IS NOT NULL)
             UNION
            SELECT organization_id, admission_id
              FROM unnest($3::text::text[], $4::text::text[]) AS key (organization_id, admission_id)
        )
        SELECT admission.*
          FROM wanted
          JOIN admissions AS admission USING (organization_id, admission_id)
         ORDER BY admission.organization_id, admission.admission_id
           FOR UPDATE OF admission
        """,
        *text_columns(shoppers, 2),
        *text_columns(keys, 2),
    )
    return [admission_of(row) for row in rows]


async def lock_facts(
    connection: Connection, shoppers: Collection[tuple[str, str]]
) -> list[EarlyFact]:
    """Lock the early facts of these shoppers."""
    rows = await connection.fetch(
        """
        SELECT fact.*
          FROM unnest($1::text::text[], $2::text::text[]) AS shopper (organization_id, consumer_id)
          JOIN early_facts AS fact USING (organization_id, consumer_id)
         ORDER BY fact.id
           FOR UPDATE OF fact
        """,
        *text_columns(shoppers, 2),
    )
    return [fact_of(row) for row in rows]


async def lock_reservations(
    connection: Connection, admissions: Collection[AdmissionKey]
) -> list[Reservation]:
    """Lock all reservations of these admissions, in id order."""
    rows = await connection.fetch(
        """
        SELECT reservation.*
          FROM unnest($1::text::text[], $2::text::text[]) AS key (organization_id, admission_id)
          JOIN reservations AS reservation USING (organization_id, admission_id)
         ORDER BY reservation.id
           FOR UPDATE OF reservation
        """,
        *text_columns(admissions, 2),
    )
    return [reservation_of(row) for row in rows]
