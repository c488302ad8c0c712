"""`reservations demo` tells its whole story, adds up, and leaves nothing behind."""

import asyncio
import fcntl
import os
import pty
import re
import signal
import struct
import sys
import termios
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from tests.e2e.command import all_gone, running

SHORT = ("demo", "--seconds", "8", "--shoppers", "120")


async def test_demo_plays_the_whole_story_and_adds_up(directory: Path) -> None:
    async with running(*SHORT, TMPDIR=str(directory)) as demo:
        assert await demo.ends(seconds=100) == 0, demo.output

    assert "Everything adds up." in demo.output
    assert "\x1b" not in demo.output
    counts = summed_rows(demo.lines)
    for row in (
        *("rejected: insufficient stock", "rejected: pool exhausted", "reserved", "released"),
        *("converted, in time", "converted, late", "unfulfilled: to refund", "expired"),
    ):
        assert counts[row] > 0, row
    assert counts["admissions"] >= 120
    assert "1 unreadable" in demo.output
    await all_gone(demo.children)
    assert not list(directory.iterdir())


async def test_ctrl_c_on_a_terminal_in_mid_sale_leaves_nothing_behind(directory: Path) -> None:
    with terminal() as (screen, theirs):
        demo = await start_on(theirs, directory)
        drawn = await read_until(screen, "Outcomes")
        children = set(psutil.Process(demo.pid).children(recursive=True))

        os.write(screen, b"\x03")

        drawn += await read_until(screen, "Nothing is left behind.")
        assert await asyncio.wait_for(demo.wait(), 20) == 130
    assert drawn.count("\x1b[?1049h") == drawn.count("\x1b[?1049l") == 1  # as it was before
    await all_gone(children)
    assert not list(directory.iterdir())


async def test_a_terminal_that_goes_away_leaves_nothing_behind(directory: Path) -> None:
    with terminal() as (screen, theirs):
        demo = await start_on(theirs, directory)
        await read_until(screen, "starting")
        children = set(psutil.Process(demo.pid).children(recursive=True))

    assert await asyncio.wait_for(demo.wait(), 20) == 128 + signal.SIGHUP
    await all_gone(children)
    assert not list(directory.iterdir())


def summed_rows(lines: list[str]) -> dict[str, int]:
    """Give the rows of the summary, each summed over the experiences."""
    rows = (re.fullmatch(r"(\D+?)((?: +\d+){3})", line.rstrip()) for line in lines)
    return {row[1].strip(): sum(map(int, row[2].split())) for row in rows if row}


@contextmanager
def terminal() -> Iterator[tuple[int, int]]:
    """Give both ends of a terminal of 80 by 24; it goes away at the end."""
    screen, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    try:
        yield screen, theirs
    finally:
        os.close(screen)


async def start_on(theirs: int, directory: Path) -> asyncio.subprocess.Process:
    """Start a demo that the terminal is the terminal of."""
    # The new session has no terminal yet; it takes the first one that it opens.
    become = (
        "import os, sys; os.close(os.open(os.ttyname(0), os.O_RDWR)); os.execv(*eval(sys.argv[1]))"
    )
    command = [sys.executable, "-m", "service.cli", *SHORT]
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", become, repr((sys.executable, command))),
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env=os.environ | {"TMPDIR": str(directory), "TERM": "xterm-256color"},
        start_new_session=True,
    )
    os.close(theirs)
    return process


async def read_until(screen: int, text: str) -> str:
    """Read what is drawn until `text` is there."""
    drawn = ""
    async with asyncio.timeout(60):
        while text not in drawn:
            drawn += (await asyncio.to_thread(os.read, screen, 65536)).decode(errors="replace")
    return drawn
