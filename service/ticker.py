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


class Pulse:
    """Tells when a timer has stopped beating: for some seconds nothing came of it."""

    def __init__(self, seconds_max: float) -> None:
        self.seconds_max = seconds_max
        self._beaten_at = time.monotonic()

    def beat(self) -> None:
        self._beaten_at = time.monotonic()

    async def is_lost(self) -> None:
        """Wait until there was no beat for too long, from now on at the earliest."""
        self.beat()
        left = self.seconds_max
        while left > 0:
            await asyncio.sleep(left)
            left = self._beaten_at + self.seconds_max - time.monotonic()


async def keep_ticking(create: Callable[[], faust.App], stop: asyncio.Event, pulse: Pulse) -> None:
    """Run tickers, one after the other, until `stop` is set. No failure of theirs is raised.

    The timer of an app has to beat `pulse`: one whose timer is dead is replaced too.
    """
    failures = 0
    while not stop.is_set():
        began = time.monotonic()
        try:
            await _tick_until(create(), stop, pulse)
        except Exception as error:
            ran_well = time.monotonic() - began > RESTART_SECONDS_MAX
            failures = 1 if ran_well else failures + 1
            seconds = min(RESTART_SECONDS * 2**failures, RESTART_SECONDS_MAX)
            cause = repr(error.__cause__ or error)
            log.warning("ticker.failed", error=cause, restart_in=seconds)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), seconds)


async def _tick_until(app: faust.App, stop: asyncio.Event, pulse: Pulse) -> None:
    """Run an app until `stop` is set. Raises RuntimeError when it, or its timer, ends before."""
    running = asyncio.create_task(_run(app))
    stopping = asyncio.create_task(stop.wait())
    silent = asyncio.create_task(pulse.is_lost())
    try:
        await asyncio.wait({running, stopping, silent}, return_when=asyncio.FIRST_COMPLETED)
        was_silent = silent.done()
    finally:
        stopping.cancel()
        silent.cancel()
        running.cancel()
        # Faust passes a cancellation over where it stops: what takes too long is left behind.
        await asyncio.wait({running, asyncio.create_task(_end(app))}, timeout=STOP_SECONDS)
    if was_silent and not stop.is_set():
        raise RuntimeError(f"its timer has not fired for {pulse.seconds_max:g} s")
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
