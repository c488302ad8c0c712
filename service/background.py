"""Work beside the loop that has to go on for as long as the worker does."""

import asyncio
import contextlib
from collections.abc import Callable, Coroutine
from typing import Any, Final

import structlog

log = structlog.get_logger()

RESTART_SECONDS: Final = 1.0


async def keep_running(
    name: str, work: Callable[[], Coroutine[Any, Any, None]], stop: asyncio.Event
) -> None:
    """Do work until it is done or `stop` is set. Whatever else ends it is logged, and it goes on.

    Also where it ends as if it were cancelled: a client that is being stopped may do that to it.
    """
    while not stop.is_set():
        task = asyncio.create_task(work())
        try:
            await asyncio.wait({task})
        finally:
            task.cancel()
        if task.done() and not task.cancelled() and task.exception() is None:
            return
        error = "cancelled" if task.cancelled() else repr(task.exception())
        log.warning("background.failed", task=name, error=error, restart_in=RESTART_SECONDS)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), RESTART_SECONDS)
