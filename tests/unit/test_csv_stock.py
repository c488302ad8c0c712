from collections.abc import Sequence

import pytest

from db.stock_import import StockRow
from service.admin.problems import BadFile
from service.admin.stock_file import read_stock, stock_row

HEADER = "organization_id,product_id,variant_id,on_hand\n"


def read(text: str) -> list[StockRow]:
    return read_stock("stock.csv", text.encode())


def problems(text: str | bytes) -> Sequence[str]:
    with pytest.raises(BadFile) as raised:
        read_stock("stock.csv", text.encode() if isinstance(text, str) else text)
    return raised.value.problems


def test_line_becomes_row_with_its_number() -> None:
    rows = read(HEADER + "org_1,moon-lamp,red,12\norg_1,moon-lamp,,untracked\n")

    assert rows == [
        StockRow(2, "org_1", "moon-lamp", "red", 12),
        StockRow(3, "org_1", "moon-lamp", "", None),
    ]


def test_columns_come_in_any_order() -> None:
    rows = read("on_hand,variant_id,organization_id,product_id\n7,red,org_1,moon-lamp\n")

    assert rows == [StockRow(2, "org_1", "moon-lamp", "red", 7)]


def test_byte_order_mark_and_windows_line_ends_are_read() -> None:
    data = b"\xef\xbb\xbf" + (HEADER + "org_1,moon-lamp,,5\n").replace("\n", "\r\n").encode()

    assert read_stock("stock.csv", data) == [StockRow(2, "org_1", "moon-lamp", "", 5)]


def test_line_is_that_of_the_text_after_quoted_and_empty_lines() -> None:
    rows = read(HEADER + '\n"org\n1",moon-lamp,,5\n\norg_2,moon-lamp,,6\n')

    assert [(row.line, row.organization_id) for row in rows] == [(3, "org\n1"), (6, "org_2")]


def test_file_without_lines_is_no_error() -> None:
    assert read(HEADER) == []


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("org_1,lamp,,-1", "stock.csv:2:on_hand: '-1' is not a number of units"),
        ("org_1,lamp,,1.5", "stock.csv:2:on_hand: '1.5' is not a number of units"),
        ("org_1,lamp,,1_000", "stock.csv:2:on_hand: '1_000' is not a number of units"),
        ("org_1,lamp,,", "stock.csv:2:on_hand: '' is not a number of units"),
        ("org_1,lamp,,1000000000001", "expected 0 to 1000000000000, or 'untracked'"),
        (",lamp,,1", "stock.csv:2:organization_id: empty; expected an id"),
        ("org_1,,,1", "stock.csv:2:product_id: empty; expected an id"),
        ("org_1,la\0mp,,1", "stock.csv:2:product_id: a NUL character"),
        ("org_1,lamp, red,1", "stock.csv:2:variant_id: ' red' has a space"),
        ("org_1,lamp,1", "stock.csv:2: 3 fields; expected 4"),
        ('org_1,"lamp,,1', "stock.csv:2: not CSV: "),
    ],
)
def test_bad_field_names_its_line_and_column(line: str, problem: str) -> None:
    (found,) = problems(HEADER + line + "\n")

    assert problem in found


def test_largest_number_is_read() -> None:
    assert read(HEADER + "org_1,lamp,,1000000000000\n")[0].on_hand == 10**12


def test_same_key_twice_names_both_lines() -> None:
    found = problems(HEADER + "org_1,lamp,,1\norg_1,chair,,1\norg_1,lamp,,2\n")

    assert found == [
        "stock.csv:4:variant_id: the same organization_id, product_id, variant_id as in line 2; "
        "expected each once"
    ]


def test_unknown_and_missing_columns_are_named() -> None:
    assert problems("organization_id,product_id,variant,on_hand\n") == [
        "stock.csv:1: unknown column 'variant'; did you mean 'variant_id'?",
        "stock.csv:1: column 'variant_id' is missing; "
        "expected organization_id,product_id,variant_id,on_hand",
    ]


@pytest.mark.parametrize("other", [";", "\t", "|"])
def test_another_separator_is_named_once(other: str) -> None:
    assert problems(HEADER.replace(",", other) + f"org_1{other}lamp{other}{other}1\n") == [
        f"stock.csv:1: columns are parted by {other!r}; expected ','"
    ]


def test_column_that_is_there_twice_is_refused() -> None:
    assert "stock.csv:1: column 'on_hand' is there twice" in problems(
        HEADER.replace("\n", ",on_hand\n")
    )


def test_empty_file_says_what_is_expected() -> None:
    assert problems("") == [
        "stock.csv: empty; expected a header: organization_id,product_id,variant_id,on_hand"
    ]


def test_other_encoding_names_its_line() -> None:
    assert problems(HEADER.encode() + b"org_1,lamp\xe9,,1\n") == [
        "stock.csv:2: byte 0xe9 is not UTF-8; save the file as UTF-8"
    ]


def test_all_problems_are_told_at_once_up_to_twenty() -> None:
    three = problems(HEADER + "org_1,lamp,,x\norg_1,chair,,1\n,lamp,,y\n")
    many = problems(HEADER + "org_1,lamp,,x\n" * 1000)

    assert [found.rpartition(": ")[0].split(":")[1] for found in three] == ["2", "4", "4"]
    assert len(many) == 21
    assert many[-1] == "and perhaps more: 20 problems are shown"


def test_one_line_is_read_as_those_of_a_file() -> None:
    assert stock_row("org_1", "lamp", "", "untracked") == StockRow(1, "org_1", "lamp", "", None)
    with pytest.raises(BadFile) as raised:
        stock_row("org_1", "", "red", "many")
    assert raised.value.problems == [
        "product_id: empty; expected an id",
        "on_hand: 'many' is not a number of units; expected 0 to 1000000000000, or 'untracked'",
    ]
