"""The steps of an event's path, by name, and the hook by which a test stops the process after one.

In production nobody sets the hook, and a step costs one comparison.
"""

from collections.abc import Callable
from typing import Final, Literal

BatchStep = Literal[
    "polled", "fenced", "loaded", "decided", "saved", "committed", "handed_over", "mirrored"
]
PublishStep = Literal["begun", "sent", "published", "noted"]
TakeOverStep = Literal["epochs", "producers", "tails", "settled", "backlog", "sought"]
Step = BatchStep | PublishStep | TakeOverStep

Hook = Callable[[Step, int], None]


class _Steps:
    hook: Hook | None = None


_STEPS: Final = _Steps()


def done(step: Step, in_hand: int) -> None:
    """Say that a step is done, with so many events, entries or lanes in hand."""
    if _STEPS.hook is not None:
        _STEPS.hook(step, in_hand)


def on_step(hook: Hook | None) -> None:
    """Call `hook` after each step from now on, or nobody: tests stop or kill the process there."""
    _STEPS.hook = hook
