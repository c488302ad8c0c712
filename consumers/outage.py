"""Waiting while Postgres is away: longer from attempt to attempt, and no longer than it takes."""

import asyncio
import contextlib
from typing import Final

import structlog

from consumers.faults import told

log = structlog.get_logger()

_FIRST_SECONDS: Final = 0.2


class Outage:
    """Attempts that failed one after the other, and the pause before the next one."""

    def __init__(self, retry_seconds_max: float) -> None:
        self._retry_seconds_max = retry_seconds_max
        self._failures = 0

    def is_over(self) -> None:
        """Note that an attempt went well: the next outage begins with a short pause."""
        self._failures = 0

    async def wait_out(self, error: BaseException, stop: asyncio.Event) -> None:
        """Wait before the next attempt, or until `stop` is set."""
        seconds = min(_FIRST_SECONDS * 2**self._failures, self._retry_seconds_max)
        self._failures = min(self._failures + 1, 30)  # a week of failures is no huge number
        log.warning("postgres.away", error=told(error), retry_in=seconds)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await stop.wait()
