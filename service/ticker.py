"""Keeps the ticker running: when its Faust app ends, for whatever reason, a new one is started."""

import asyncio
import contextlib
from collections.abc import Callable

import faust
import structlog
from faust.contrib.asgi import faust_app_running

log = structlog.get_logger()

STOP_SECONDS = 2.0
RESTART_SECONDS_MAX = 30.0


async def keep_ticking(create: Callable[[], faust.App], stop: asyncio.Event) -> None:
    """Run tickers, one after the other, until `stop` is set. No failure of theirs is raised."""
    failures = 0
    while not stop.is_set():
        try:
            await _tick_until(create(), stop)
        except Exception as error:
            failures += 1
            seconds = min(2.0**failures, RESTART_SECONDS_MAX)
            log.warning("ticker.failed", error=repr(error), restart_in=seconds)
            await _wait(stop.wait(), seconds)


async def _tick_until(app: faust.App, stop: asyncio.Event) -> None:
    async with faust_app_running(app, stop_timeout=STOP_SECONDS):
        ended = asyncio.create_task(app.wait_until_stopped())
        stopping = asyncio.create_task(stop.wait())
        await asyncio.wait({ended, stopping}, return_when=asyncio.FIRST_COMPLETED)
        ended.cancel()
        stopping.cancel()
        if not stop.is_set():
            raise RuntimeError("the Faust app ended by itself") from app.crash_reason


async def _wait(awaitable: object, seconds: float) -> None:
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(awaitable, seconds)  # type: ignore[arg-type]
