"""The file of `reservations pool fill`: units set aside altogether, per experience."""

from typing import Final

from db.pool_fill import PoolRow
from service.admin.csv_file import CsvReader, Parser, Progress, an_id, an_id_or_empty, units

_COLUMNS: Final[dict[str, Parser]] = {
    "organization_id": an_id,
    "experience_id": an_id,
    "product_id": an_id,
    "variant_id": an_id_or_empty,  # "" for a product without variants
    "units": units,
}
_KEY: Final = ("organization_id", "experience_id", "product_id", "variant_id")


def read_pools(source: str, data: bytes, progress: Progress = lambda done: None) -> list[PoolRow]:
    """Read a pool file; raises BadFile."""
    return [PoolRow(*row) for row in CsvReader(source, _COLUMNS, _KEY).read(data, progress)]
