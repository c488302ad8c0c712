"""Admissions into rows."""

from collections.abc import Collection
from typing import Any

from db.columns import columns, copy
from db.connect import Connection
from schemas.facts import pack
from schemas.reservation import Admission


async def add_admissions(connection: Connection, admissions: Collection[Admission]) -> None:
    """Write new admissions.

    Raises UniqueViolationError where another lane has written one of them since it was looked
    for: the batch is then decided anew.
    """
    await copy(
        connection,
        "admissions",
        "organization_id admission_id consumer_id guest_id also_id token_digest experience_id"
        " distribution_id distribution_type admitted_at window_ends_at expires_at facts cart_mark"
        " sale_mark outcomes policy lane",
        [(*_row(admission), admission.lane) for admission in admissions],
    )


async def update_admissions(connection: Connection, admissions: Collection[Admission]) -> None:
    """Write what became of admissions. Columns that keep their value keep their index entries."""
    await connection.execute(
        """
        UPDATE admissions AS saved
           SET consumer_id = new.consumer_id, guest_id = new.guest_id, also_id = new.also_id,
               token_digest = new.token_digest, experience_id = new.experience_id,
               distribution_id = new.distribution_id, distribution_type = new.distribution_type,
               admitted_at = new.admitted_at, window_ends_at = new.window_ends_at,
               expires_at = new.expires_at, facts = new.facts,
               cart_mark = new.cart_mark, sale_mark = new.sale_mark,
               outcomes = new.outcomes, policy = new.policy
          FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[],
                      $7::text[], $8::text[], $9::text[], $10::timestamptz[],
                      $11::timestamptz[], $12::timestamptz[], $13::text[], $14::text[],
                      $15::text[], $16::int[], $17::text[])
            AS new (organization_id, admission_id, consumer_id, guest_id, also_id, token_digest,
                    experience_id, distribution_id, distribution_type, admitted_at,
                    window_ends_at, expires_at, facts, cart_mark, sale_mark,
                    outcomes, policy)
         WHERE saved.organization_id = new.organization_id
           AND saved.admission_id = new.admission_id
        """,
        *columns([_row(admission) for admission in admissions], 17),
    )


def _row(admission: Admission) -> tuple[Any, ...]:
    """Give all columns but the lane, which stays as it was."""
    return (
        *admission.key,
        admission.consumer_id,
        admission.guest_id,
        admission.also_id,
        admission.token_digest,
        admission.experience_id,
        admission.distribution_id,
        admission.distribution_type,
        admission.admitted_at,
        admission.window_ends_at,
        admission.expires_at,
        pack(admission.facts),
        admission.cart_mark,
        admission.sale_mark,
        admission.outcomes,
        admission.policy.text,
    )
