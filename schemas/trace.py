"""Where an event stands in a trace that somebody else has begun. Source: W3C Trace Context, 3."""

import re
from collections.abc import Iterable
from typing import Final, NamedTuple

TRACEPARENT: Final = "traceparent"
TRACESTATE: Final = "tracestate"
STATE_LENGTH_MAX: Final = 512  # what has to be passed on; of what is longer nothing is

_IDS: Final = rb"(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}"
# A later version may have more at its end, and keeps these four.
_PARENT: Final = re.compile(
    rb"00-" + _IDS + rb"|(?!00|ff)[0-9a-f]{2}-" + _IDS + rb"(-[\x21-\x7e]{1,200})?"
)
_STATE: Final = re.compile(rb"[\x20-\x7e]+")


class Trace(NamedTuple):
    """The two headers as they came: the trace with the span in it, and what vendors add."""

    parent: str
    state: str = ""


def trace_of(headers: Iterable[tuple[str, bytes | None]]) -> Trace | None:
    """Read a record's headers; None where there is no traceparent, or one that is none."""
    for name, value in headers:
        if name == TRACEPARENT and value is not None:
            return Trace(value.decode(), _state(headers)) if _PARENT.fullmatch(value) else None
    return None


def _state(headers: Iterable[tuple[str, bytes | None]]) -> str:
    state = b",".join(value for name, value in headers if name == TRACESTATE and value)
    return state.decode() if len(state) <= STATE_LENGTH_MAX and _STATE.fullmatch(state) else ""
