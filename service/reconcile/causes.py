"""Why a line has drifted, in words; and the reservation that it was, where only one fits."""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from db.connect import Connection
from db.drift_evidence import Like, find_like
from reservations.drift import Place, moves_for
from reservations.drift_cause import Missed, Step, missed_step
from schemas.drift import LineCounts
from schemas.text import counted

_LACKING: Final[dict[Step, str]] = {
    "hold": "a hold of {units} was never counted",
    "convert": "a sale of {units} out of a hold was never counted",
    "sale": "a sale of {units} beyond any hold was never counted",
    "give_back": "a hold of {units} has ended and is still counted",
    "take_back": "{units} came back from a sale that is still counted",
    "oversell": "a sale of {units} by the oversell budget was never counted",
}
_SURPLUS: Final[dict[Step, str]] = {
    "convert": "a sale of {units} is counted that no reservation tells of",
    "oversell": "an oversold sale of {units} is counted that no reservation tells of",
}
# What a reservation is whose step was not counted.
_STATES: Final[dict[Step, tuple[str, ...]]] = {
    "hold": ("active",),
    "convert": ("converted",),
    "sale": ("converted",),
    "give_back": ("released", "expired"),
    "take_back": ("returned",),
    "oversell": ("converted",),
}
_UNKNOWN: Final = "several things at once: no single step of a worker explains it"


async def explain(connection: Connection, lines: Sequence[LineCounts]) -> list[str]:
    """Give a sentence for each line, in their order. One pass over the reservations for all."""
    moves = [moves_for(line) for line in lines]
    missed = [
        missed_step(each, tracked=line.tracked is not False)
        for line, each in zip(lines, moves, strict=True)
    ]
    suspects = await _suspects(connection, lines, missed)
    return [
        _words(line, each, step, suspect)
        for line, each, step, suspect in zip(lines, moves, missed, suspects, strict=True)
    ]


async def _suspects(
    connection: Connection, lines: Sequence[LineCounts], missed: Sequence[Missed | None]
) -> list[UUID | None]:
    """Name for each line the one reservation that may have made the step."""
    wanted = [
        (n, Like(line.key, step.strategy, state, step.units))
        for n, (line, step) in enumerate(zip(lines, missed, strict=True))
        if step is not None and not step.surplus
        for state in _STATES[step.step]
    ]
    found: dict[int, list[UUID]] = {}
    if wanted:
        ids = await find_like(connection, [like for _, like in wanted])
        for (n, _), id_ in zip(wanted, ids, strict=True):
            found.setdefault(n, []).extend([id_] if id_ is not None else [])
    return [_only(found.get(n, [])) for n in range(len(lines))]


def _only(ids: Sequence[UUID]) -> UUID | None:
    return ids[0] if len(ids) == 1 else None


def _words(
    line: LineCounts, moves: dict[Place, int], missed: Missed | None, suspect: UUID | None
) -> str:
    if line.tracked is None:
        return "the stock line is gone, and its reservations are there"
    if gone := [pool.experience_id for pool in line.pools if pool.filled is None]:
        return f"the pool of {', '.join(gone)} is gone, and its reservations are there"
    if missed is not None:
        units = counted(missed.units, "unit")
        if missed.surplus:
            return _SURPLUS[missed.step].format(units=units)
        words = _LACKING[missed.step].format(units=units)
        if suspect:
            return f"{words}, perhaps of reservation {suspect}"
        return f"as if {words}; but no single reservation fits, so perhaps changed by hand"
    if len(moves) == 1:
        ((counter, _),) = moves
        return f"only {counter} is wrong, which no worker changes alone: changed by hand"
    return _UNKNOWN
