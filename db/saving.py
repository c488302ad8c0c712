"""Changes into rows: new rows by COPY, changed rows by one UPDATE a table."""

from collections.abc import Collection, Sequence
from typing import Any
from uuid import UUID

from db.connect import Connection
from schemas.reservation import Admission, EarlyFact, Reservation
from schemas.stock import Pool, StockLine


async def add_admissions(connection: Connection, admissions: Collection[Admission]) -> None:
    """Write new admissions.

    Raises UniqueViolationError where another lane has written one of them since it was looked
    for: the batch is then decided anew.
    """
    await _copy(
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
        *_columns([(*a.key, a.completed_at, a.order_id, a.ended_at, a.end) for a in admissions], 6),
    )


async def add_reservations(connection: Connection, reservations: Collection[Reservation]) -> None:
    """Write new reservations."""
    await _copy(
        connection,
        "reservations",
        "id lane organization_id admission_id experience_id product_id variant_id quantity"
        " strategy status expires_at created_at ended_at reason order_id late",
        [
            (
                r.id,
                r.lane,
                *r.admission_key,
                r.experience_id,
                r.product_id,
                r.variant_id,
                r.quantity,
                r.strategy,
                r.status,
                r.expires_at,
                r.created_at,
                r.ended_at,
                r.reason,
                r.order_id,
                r.late,
            )
            for r in reservations
        ],
    )


async def update_reservations(
    connection: Connection, reservations: Collection[Reservation]
) -> None:
    """Write what became of reservations."""
    await connection.execute(
        """
        UPDATE reservations AS saved
           SET quantity = new.quantity, strategy = new.strategy, status = new.status,
               ended_at = new.ended_at, reason = new.reason, order_id = new.order_id,
               late = new.late
          FROM unnest($1::uuid[], $2::bigint[], $3::text[], $4::text[], $5::timestamptz[],
                      $6::text[], $7::text[], $8::bool[])
            AS new (id, quantity, strategy, status, ended_at, reason, order_id, late)
         WHERE saved.id = new.id
        """,
        *_columns(
            [
                (r.id, r.quantity, r.strategy, r.status, r.ended_at, r.reason, r.order_id, r.late)
                for r in reservations
            ],
            8,
        ),
    )


async def update_stock(connection: Connection, lines: Collection[StockLine]) -> None:
    """Write the counters of stock lines, which this transaction has locked.

    Raises CheckViolationError where a rule has oversold a line: the second wall, and a bug.
    """
    await connection.execute(
        """
        UPDATE stock_lines AS saved
           SET on_hand = new.on_hand, reserved = new.reserved,
               allocated = new.allocated, sold = new.sold
          FROM unnest($1::text[], $2::text[], $3::text[], $4::bigint[], $5::bigint[],
                      $6::bigint[], $7::bigint[])
            AS new (organization_id, product_id, variant_id, on_hand, reserved, allocated, sold)
         WHERE saved.organization_id = new.organization_id
           AND saved.product_id = new.product_id AND saved.variant_id = new.variant_id
        """,
        *_columns([(*s.key, s.on_hand, s.reserved, s.allocated, s.sold) for s in lines], 7),
    )


async def update_pools(connection: Connection, pools: Collection[Pool]) -> None:
    """Write the counters of pools, which this transaction has locked."""
    await connection.execute(
        """
        UPDATE pools AS saved
           SET available = new.available, allocated = new.allocated
          FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::bigint[], $6::bigint[])
            AS new (organization_id, experience_id, product_id, variant_id, available, allocated)
         WHERE saved.organization_id = new.organization_id
           AND saved.experience_id = new.experience_id
           AND saved.product_id = new.product_id AND saved.variant_id = new.variant_id
        """,
        *_columns([(*p.key, p.available, p.allocated) for p in pools], 6),
    )


async def add_facts(connection: Connection, facts: Collection[EarlyFact]) -> None:
    """Keep early facts until their admissions come."""
    await _copy(
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
        *_columns([(f.id, f.retry_at) for f in facts], 2),
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


async def _copy(
    connection: Connection, table: str, columns: str, rows: Sequence[tuple[Any, ...]]
) -> None:
    await connection.copy_records_to_table(table, columns=columns.split(), records=rows)


def _columns(rows: Sequence[tuple[Any, ...]], width: int) -> list[list[Any]]:
    return [[row[i] for row in rows] for i in range(width)]
