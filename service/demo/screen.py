"""Where the board is shown: drawn over and over on a terminal, else a line a second."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from rich.console import Console
from rich.live import Live

from service.demo.board import Board
from service.demo.view import draw

LIVE_FPS: Final = 8.0
PLAIN_FPS: Final = 1.0


@contextmanager
def live(console: Console, board: Board) -> Iterator[Callable[[], None]]:
    """Take the terminal over until the block ends."""
    # Drawn by whoever calls, not by a thread: a terminal that goes away is an error to be seen.
    with Live(console=console, screen=True, auto_refresh=False) as display:
        yield lambda: display.update(draw(board, console.width, console.height), refresh=True)


@contextmanager
def plain(console: Console, board: Board) -> Iterator[Callable[[], None]]:
    """Print a line whenever asked, and one where a chapter begins."""
    said = ""
    console.out("A line a second: units sold/held/left of each product.", highlight=False)

    def show() -> None:
        nonlocal said
        if board.chapter != said:
            said = board.chapter
            console.out(said, highlight=False)
        console.out(_line(board), highlight=False)

    yield show


def _line(board: Board) -> str:
    stock = "  ".join(
        f"{line.product_id} {line.sold}/{line.held}/{line.left}" for line in board.stock
    )
    return (
        f"{board.seconds:5.0f} s  {stock or 'opening'}  "
        f"{board.tally.outcomes} outcomes  {board.rates[-1]} events/s"
    )
