"""The live view: the board as a picture of a given size. Calm: few colours, nothing blinks."""

import math
from datetime import UTC, datetime
from typing import Final

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from service.demo.board import Board, StockNow
from service.demo.tally import Said

COLOURS: Final = {
    "reserved": "cyan",
    "converted": "green",
    "late": "green",
    "released": "blue",
    "expired": "yellow",
    "rejected": "bright_black",
    "unfulfilled": "red",
    "dead letter": "magenta",
}
_QUIET: Final = "bright_black"
_HOLDS_WIDTH: Final = 25
_PRODUCTS_WIDTH: Final = 24
_NARROW: Final = 70
_WIDE: Final = 106  # from here on there is room for what is held
_SPARKS: Final = " ▁▂▃▄▅▆▇█"
_ROWS_AROUND: Final = 13  # all but the rows of holds and outcomes
_COUNTDOWN_CELLS: Final = 6


def draw(board: Board, width: int, height: int) -> RenderableType:
    """Draw the board so that it fits."""
    rows = max(3, height - _ROWS_AROUND)
    inner = width - 4
    lines: list[RenderableType] = [
        _title(board, inner),
        Text(),
        Text(f"▸ {board.chapter}", style="bold"),
        Text(),
        *(stock_line(line, inner) for line in board.stock),
        Text(),
        _columns(board, inner, rows),
        Text(),
        _footer(board),
    ]
    page = Table.grid(padding=0)
    page.add_column(width=inner, no_wrap=True, overflow="crop")
    page.add_row(Group(*lines))
    return _padded(page)


def stock_line(line: StockNow, width: int) -> Text:
    """Draw where the units of a product are, as a bar and in numbers."""
    bar_width = max(8, width - 12 - 33)
    numbers = Text.assemble(
        (f"{line.sold:>6}", "green"),
        (" sold", _QUIET),
        (f"{line.held:>5}", "yellow"),
        (" held", _QUIET),
        (f"{line.left:>5}", ""),
        (" left", _QUIET),
    )
    return Text.assemble(f"{line.product_id:<12}", _bar(line, bar_width), numbers)


def _bar(line: StockNow, width: int) -> Text:
    scale = width / max(1, line.received)
    sold = round(line.sold * scale)
    held = round((line.sold + line.held) * scale) - sold
    return Text.assemble(
        ("█" * sold, "green"), ("▓" * held, "yellow"), ("░" * (width - sold - held), _QUIET)
    )


def _padded(page: Table) -> RenderableType:
    return Padding(page, (1, 2, 0, 2))


def _title(board: Board, width: int) -> Text:
    total = board.sale.seconds
    at = min(board.seconds, total)
    clock = f"{at:4.0f} s of {total:.0f}"
    title = "A sale, on a real Kafka and a real Postgres" if width >= _NARROW else "A sale"
    room = max(4, width - len(title) - len(clock) - 4)
    done = round(room * at / total)
    return Text.assemble(
        (title, _QUIET), "  ", ("━" * done, "cyan"), ("━" * (room - done), "grey23"), "  ", clock
    )


def _columns(board: Board, width: int, rows: int) -> Table:
    """Put the holds that end next beside the outcomes."""
    with_products = width >= _WIDE
    holds_width = _HOLDS_WIDTH + (_PRODUCTS_WIDTH if with_products else 0)
    columns = Table.grid(padding=0)
    columns.add_column(width=holds_width, no_wrap=True, overflow="crop")
    columns.add_column(width=width - holds_width, no_wrap=True, overflow="ellipsis")
    columns.add_row(
        _head("Holds", board.standing.holds_active, "ending next"),
        _head("Outcomes", board.tally.outcomes, "as read from the topic"),
    )
    said = list(board.recent)[-rows:]
    for row in range(rows):
        cart = _cart(board, row, with_products) if row < len(board.carts) else Text()
        columns.add_row(cart, _said(said[row]) if row < len(said) else Text())
    return columns


def _head(title: str, count: int, remark: str) -> Text:
    return Text.assemble((title, "bold"), f" {count}", (f"  {remark}", _QUIET))


def _cart(board: Board, row: int, with_products: bool) -> Text:
    cart = board.carts[row]
    left = max(0, math.ceil((cart.expires_at - datetime.now(UTC)).total_seconds()))
    share = min(1.0, left / board.sale.shop.hold_seconds)
    cells = math.ceil(share * _COUNTDOWN_CELLS)
    who = cart.consumer_id.removeprefix("cons_")
    return Text.assemble(
        ("▪" * cells, "yellow"),
        ("·" * (_COUNTDOWN_CELLS - cells), _QUIET),
        f"{left:>3} s  " if left else "  now  ",
        f"{who:<10}",
        (", ".join(cart.product_ids) if with_products else "", _QUIET),
    )


def _said(line: Said) -> Text:
    return Text.assemble(
        (f"{line.kind:<12}", COLOURS.get(line.kind, "")),
        f"{line.what:<11}",
        f"{line.who if line.times == 1 else f'× {line.times}':<10}",
        (line.why.replace("_", " "), _QUIET),
    )


def _footer(board: Board) -> Text:
    peak = max(board.rates) or 1
    sparks = "".join(_SPARKS[round(rate / peak * (len(_SPARKS) - 1))] for rate in board.rates)
    return Text.assemble(
        f"{board.rates[-1]:>3}",
        (" events/s ", _QUIET),
        (f"{sparks:>24}", "cyan"),
        (f"   {board.sent.total()} sent · {board.to_come} to come", _QUIET),
    )
