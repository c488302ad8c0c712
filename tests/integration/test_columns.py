"""Arrays as text, read by Postgres itself."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from db.columns import text_columns
from db.connect import Connection
from tests.unit.records import ODD_IDS

ODD = [*ODD_IDS, "", "NULL", "{}", ",", '"', "\\", '\\"', "{a,b}", "a,b", " a ", "\t", "x" * 9000]


@pytest.mark.parametrize("rows", [[], [("a", "b")], [(odd, odd[::-1]) for odd in ODD]], ids=len)
async def test_postgres_reads_columns_as_they_were(
    db: Connection, rows: list[tuple[str, str]]
) -> None:
    found = await db.fetch(
        "SELECT a, b FROM unnest($1::text::text[], $2::text::text[]) AS rows (a, b)",
        *text_columns(rows, 2),
    )

    assert [tuple(row) for row in found] == rows


BEGAN = datetime(2026, 5, 1, 10, 0, 0, 123456, tzinfo=UTC)
Row = tuple[UUID | None, int | None, datetime | None, bool | None, str | None]
EMPTY: Row = (None, None, None, None, None)
VALUES: list[Row] = [
    (UUID(int=n), n * 2**40 - 7, BEGAN + timedelta(days=n * 1000), n % 2 == 0, odd)
    for n, odd in enumerate(ODD)
]


@pytest.mark.parametrize(
    "rows",
    [
        [],
        VALUES,
        [EMPTY],
        [EMPTY, *VALUES],
        [*VALUES, EMPTY],
        [(None, 1, None, True, "NULL"), EMPTY],
    ],
    ids=len,
)
async def test_postgres_reads_columns_of_every_kind(db: Connection, rows: list[Row]) -> None:
    found = await db.fetch(
        """
        SELECT * FROM unnest($1::text::uuid[], $2::text::bigint[], $3::text::timestamptz[],
                             $4::text::boolean[], $5::text::text[]) AS rows (a, b, c, d, e)
        """,
        *text_columns(rows, 5),
    )

    assert [tuple(row) for row in found] == rows
