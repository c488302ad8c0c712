"""CSV as spreadsheets and databases write it: UTF-8 with or without a mark, any line end.

A problem names its place as file:line:column, the line being the first of its record.
"""

import csv
import io
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

from service.admin.problems import BadFile, Problems, did_you_mean, utf8_text

UNITS_MAX: Final = 10**12

# Spreadsheets of some countries write the first, where the comma is in numbers.
_OTHER_SEPARATOR: Final = re.compile(r"[;\t|]")

# Turns a field into its value, or raises ValueError saying what is wrong and what is expected.
Parser = Callable[[str], Any]

# Is told the number of records read so far.
Progress = Callable[[int], None]


class CsvReader:
    """Reads records as tuples: the line, then the values of ``columns`` in their order here.

    ``source`` names the file in problems. ``key`` names the columns that no two records share.
    """

    def __init__(self, source: str, columns: Mapping[str, Parser], key: Sequence[str]) -> None:
        self._source = source
        self._columns = columns
        self._key = key
        self._problems = Problems()

    def read(self, data: bytes, progress: Progress = lambda done: None) -> list[tuple[Any, ...]]:
        """Read all records. Raises BadFile with all problems, up to a limit."""
        records = self._records(utf8_text(self._source, data))
        _, header = next(records, (1, []))
        fields_at = self._check_header([name.strip() for name in header])
        rows = []
        for done, (line, fields) in enumerate(records):
            if done % 10_000 == 0:
                progress(done)
            if len(fields) != len(header):
                found = f"{len(fields)} fields; expected {len(header)}, as in the header"
                self._problems.add(f"{self._source}:{line}", found)
            elif (values := self._values(line, [fields[at] for at in fields_at])) is not None:
                rows.append((line, *values))
        self._check_keys(rows)
        self._problems.raise_if_any()
        return rows

    def _records(self, text: str) -> Iterator[tuple[int, list[str]]]:
        """Give each record with its first line; empty lines are passed over."""
        reader = csv.reader(io.StringIO(text, newline=""), strict=True)
        line = 1
        try:
            for fields in reader:
                if fields:
                    yield line, fields
                line = reader.line_num + 1
        except csv.Error as error:
            raise BadFile([f"{self._source}:{line}: not CSV: {error}"]) from None

    def _check_header(self, header: list[str]) -> list[int]:
        """Find the place of each column, in any order; all must be there, once, and no other."""
        if not header:
            raise BadFile([f"{self._source}: empty; expected a header: {','.join(self._columns)}"])
        if len(header) == 1 and (other := _OTHER_SEPARATOR.search(header[0])):
            found = f"columns are parted by {other.group()!r}; expected ','"
            raise BadFile([f"{self._source}:1: {found}"])
        for name in header:
            if name not in self._columns:
                found = f"unknown column '{name}'; {did_you_mean(name, self._columns)}"
                self._problems.add(f"{self._source}:1", found)
            elif header.count(name) > 1:
                self._problems.add(f"{self._source}:1", f"column '{name}' is there twice")
        for name in self._columns:
            if name not in header:
                found = f"column '{name}' is missing; expected {','.join(self._columns)}"
                self._problems.add(f"{self._source}:1", found)
        self._problems.raise_if_any()
        return [header.index(name) for name in self._columns]

    def _values(self, line: int, fields: list[str]) -> list[Any] | None:
        """Read the fields of one record, or note what is wrong with each and give None."""
        values = []
        for (name, parse), field in zip(self._columns.items(), fields, strict=True):
            try:
                values.append(parse(field))
            except ValueError as error:
                self._problems.add(f"{self._source}:{line}:{name}", str(error))
        return values if len(values) == len(fields) else None

    def _check_keys(self, rows: list[tuple[Any, ...]]) -> None:
        """Refuse a key that comes twice: nobody knows which was meant."""
        places = [1 + list(self._columns).index(name) for name in self._key]
        first_lines: dict[tuple[Any, ...], int] = {}
        for row in rows:
            first = first_lines.setdefault(tuple(row[place] for place in places), row[0])
            if first != row[0]:
                found = f"the same {', '.join(self._key)} as in line {first}; expected each once"
                self._problems.add(f"{self._source}:{row[0]}:{self._key[-1]}", found)


def an_id(field: str) -> str:
    """Read an id that may not be empty. Ids are opaque, but spaces around one are a slip."""
    if not field:
        raise ValueError("empty; expected an id")
    return an_id_or_empty(field)


def an_id_or_empty(field: str) -> str:
    """Read an id that may be empty."""
    if "\0" in field:
        raise ValueError("a NUL character; expected text")
    if field != field.strip():
        raise ValueError(f"'{field}' has a space at its begin or end; expected none")
    return field


def units(field: str) -> int:
    """Read a number of units."""
    number = field.strip()
    digits_only = number.isascii() and number.isdigit() and len(number) < 100
    if not digits_only or int(number) > UNITS_MAX:
        raise ValueError(f"'{field}' is not a number of units; expected 0 to {UNITS_MAX}")
    return int(number)
