"""Policies of experiences: imported, shown, and loaded for a batch.

Kept is what the operator wrote, without the defaults, so that a version with a better default
gives it to all who did not choose.
"""

from collections.abc import Sequence
from typing import NamedTuple

from db.connect import Connection
from db.importing import CHANGES_SHOWN_MAX, Change, Imported, wait_for_other_imports
from schemas.policy import Policy


class PolicyRow(NamedTuple):
    """The policy of one experience."""

    organization_id: str
    experience_id: str
    policy: Policy

    @property
    def key(self) -> tuple[str, str]:
        """Name the experience."""
        return self.organization_id, self.experience_id


async def load_policies(
    connection: Connection, keys: Sequence[tuple[str, str]]
) -> dict[tuple[str, str], Policy]:
    """Load the policies of experiences, by organization id and experience id.

    An experience without a policy is not in the answer.
    """
    found = await connection.fetch(
        """
        SELECT p.organization_id, p.experience_id, p.document
          FROM unnest($1::text[], $2::text[]) AS k (organization_id, experience_id)
          JOIN policies p USING (organization_id, experience_id)
        """,
        [organization_id for organization_id, _ in keys],
        [experience_id for _, experience_id in keys],
    )
    return {(row[0], row[1]): Policy.model_validate_json(row[2]) for row in found}


async def import_policies(
    connection: Connection, rows: Sequence[PolicyRow], *, dry_run: bool = False
) -> Imported:
    """Replace the policies that the file names; others stay. Active holds keep their end."""
    async with connection.transaction():
        if not dry_run:
            await wait_for_other_imports(connection)
        before = await load_policies(connection, [row.key for row in rows])
        differing = [row for row in rows if _document(before.get(row.key)) != _document(row.policy)]
        if differing and not dry_run:
            await _save(connection, differing)
    return _summarise(rows, before, differing)


async def _save(connection: Connection, rows: Sequence[PolicyRow]) -> None:
    """Insert or replace policies."""
    await connection.execute(
        """
        INSERT INTO policies (organization_id, experience_id, document)
        SELECT * FROM unnest($1::text[], $2::text[], $3::jsonb[])
            ON CONFLICT (organization_id, experience_id) DO UPDATE SET document = excluded.document
        """,
        [row.organization_id for row in rows],
        [row.experience_id for row in rows],
        [_document(row.policy) for row in rows],
    )


async def show_policies(
    connection: Connection,
    *,
    organization_id: str | None = None,
    experience_id: str | None = None,
    limit: int = 50,
    offset: int = 0,
) -> list[PolicyRow]:
    """Give the policies of all organizations and experiences, or of one, in key order."""
    found = await connection.fetch(
        """
        SELECT organization_id, experience_id, document
          FROM policies
         WHERE ($1::text IS NULL OR organization_id = $1)
           AND ($2::text IS NULL OR experience_id = $2)
         ORDER BY organization_id, experience_id
         LIMIT $3 OFFSET $4
        """,
        organization_id,
        experience_id,
        limit,
        offset,
    )
    return [PolicyRow(row[0], row[1], Policy.model_validate_json(row[2])) for row in found]


def _document(policy: Policy | None) -> str | None:
    return None if policy is None else policy.model_dump_json(exclude_unset=True)


def _summarise(
    rows: Sequence[PolicyRow],
    before: dict[tuple[str, str], Policy],
    differing: Sequence[PolicyRow],
) -> Imported:
    """Count what an import did, or would do."""
    new = sum(row.key not in before for row in differing)
    changes = [
        Change(row.key, _document(before.get(row.key)), str(_document(row.policy)))
        for row in differing[:CHANGES_SHOWN_MAX]
    ]
    unchanged = len(rows) - len(differing)
    return Imported(new, len(differing) - new, unchanged, units=0, changes=tuple(changes))
