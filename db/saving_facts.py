"""Early facts into rows."""

from collections.abc import Collection
from uuid import UUID

from db.columns import copy, text_columns
from db.connect import Connection
from schemas.facts import pack
from schemas.reservation import EarlyFact


async def add_facts(connection: Connection, facts: Collection[EarlyFact]) -> None:
    """Keep early facts until their admissions come."""
    await copy(
        connection,
        "early_facts",
        "id lane organization_id consumer_id document retry_at expires_at",
        [
            (
                early.id,
                early.lane,
                early.known.fact.organization_id,
                early.known.fact.consumer_id,
                pack([early.known]),
                early.retry_at,
                early.expires_at,
            )
            for early in facts
        ],
    )


async def update_facts(connection: Connection, facts: Collection[EarlyFact]) -> None:
    """Write what was said of early facts, and when to try them again."""
    await connection.execute(
        """
        UPDATE early_facts AS saved
           SET document = new.document, retry_at = new.retry_at, expires_at = new.expires_at
          FROM unnest($1::text::uuid[], $2::text::text[], $3::text::timestamptz[],
                      $4::text::timestamptz[])
            AS new (id, document, retry_at, expires_at)
         WHERE saved.id = new.id
        """,
        *text_columns(
            [(one.id, pack([one.known]), one.retry_at, one.expires_at) for one in facts], 4
        ),
    )


async def end_facts(connection: Connection, ids: Collection[UUID]) -> None:
    """Forget early facts that were applied or given up."""
    await connection.execute(
        """
        DELETE FROM early_facts USING unnest($1::text::uuid[]) AS gone (id)
         WHERE early_facts.id = gone.id
        """,
        *text_columns([(one,) for one in ids], 1),
    )
