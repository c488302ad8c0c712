"""Admissions into rows."""

from collections.abc import Collection
from typing import Any

from db.columns import copy, text_columns
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
          FROM unnest($1::text::text[], $2::text::text[], $3::text::text[], $4::text::text[],
                      $5::text::text[], $6::text::text[], $7::text::text[], $8::text::text[],
                      $9::text::text[], $10::text::timestamptz[], $11::text::timestamptz[],
                      $12::text::timestamptz[], $13::text::text[], $14::text::text[],
                      $15::text::text[], $16::text::int[], $17::text::text[])
            AS new (organization_id, admission_id, consumer_id, guest_id, also_id, token_digest,
                    experience_id, distribution_id, distribution_type, admitted_at,
                    window_ends_at, expires_at, facts, cart_mark, sale_mark,
                    outcomes, policy)
         WHERE saved.organization_id = new.organization_id
           AND saved.admission_id = new.admission_id
        """,
        *text_columns([_row(admission) for admission in admissions], 17),
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
