"""Work that a signal ends: in good order when it is asked once, at once when asked twice."""

import asyncio
import os
import signal
from collections.abc import Coroutine
from typing import Any


async def until_signal(work: Coroutine[Any, Any, int]) -> int | signal.Signals:
    """Do `work` and give its exit code; a signal cancels it, and is given instead.

    Asked twice by Ctrl-C, the process ends at once, and no child outlives it.
    """
    task = asyncio.create_task(work)
    received: list[signal.Signals] = []

    def stop(number: signal.Signals) -> None:
        if received and number == signal.SIGINT:
            os._exit(128 + number)
        received.append(number)
        task.cancel()

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:  # as under nohup
            asyncio.get_running_loop().add_signal_handler(number, stop, number)
    try:
        return await task
    except asyncio.CancelledError:
        if not received:
            raise
        return received[0]
