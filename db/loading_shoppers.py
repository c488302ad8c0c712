"""Whom a batch is about, and one lane at a time for those whom a limit counts."""

from collections.abc import Collection
from typing import Final

from db.columns import text_columns
from db.connect import Connection
from schemas.reservation import AdmissionKey

# Any number will do. Locks of two numbers, and those of one, never meet.
_LOCK_CLASS: Final = 426_733_101

# Consumers share this many locks: the server keeps locks in a table of fixed size, and a batch may
# have more consumers than that.
_LOCKS: Final = 1024


async def lock_shoppers(
    connection: Connection,
    *,
    consumers: Collection[tuple[str, str]],
    admissions: Collection[AdmissionKey],
    tokens: Collection[tuple[str, str]],
) -> set[tuple[str, str]]:
    """Give these consumers, the owners of these admissions, and all whom a transfer links to them.

    Two lanes may decide about one consumer: after a transfer, or where a record has a wrong key.
    Each would count what it sees, and together they would pass a limit. So where an organization
    has any limit, the second waits here until the first has committed, and loads what it did.

    Whether anybody at all was transferred, or named late, is asked once: where nobody was, it need
    not be asked of each, which is a fifth of the whole.
    """
    rows = await connection.fetch(
        """
        WITH RECURSIVE shopper AS (
            SELECT organization_id, consumer_id
              FROM unnest($1::text::text[], $2::text::text[])
                AS asked (organization_id, consumer_id)
             UNION
            SELECT organization_id, consumer_id
              FROM unnest($3::text::text[], $4::text::text[])
                AS named (organization_id, admission_id)
              JOIN admissions USING (organization_id, admission_id)
             UNION
            SELECT organization_id, consumer_id
              FROM unnest($3::text::text[], $4::text::text[]) AS named (organization_id, also_id)
              JOIN admissions USING (organization_id, also_id)
             WHERE EXISTS (SELECT FROM admissions WHERE also_id IS NOT NULL)
             UNION
            SELECT organization_id, consumer_id
              FROM unnest($5::text::text[], $6::text::text[])
                AS named (organization_id, token_digest)
              JOIN admissions USING (organization_id, token_digest)
             UNION
            SELECT organization_id, linked.consumer_id
              FROM shopper
             CROSS JOIN LATERAL (
                   SELECT consumer_id FROM admissions
                    WHERE guest_id = shopper.consumer_id
                      AND organization_id = shopper.organization_id
                      AND EXISTS (SELECT FROM admissions WHERE guest_id IS NOT NULL)
                    UNION ALL
                   SELECT coalesce(guest_id, consumer_id) FROM admissions
                    WHERE consumer_id = shopper.consumer_id
                      AND organization_id = shopper.organization_id) AS linked
        ), limited AS MATERIALIZED (
            SELECT organization_id
              FROM (SELECT DISTINCT organization_id FROM shopper) AS named
             WHERE EXISTS (
                   SELECT FROM policies AS policy
                    WHERE policy.organization_id = named.organization_id
                      AND coalesce(document ->> 'units_per_sku_max',
                                   document ->> 'units_per_experience_max',
                                   document ->> 'open_holds_max') IS NOT NULL)
        )
        SELECT organization_id, consumer_id,
               CASE WHEN is_limited THEN pg_advisory_xact_lock($7, number)::text END
          FROM (SELECT organization_id, consumer_id,
                       hashtext(organization_id || ' ' || consumer_id) & ($8 - 1) AS number,
                       organization_id IN (SELECT organization_id FROM limited) AS is_limited
                  FROM shopper
                 ORDER BY number) AS sorted
        """,
        *text_columns(consumers, 2),
        *text_columns(admissions, 2),
        *text_columns(tokens, 2),
        _LOCK_CLASS,
        _LOCKS,
    )
    return {(organization_id, consumer_id) for organization_id, consumer_id, _ in rows}
