"""The end of a worker: one time limit for all its steps together."""

import asyncio
import time
from typing import Final

# A step whose time is over is tried all the same: against a server that answers it is quick.
STEP_SECONDS_MIN: Final = 0.5


class Stop(asyncio.Event):
    """The wish to end; from when it is set, all that is left to do has `seconds` together."""

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self._seconds = seconds
        self._deadline: float | None = None

    def set(self) -> None:
        if self._deadline is None:
            self._deadline = time.monotonic() + self._seconds
        super().set()

    @property
    def seconds_left(self) -> float:
        """Give what the next step of the end may take."""
        if self._deadline is None:
            return self._seconds
        return max(self._deadline - time.monotonic(), STEP_SECONDS_MIN)
