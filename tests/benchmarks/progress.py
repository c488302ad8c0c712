"""What is being done, for whoever waits: one line a step, with the seconds since the beginning."""

import time
from typing import Final

_BEGAN: Final = time.monotonic()


def tell(text: str) -> None:
    """Print a line."""
    print(f"{time.monotonic() - _BEGAN:6.0f} s  {text}", flush=True)
