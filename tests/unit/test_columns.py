"""Arrays as text: of whatever a shop's ids are made, Postgres' own grammar reads them back."""

import re
from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from db.columns import text_columns

texts = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))


def read(array: str) -> list[str | None]:
    """Read an array literal, all texts quoted. Source: Postgres' manual, "Array Input"."""
    assert array[0] + array[-1] == "{}"
    found = re.findall(r'(?:"((?:[^"\\]|\\.)*)"|(NULL|null))(?:,|$)', array[1:-1], re.DOTALL)
    texts = [re.sub(r"\\(.)", r"\1", text, flags=re.DOTALL) for text, _ in found]
    return [None if null else text for text, (_, null) in zip(texts, found, strict=True)]


@given(st.lists(st.tuples(texts, texts | st.none())))
def test_columns_are_read_as_they_were(rows: Sequence[tuple[str, str | None]]) -> None:
    first, second = text_columns(rows, 2)

    assert [*zip(read(first), read(second), strict=True)] == list(rows)


def test_without_rows_there_are_as_many_columns() -> None:
    assert text_columns([], 3) == ["{}", "{}", "{}"]
