"""What the tables have of one admission, and where an id that somebody has in hand leads."""

from typing import Final, NamedTuple
from uuid import UUID

from db.connect import Connection
from db.explain_shoppers import OF_TOKEN, waiting_of
from db.pools import PoolShown, show_pools
from db.rows import admission_of, reservation_of
from db.stock import StockShown, show_stock
from schemas.reservation import Admission, AdmissionKey, EarlyFact, Reservation

_ROWS_MAX: Final = 10_000


class Rows(NamedTuple):
    """An admission as it is now, its lines, and the stock of these."""

    admission: Admission
    reservations: list[Reservation]
    waiting: list[EarlyFact]  # of the same shopper; which admission they are about is open
    stock: list[StockShown]
    pools: list[PoolShown]


async def find_admissions(connection: Connection, id_: str) -> list[AdmissionKey]:
    """Find the admissions that an id may mean: its own, its token's, or a reservation's of it.

    The organizations are looked up one by one, for every index of admission ids begins with them.
    """
    rows = await connection.fetch(
        """
        WITH RECURSIVE organizations AS (
            SELECT min(organization_id) AS organization_id FROM admissions
             UNION ALL
            SELECT (SELECT min(next.organization_id) FROM admissions AS next
                     WHERE next.organization_id > last.organization_id)
              FROM organizations AS last
             WHERE last.organization_id IS NOT NULL
        )
        SELECT organization_id, admission_id
          FROM organizations JOIN admissions USING (organization_id)
         WHERE admission_id = $1
         UNION
        SELECT organization_id, admission_id FROM admissions WHERE also_id = $1
         UNION
        SELECT organization_id, admission_id FROM admissions WHERE token_digest = $2
         UNION
        SELECT organization_id, admission_id FROM reservations WHERE id = $3
         ORDER BY organization_id, admission_id
        """,
        id_,
        id_.removeprefix(OF_TOKEN) if id_.startswith(OF_TOKEN) else None,
        _uuid_or_none(id_),
    )
    return [AdmissionKey(*row) for row in rows]


async def load_rows(connection: Connection, key: AdmissionKey) -> Rows:
    """Give all that is there of an admission."""
    admission = await connection.fetchrow(
        "SELECT * FROM admissions WHERE organization_id = $1 AND admission_id = $2", *key
    )
    assert admission is not None
    reservations = await connection.fetch(
        """
        SELECT * FROM reservations
         WHERE organization_id = $1 AND admission_id = $2
         ORDER BY created_at, product_id, variant_id
        """,
        *key,
    )
    known, lines = admission_of(admission), [reservation_of(row) for row in reservations]
    return Rows(
        known,
        lines,
        await waiting_of(connection, known),
        await _stock_of(connection, lines),
        await _pools_of(connection, lines),
    )


async def _stock_of(connection: Connection, lines: list[Reservation]) -> list[StockShown]:
    wanted = dict.fromkeys(line.stock_key for line in lines)
    found = [
        shown
        for organization_id, product_id in dict.fromkeys(key[:2] for key in wanted)
        for shown in await show_stock(
            connection, organization_id=organization_id, product_id=product_id, limit=_ROWS_MAX
        )
    ]
    return [shown for shown in found if shown[:3] in wanted]


async def _pools_of(connection: Connection, lines: list[Reservation]) -> list[PoolShown]:
    wanted = dict.fromkeys(line.pool_key for line in lines if line.strategy == "pool")
    found = [
        shown
        for organization_id, experience_id, product_id in dict.fromkeys(key[:3] for key in wanted)
        for shown in await show_pools(
            connection,
            organization_id=organization_id,
            experience_id=experience_id,
            product_id=product_id,
            limit=_ROWS_MAX,
        )
    ]
    return [shown for shown in found if shown[:4] in wanted]


def _uuid_or_none(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
