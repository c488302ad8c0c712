"""Arrays as text, read by Postgres itself."""

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
