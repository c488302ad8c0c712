"""`reservations`, but after a step that the environment names it kills or stops itself.

    STOP_AFTER=saved STOP_WITH=9 python -m tests.e2e.doomed worker

It stops where the step is done with something in hand for the first time, and not before the file
that STOP_FROM names is there, if it names one.
"""

import os
from pathlib import Path

from schemas import steps
from service.cli import main


def stop_here(step: steps.Step, in_hand: int) -> None:
    if step == os.environ["STOP_AFTER"] and in_hand and STOP_FROM.exists():
        os.environ["STOP_AFTER"] = "never"  # who is continued goes on
        os.kill(os.getpid(), int(os.environ["STOP_WITH"]))


if __name__ == "__main__":
    STOP_FROM = Path(os.environ.get("STOP_FROM", "."))
    steps.on_step(stop_here)
    main()
