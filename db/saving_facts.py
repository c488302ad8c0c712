"""Early facts into rows."""

from collections.abc import Collection
from uuid import UUID

from db.columns import columns, copy
from db.connect import Connection
from schemas.reservation import EarlyFact


async def add_facts(connection: Connection, facts: Collection[EarlyFact]) -> None:
    """Keep early facts until their admissions come."""
    await copy(
        connection,
        "early_facts",
        "id lane organization_id consumer_id document topic partition offset line traceparent"
        " retry_at expires_at",
        [
            (
                f.id,
                f.lane,
                f.fact.organization_id,
                f.fact.consumer_id,
                f.fact.model_dump_json(exclude_defaults=True),
                f.topic,
                f.partition,
                f.offset,
                f.line,
                f.traceparent,
                f.retry_at,
                f.expires_at,
            )
            for f in facts
        ],
    )


async def retry_facts(connection: Connection, facts: Collection[EarlyFact]) -> None:
    """Note when to try early facts again."""
    await connection.execute(
        """
        UPDATE early_facts AS saved SET retry_at = new.retry_at
          FROM unnest($1::uuid[], $2::timestamptz[]) AS new (id, retry_at)
         WHERE saved.id = new.id
        """,
        *columns([(f.id, f.retry_at) for f in facts], 2),
    )


async def end_facts(connection: Connection, ids: Collection[UUID]) -> None:
    """Forget early facts that were applied or given up."""
    await connection.execute(
        """
        DELETE FROM early_facts USING unnest($1::uuid[]) AS gone (id)
         WHERE early_facts.id = gone.id
        """,
        list(ids),
    )
