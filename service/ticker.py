"""Keeps the ticker running: when its Faust app ends, for whatever reason, a new one is started."""

import asyncio
import contextlib
import time
from collections.abc import Callable
from typing import Final

import faust
import structlog
from faust.contrib.asgi import bind_to_running_loop

log = structlog.get_logger()

STOP_SECONDS: Final = 2.0
RESTART_SECONDS: Final = 1.0  # doubled with every failure that follows another
RESTART_SECONDS_MAX: Final = 30.0


async def keep_ticking(create: Callable[[], faust.App], stop: asyncio.Event) -> None:
    """Run tickers, one after the other, until `stop` is set. No failure of theirs is raised."""
    failures = 0
    while not stop.is_set():
        began = time.monotonic()
        try:
            await _tick_until(create(), stop)
        except Exception as error:
            ran_well = time.monotonic() - began > RESTART_SECONDS_MAX
            failures = 1 if ran_well else failures + 1
            seconds = min(RESTART_SECONDS * 2**failures, RESTART_SECONDS_MAX)
            cause = repr(error.__cause__ or error)
            log.warning("ticker.failed", error=cause, restart_in=seconds)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), seconds)


async def _tick_until(app: faust.App, stop: asyncio.Event) -> None:
    """Run an app until `stop` is set. Raises RuntimeError when it ends before."""
    running = asyncio.create_task(_run(app))
    stopping = asyncio.create_task(stop.wait())
    try:
        await asyncio.wait({running, stopping}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        stopping.cancel()
        running.cancel()
        # Faust passes a cancellation over where it stops: what takes too long is left behind.
        await asyncio.wait({running, asyncio.create_task(_end(app))}, timeout=STOP_SECONDS)
    if not stop.is_set():
        failed = running.done() and not running.cancelled() and running.exception()
        raise RuntimeError("the Faust app ended by itself") from (failed or app.crash_reason)


async def _run(app: faust.App) -> None:
    bind_to_running_loop(app)
    app.finalize()
    await app.maybe_start()
    await app.wait_until_stopped()


async def _end(app: faust.App) -> None:
    """Stop an app, also one that has half started: `faust_app_running` leaves that running."""
    with contextlib.suppress(Exception):
        await app.stop()
