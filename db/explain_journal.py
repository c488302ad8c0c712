"""What the journal tells of an admission."""

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Final, NamedTuple

from asyncpg import Record
from pydantic_core import to_json

from db.connect import Connection
from db.explain_spans import Span, read
from db.importing import Progress, silent
from schemas.outcomes import Outcome, read_outcome
from schemas.reservation import AdmissionKey

# The types of outcomes that may be of no admission.
STRAYS: Final = ["%.ambiguous", "%.orphaned"]


class Told(NamedTuple):
    """An outcome, and when it was decided."""

    written_at: datetime
    outcome: Outcome

    @property
    def place(self) -> tuple[datetime, int, int]:
        """Give its place among all outcomes."""
        return self.written_at, self.outcome.lane, self.outcome.sequence


async def outcomes_of(
    connection: Connection,
    spans: Iterable[Span],
    key: AdmissionKey,
    also_id: str | None,
    shoppers: Collection[str],
    on_progress: Progress = silent,
) -> list[Told]:
    """Give the outcomes of an admission, and those of its shoppers' events that fitted several."""
    parts = read(
        connection,
        spans,
        """
        WITH entry AS MATERIALIZED (
            SELECT written_at, id, type, value
              FROM journal
             WHERE lane = $1 AND stream = 'outcomes' AND sequence >= $2 AND sequence < $3
               AND key = ANY($4::bytea[])
        )
        SELECT written_at, id, value
          FROM entry
         CROSS JOIN LATERAL jsonb_to_record(convert_from(value, 'UTF8')::jsonb)
            AS body ("organizationId" text, "admissionId" text)
         WHERE body."organizationId" = $5
           AND (body."admissionId" = ANY($6::text[])
                OR body."admissionId" IS NULL AND type LIKE ANY($7::text[]))
        """,
        [shopper.encode() for shopper in shoppers],
        key.organization_id,
        [key.admission_id, also_id],
        STRAYS,
        on_progress=on_progress,
    )
    told = [_told(row) async for rows in parts for row in rows]
    return sorted(told, key=lambda one: one.place)


async def strays_of(
    connection: Connection,
    spans: Iterable[Span],
    admission_id: str,
    on_progress: Progress = silent,
) -> list[Told]:
    """Give the outcomes of events whose admission never came."""
    parts = read(
        connection,
        spans,
        """
        SELECT written_at, id, value
          FROM journal
         WHERE lane = $1 AND stream = 'outcomes' AND sequence >= $2 AND sequence < $3
           AND type LIKE ANY($4::text[]) AND position($5 IN value) > 0
        """,
        STRAYS,
        to_json(admission_id),
        on_progress=on_progress,
    )
    told = [_told(row) async for rows in parts for row in rows]
    own = (one for one in told if one.outcome.admission_id == admission_id)
    return sorted(own, key=lambda one: one.place)


def _told(row: Record) -> Told:
    return Told(row["written_at"], read_outcome(row["id"], row["value"]))
