"""The demo's picture fits the terminal, whatever happens in the sale."""

from datetime import UTC, datetime, timedelta
from io import StringIO

import pytest
from rich.console import Console

from db.views import CartShown, Standing
from service.demo.board import Board, StockNow
from service.demo.sale import create_sale
from service.demo.tally import Said, Tally
from service.demo.view import draw
from service.outcome_reader import Published

NOW = datetime.now(UTC)


@pytest.mark.parametrize(("width", "height"), [(80, 24), (120, 40), (46, 16), (200, 60)])
def test_the_picture_fits_the_terminal(width: int, height: int) -> None:
    lines = picture(busy_board(), width, height)

    assert len(lines) <= height
    assert max(map(len, lines)) <= width


def test_the_picture_of_the_first_moment_fits_too() -> None:
    lines = picture(Board(create_sale(7, 300, 25.0, NOW)), 80, 24)

    assert len(lines) <= 24
    assert "The queue opens: 200 shoppers for 60 moon lamps" in "\n".join(lines)


def test_80_by_24_shows_stock_holds_and_outcomes_whole() -> None:
    drawn = "\n".join(picture(busy_board(), 80, 24))

    assert "moon-lamp   ██████████▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓░    20 sold   39 held    1 left" in drawn
    assert "▪▪▪▪··  4 s  quinn-134   rejected    moon-lamp  × 3       insufficient stock" in drawn


def test_many_of_a_kind_become_one_line_that_counts() -> None:
    board = Board(create_sale(7, 300, 25.0, NOW))
    refused = Said("rejected", "moon-lamp", "ada-001", "insufficient_stock")
    paid = Said("converted", "moon-lamp", "ben-002", "")

    board.note_said([refused, paid])
    board.note_said([paid._replace(who="cleo-003"), refused._replace(who="dan-004")])

    assert [(line.kind, line.times) for line in board.recent] == [
        ("rejected", 2),
        ("converted", 1),
        ("converted", 1),
    ]


def busy_board() -> Board:
    board = Board(create_sale(7, 300, 25.0, NOW))
    board.stock = [StockNow(one, 60, 1, 39, 20) for one in board.sale.shop.product_ids]
    ends_at = datetime.now(UTC) + timedelta(seconds=3.9)
    board.carts = [CartShown("cons_quinn-134", ["lamp-shade", "moon-lamp"], ends_at)] * 40
    board.standing = Standing(71, {}, {})
    board.rates.extend(range(40))
    for number in range(60):
        why = "not JSON: EOF while parsing a string at line 1 column 63"
        board.note_said([Said("dead letter", "", f"quinn-{number:03}", why)])
    board.note_said([Said("rejected", "moon-lamp", "ada-001", "insufficient_stock")] * 3)
    return board


def picture(board: Board, width: int, height: int) -> list[str]:
    """Give the lines that a terminal of that size would show."""
    console = Console(file=StringIO(), width=width, height=height, force_terminal=False)
    with console.capture() as captured:
        console.print(draw(board, width, height))
    return captured.get().rstrip("\n").split("\n")


def test_a_dead_letter_is_no_outcome() -> None:
    outcome = Published("outcomes", 0, 0, b"ada", b'{"type":"reserved","consumerId":"ada"}', ())
    letter = Published("letters", 0, 0, b"ada", b"{", (("dlq.reason", b"not JSON"),))
    tally = Tally()

    said = tally.note([outcome, letter], "letters")

    assert [one.kind for one in said] == ["reserved", "dead letter"]
    assert (tally.read, tally.outcomes, tally.dead_letters) == (2, 1, 1)
