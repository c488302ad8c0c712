"""The end of a sale: what became of everybody, and where the units are."""

from typing import Final

from rich.console import Console
from rich.table import Table

from service.demo.board import Board
from service.demo.shop import Experience

_KINDS: Final = {
    "reserved": "reserved",
    "converted": "converted, in time",
    "late": "converted, late",
    "unfulfilled": "unfulfilled: to refund",
    "released": "released",
    "expired": "expired",
}


def show_summary(console: Console, board: Board) -> None:
    """Print two tables: outcomes per experience, and units per product."""
    console.print()
    console.print(_outcomes(board))
    console.print()
    console.print(_units(board))
    console.print()
    console.print(_events(board), highlight=False)
    console.print()


def _outcomes(board: Board) -> Table:
    experiences = board.sale.shop.experiences
    table = _table("Outcomes as read from the topic, one for each stock line of a cart")
    for one in experiences:
        table.add_column(f"{one.distribution_type} ({one.strategy})", justify="right")
    table.add_row("admissions", *(str(_admissions(board, one)) for one in experiences))
    for reason in sorted({reason for one in experiences for reason in _reasons(board, one)}):
        counts = (str(_reasons(board, one).get(reason, 0)) for one in experiences)
        table.add_row(f"rejected: {reason.replace('_', ' ')}", *counts)
    for kind, words in _KINDS.items():
        counts = (str(board.tally.kinds[one.experience_id][kind]) for one in experiences)
        table.add_row(words, *counts)
    return table


def _units(board: Board) -> Table:
    table = _table("Units")
    for column in ("received", "sold", "held", "left", "oversold"):
        table.add_column(column, justify="right")
    for line in board.stock:
        oversold = max(0, -line.left) + max(0, line.sold - line.received)
        counts = (line.received, line.sold, line.held, line.left, oversold)
        table.add_row(line.product_id, *map(str, counts))
    return table


def _events(board: Board) -> str:
    sent = board.sent.total()
    return (
        f"{sent} records sent, {board.sale.repeated} of them repetitions that changed nothing; "
        f"{board.tally.dead_letters} unreadable, kept as a dead letter."
    )


def _table(title: str) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold", box=None, pad_edge=False)
    table.add_column("", min_width=32)
    return table


def _admissions(board: Board, one: Experience) -> int:
    return len(board.tally.admissions[one.experience_id])


def _reasons(board: Board, one: Experience) -> dict[str, int]:
    return dict(board.tally.reasons[one.experience_id])
