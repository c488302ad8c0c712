"""The last resort: a thread that needs neither the event loop nor Python's own lock."""

import asyncio
import faulthandler
import sys
from typing import Final

BEAT_SECONDS: Final = 5.0


async def end_when_blocked(seconds_max: float) -> None:
    """End the process with code 1 when the event loop does not turn for `seconds_max`.

    It prints where each thread stands, without the values of variables. /livez, which needs the
    loop too, has been silent since the loop stood still.
    """
    try:
        while True:
            faulthandler.dump_traceback_later(seconds_max, exit=True, file=sys.stderr)
            await asyncio.sleep(min(BEAT_SECONDS, seconds_max / 4))
    finally:
        faulthandler.cancel_dump_traceback_later()
