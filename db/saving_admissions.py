"""Admissions into rows."""

from collections.abc import Collection

from db.columns import columns, copy
from db.connect import Connection
from schemas.reservation import Admission


async def add_admissions(connection: Connection, admissions: Collection[Admission]) -> None:
    """Write new admissions.

    Raises UniqueViolationError where another lane has written one of them since it was looked
    for: the batch is then decided anew.
    """
    await copy(
        connection,
        "admissions",
        "organization_id admission_id lane consumer_id experience_id distribution_id"
        " distribution_type token_digest admitted_at expires_at completed_at order_id"
        " ended_at end_kind",
        [
            (
                *a.key,
                a.lane,
                a.consumer_id,
                a.experience_id,
                a.distribution_id,
                a.distribution_type,
                a.token_digest,
                a.admitted_at,
                a.expires_at,
                a.completed_at,
                a.order_id,
                a.ended_at,
                a.end,
            )
            for a in admissions
        ],
    )


async def update_admissions(connection: Connection, admissions: Collection[Admission]) -> None:
    """Write what became of admissions."""
    await connection.execute(
        """
        UPDATE admissions AS saved
           SET completed_at = new.completed_at, order_id = new.order_id,
               ended_at = new.ended_at, end_kind = new.end_kind
          FROM unnest($1::text[], $2::text[], $3::timestamptz[], $4::text[],
                      $5::timestamptz[], $6::text[])
            AS new (organization_id, admission_id, completed_at, order_id, ended_at, end_kind)
         WHERE saved.organization_id = new.organization_id
           AND saved.admission_id = new.admission_id
        """,
        *columns([(*a.key, a.completed_at, a.order_id, a.ended_at, a.end) for a in admissions], 6),
    )
