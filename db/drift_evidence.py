"""What else there is to say of stock lines that have drifted: rows that fit, and rows that lie."""

from collections.abc import Collection, Sequence
from typing import NamedTuple
from uuid import UUID

from db.columns import columns
from db.connect import Connection
from db.verify_states import CONTRADICTIONS
from schemas.stock import StockKey


class Like(NamedTuple):
    """A kind of reservation that is looked for: of a line, in this state, of so many units."""

    key: StockKey
    strategy: str
    status: str
    quantity: int


class WrongMark(NamedTuple):
    """A hold that cannot be at risk as it is marked."""

    id: UUID
    key: StockKey


class Contradiction(NamedTuple):
    """A reservation that is not what the journal says of it, in words."""

    id: UUID
    key: StockKey
    problem: str


async def find_like(connection: Connection, wanted: Sequence[Like]) -> list[UUID | None]:
    """Give for each kind the one reservation that there is of it; None for none or several."""
    rows = await connection.fetch(
        """
        SELECT n, min(r.id::text)
          FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::bigint[])
               WITH ORDINALITY
            AS kind (organization_id, product_id, variant_id, strategy, status, quantity, n)
          JOIN reservations r
         USING (organization_id, product_id, variant_id, strategy, status, quantity)
         GROUP BY n
        HAVING count(*) = 1
        """,
        *columns([(*one.key, *one[1:]) for one in wanted], 6),
    )
    found = {n: UUID(id_) for n, id_ in rows}
    return [found.get(n) for n in range(1, len(wanted) + 1)]


async def wrong_marks(connection: Connection) -> list[WrongMark]:
    """Give the holds that are at risk for more than they have, or after their end."""
    rows = await connection.fetch(
        """
        SELECT id, organization_id, product_id, variant_id
          FROM reservations
         WHERE at_risk NOT BETWEEN 0 AND quantity
            OR status <> 'active' AND (at_risk <> 0 OR warned)
         ORDER BY id
        """
    )
    return [WrongMark(id_, StockKey(*key)) for id_, *key in rows]


async def count_holds(connection: Connection) -> tuple[int, int]:
    """Give the active holds that the lanes count together, and the active reservations."""
    noted, active = await connection.fetchrow(  # type: ignore[misc] # it always has its row
        """
        SELECT (SELECT coalesce(sum(holds_active), 0)::bigint FROM lanes),
               (SELECT count(*) FROM reservations WHERE status = 'active')
        """
    )
    return noted, active


async def contradictions(
    connection: Connection, keys: Collection[StockKey], timeout_seconds: float
) -> list[Contradiction]:
    """Give the reservations of these lines that the journal contradicts.

    Reads the whole journal. Raises DataError where an outcome in it cannot be read.
    """
    rows = await connection.fetch(CONTRADICTIONS, *columns(keys, 3), timeout=timeout_seconds)
    return [Contradiction(row["id"], StockKey(*tuple(row)[1:4]), row["problem"]) for row in rows]
