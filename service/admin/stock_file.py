"""The file of `reservations stock import`: units brought in altogether, per stock line."""

from typing import Final

from db.stock_import import StockRow
from service.admin.csv_file import CsvReader, Parser, Progress, an_id, an_id_or_empty, units
from service.admin.problems import Problems

UNTRACKED: Final = "untracked"


def _units_or_untracked(field: str) -> int | None:
    if field.strip() == UNTRACKED:
        return None
    try:
        return units(field)
    except ValueError as error:
        raise ValueError(f"{error}, or '{UNTRACKED}'") from None


_COLUMNS: Final[dict[str, Parser]] = {
    "organization_id": an_id,
    "product_id": an_id,
    "variant_id": an_id_or_empty,  # "" for a product without variants
    "on_hand": _units_or_untracked,
}
_KEY: Final = ("organization_id", "product_id", "variant_id")


def read_stock(source: str, data: bytes, progress: Progress = lambda done: None) -> list[StockRow]:
    """Read a stock file; raises BadFile."""
    return [StockRow(*row) for row in CsvReader(source, _COLUMNS, _KEY).read(data, progress)]


def stock_row(
    organization_id: str, product_id: str, variant_id: str, on_hand: str, line: int = 1
) -> StockRow:
    """Read one stock line that is given by itself; raises BadFile with what is wrong."""
    problems, values = Problems(), []
    given = (organization_id, product_id, variant_id, on_hand)
    for (column, parse), field in zip(_COLUMNS.items(), given, strict=True):
        try:
            values.append(parse(field))
        except ValueError as error:
            problems.add(column, str(error))
    problems.raise_if_any()
    return StockRow(line, *values)
