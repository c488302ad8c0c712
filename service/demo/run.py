"""The demo from its first second to its last: start, play, sum up, verify, leave nothing behind."""

import asyncio
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from rich.console import Console

from db.connect import Connection
from db.policies import import_policies
from db.pool_fill import fill_pools
from db.stock_import import import_stock
from service.demo.board import Board
from service.demo.play import play
from service.demo.sale import create_sale
from service.demo.screen import LIVE_FPS, PLAIN_FPS, live, plain
from service.demo.shop import Shop
from service.demo.summary import show_summary
from service.embedded.server import free_ports
from service.local import Installation, installation
from service.settings import Settings
from service.starting import starting
from service.worker_process import WORKER_LOG, command, environment, last_lines

_TICK_SECONDS: Final = 0.5  # holds last seconds here, so they are looked at twice a second
_LOG_LINES: Final = 12
_REMOVALS_MAX: Final = 20


@dataclass(frozen=True, slots=True)
class Options:
    """What may be asked of a demo."""

    shoppers: int
    seed: int
    seconds: float
    plain: bool


async def run_demo(options: Options, settings: Settings, console: Console) -> int:
    """Run the demo; gives the exit code of `reservations verify`."""
    with _scratch() as directory:
        try:
            return await _run(options, _for_demo(settings), console, directory)
        except Exception:
            for line in last_lines(directory / WORKER_LOG, _LOG_LINES):
                console.out(f"worker: {line}", highlight=False)
            raise


@contextmanager
def _scratch() -> Iterator[Path]:
    """Give a directory that is gone at the end, with all that is in it."""
    directory = Path(tempfile.mkdtemp(prefix="reservations-demo-"))
    try:
        yield directory
    finally:
        for _ in range(_REMOVALS_MAX):
            shutil.rmtree(directory, ignore_errors=True)
            if not directory.exists():
                break
            time.sleep(0.1)  # the children of a killed initdb write on for a moment


def _for_demo(settings: Settings) -> Settings:
    """Use a free port, and tick fast; all else is as the environment says."""
    (port,) = free_ports(1)
    return settings.model_copy(
        update={"http_host": "127.0.0.1", "http_port": port, "tick_interval": _TICK_SECONDS}
    )


async def _run(options: Options, settings: Settings, console: Console, directory: Path) -> int:
    shop = Shop.for_crowd(options.shoppers, options.seconds)
    console.out("Starting a real Postgres, a real Kafka and a worker.", highlight=False)
    async with AsyncExitStack() as stack:
        with starting(console, plain=options.plain) as on_progress:
            local = await stack.enter_async_context(
                installation(
                    settings,
                    directory,
                    bring_in=lambda connection: _bring_in(connection, shop),
                    on_progress=on_progress,
                )
            )
        try:
            return await local.beside_worker(_sell_and_verify(options, local, console))
        finally:
            await local.kill()  # nobody needs the data any more


async def _sell_and_verify(options: Options, local: Installation, console: Console) -> int:
    opens_at = datetime.now(UTC)
    board = Board(create_sale(options.seed, options.shoppers, options.seconds, opens_at))
    screen, fps = (plain, PLAIN_FPS) if options.plain else (live, LIVE_FPS)
    with screen(console, board) as show:
        await play(board, local.settings, show, fps)
    show_summary(console, board)
    exit_code = await _verify(local, console)
    if exit_code == 0:
        console.out("\nEverything adds up. To keep such a worker running: make up")
    return exit_code


async def _verify(local: Installation, console: Console) -> int:
    """Let the command check everything, for all to see."""
    console.print("[bold]reservations verify[/bold]")
    sys.stdout.flush()
    process = await asyncio.create_subprocess_exec(
        *command("verify"),
        stdin=asyncio.subprocess.DEVNULL,
        env=os.environ | environment(local.settings),
    )
    try:
        return await process.wait()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def _bring_in(connection: Connection, shop: Shop) -> None:
    await import_stock(connection, shop.stock())
    await fill_pools(connection, shop.pools())
    await import_policies(connection, shop.policies())
