"""Admissions that are over, with their reservations, a step at a time, the oldest first."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

from db.columns import columns
from db.connect import Connection
from db.verify_counters import SOLD
from schemas.policy import DEFAULT_POLICY


class Place(NamedTuple):
    """Where a walk through the admissions has come to."""

    admitted_at: datetime
    organization_id: str
    admission_id: str


FRONT: Final = Place(datetime.fromtimestamp(0, UTC), "", "")


@dataclass(slots=True)
class Look:
    """A step of the walk: the keys of what is over, and where to go on; None: it is the end."""

    over: Sequence[tuple[str, str]]
    lines: int  # their reservations
    looked_at: int
    next: Place | None


class Pruned(NamedTuple):
    """How many rows are gone."""

    admissions: int
    reservations: int


# Nothing that happened after the horizon may be about it: no lines that are held or ended since, no
# payment that would be in time ($1: for so many seconds, where its policy does not say), no fact of
# its shopper that waits. Who has bought under a limit of an experience is counted by it for as long
# as it has one. OFFSET 0: else whole tables may be hashed, which looks cheap.
_OVER: Final = """
    admission.expires_at + make_interval(secs => coalesce(
        (admission.policy::json ->> 'late_seconds')::float8, $1::float8)) < horizon.at
    AND NOT EXISTS (
        SELECT FROM reservations AS line
         WHERE line.organization_id = admission.organization_id
           AND line.admission_id = admission.admission_id
           AND (line.status = 'active'
                OR greatest(line.created_at, line.expires_at, line.ended_at) >= horizon.at)
        OFFSET 0)
    AND NOT EXISTS (
        SELECT FROM early_facts AS fact
         WHERE fact.organization_id = admission.organization_id
           AND fact.consumer_id IN (admission.consumer_id, admission.guest_id)
        OFFSET 0)
    AND NOT (
        EXISTS (SELECT FROM policies AS policy
                 WHERE policy.organization_id = admission.organization_id
                   AND policy.experience_id = admission.experience_id
                   AND coalesce(document ->> 'units_per_sku_max',
                                document ->> 'units_per_experience_max') IS NOT NULL
                OFFSET 0)
        AND EXISTS (SELECT FROM reservations AS line
                     WHERE line.organization_id = admission.organization_id
                       AND line.admission_id = admission.admission_id
                       AND line.status = 'converted'
                    OFFSET 0))
"""


async def look_at_admissions(
    connection: Connection, before: datetime, place: Place, limit: int
) -> Look:
    """Look at the next `limit` admissions that began before an instant, and lock none."""
    rows = await connection.fetch(
        f"""
        SELECT admitted_at, organization_id, admission_id, ({_OVER}) AS is_over,
               (SELECT count(*) FROM reservations AS line
                 WHERE line.organization_id = admission.organization_id
                   AND line.admission_id = admission.admission_id) AS lines
          FROM (SELECT $2::timestamptz) AS horizon (at)
         CROSS JOIN LATERAL (
               SELECT * FROM admissions
                WHERE (admitted_at, organization_id, admission_id)
                      > ($3::timestamptz, $4::text, $5::text)
                  AND admitted_at < horizon.at
                ORDER BY admitted_at, organization_id, admission_id
                LIMIT $6) AS admission
         ORDER BY admitted_at, organization_id, admission_id
        """,
        DEFAULT_POLICY.late_seconds,
        before,
        *place,
        limit,
    )
    over = [row for row in rows if row["is_over"]]
    return Look(
        over=[(row["organization_id"], row["admission_id"]) for row in over],
        lines=sum(row["lines"] for row in over),
        looked_at=len(rows),
        next=Place(*rows[-1][:3]) if len(rows) == limit else None,
    )


async def prune_admissions(
    connection: Connection, before: datetime, keys: Sequence[tuple[str, str]]
) -> Pruned:
    """Forget these admissions and their reservations, but what a batch has in hand.

    To be called in a transaction. A batch locks an admission before all that belongs to it, so
    what is over once the locks are ours stays so. What was sold goes on counting. A lane that does
    not refuse what happened before that instant holds all back.
    """
    locked = await connection.fetch(
        """
        SELECT admission.organization_id, admission.admission_id
          FROM unnest($1::text[], $2::text[]) AS key (organization_id, admission_id)
          JOIN admissions AS admission USING (organization_id, admission_id)
           FOR UPDATE OF admission SKIP LOCKED
        """,
        *columns(keys, 2),
    )
    row: Any = await connection.fetchrow(
        f"""
        WITH gone AS (
            DELETE FROM admissions AS admission
             USING unnest($3::text[], $4::text[]) AS key (organization_id, admission_id),
                   (SELECT least($2::timestamptz, min(pruned_before)) FROM lanes) AS horizon (at)
             WHERE admission.organization_id = key.organization_id
               AND admission.admission_id = key.admission_id
               AND {_OVER}
            RETURNING admission.organization_id, admission.admission_id
        ), lines AS (
            DELETE FROM reservations AS line
             USING gone
             WHERE line.organization_id = gone.organization_id
               AND line.admission_id = gone.admission_id
            RETURNING line.*
        ), sold AS (
            INSERT INTO pruned_sales
            SELECT organization_id, product_id, variant_id, experience_id, strategy, sum(quantity)
              FROM lines
             WHERE {SOLD}
             GROUP BY organization_id, product_id, variant_id, experience_id, strategy
             ORDER BY organization_id, product_id, variant_id, experience_id, strategy
                ON CONFLICT (organization_id, product_id, variant_id, experience_id, strategy)
                DO UPDATE SET quantity = pruned_sales.quantity + excluded.quantity
        )
        SELECT (SELECT count(*) FROM gone), (SELECT count(*) FROM lines)
        """,
        DEFAULT_POLICY.late_seconds,
        before,
        *columns([tuple(one) for one in locked], 2),
    )
    return Pruned(*row)
