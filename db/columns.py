"""Many rows in one statement: as arrays for unnest, or by COPY."""

from collections.abc import Collection
from typing import Any

from db.connect import Connection


def columns(rows: Collection[tuple[Any, ...]], width: int) -> list[list[Any]]:
    """Turn rows into columns. `width` counts them also where there is no row."""
    return [[row[i] for row in rows] for i in range(width)]


async def copy(
    connection: Connection, table: str, names: str, rows: Collection[tuple[Any, ...]]
) -> None:
    """Add rows to a table; `names` are its columns, parted by spaces."""
    await connection.copy_records_to_table(table, columns=names.split(), records=rows)
