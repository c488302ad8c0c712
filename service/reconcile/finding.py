"""What there is to repair, from one snapshot: nothing is locked, and nothing is changed."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

import asyncpg

from db.connect import Connection, prefer_whole_tables, take_all_time
from db.drift import list_drift
from db.drift_evidence import Contradiction, contradictions, count_holds, wrong_marks
from db.importing import Progress, silent
from db.verify import run_check
from db.verify_journal import GAPS, IDS_OF_RESERVATIONS
from reservations.drift import Place, moves_for
from schemas.drift import LineCounts
from schemas.stock import StockKey
from service.reconcile.causes import explain

# Reading a whole journal takes a minute or so for some millions of outcomes; a day is no limit.
_STATEMENT_SECONDS: Final = 24 * 3600.0


_MARKS_ONLY: Final = "holds are marked as at risk that cannot be: changed by hand"


@dataclass(slots=True)
class LineFound:
    """A stock line that needs repair; `counts` is None where only marks of its holds do."""

    key: StockKey
    counts: LineCounts | None
    moves: dict[Place, int]
    explanation: str
    contradicted: list[str] = field(default_factory=list)  # reservations, in words
    marks: list[UUID] = field(default_factory=list)  # holds whose mark is wrong


@dataclass(slots=True)
class Found:
    """All that needs repair, and why the journal cannot be relied on, if it cannot."""

    lines: list[LineFound]
    holds: tuple[int, int] = (0, 0)  # active, as the lanes count them, and as there are
    journal_damage: list[str] = field(default_factory=list)

    @property
    def holds_active_beyond(self) -> int:
        """Give by how much the lanes count more holds than are active."""
        return self.holds[0] - self.holds[1]


async def find(connection: Connection, on_progress: Progress = silent) -> Found:
    """Find all drift, and its causes as far as they can be told."""
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        await prefer_whole_tables(connection)
        await take_all_time(connection)
        on_progress("checking the journal", 0, 0)
        damage = await _journal_damage(connection)
        on_progress("recomputing counters", 0, 0)
        found = Found([], await count_holds(connection), damage)
        drifted = await list_drift(connection)
        if drifted and not damage:
            on_progress("comparing with the journal", 0, 0)
        liars = await _contradicted(connection, [line.key for line in drifted], damage)
        found.lines = await _lines(connection, drifted, liars)
    return found


async def drifted_still(connection: Connection) -> Found:
    """Find what is left after a repair, without its causes."""
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        await prefer_whole_tables(connection)
        drifted = await list_drift(connection)
        lines = [LineFound(line.key, line, {}, "") for line in drifted]
        return Found(lines, await count_holds(connection))


async def _journal_damage(connection: Connection) -> list[str]:
    """Say what `verify` finds wrong with the journal itself."""
    checks = [
        *await run_check(connection, ("journal sequence",), GAPS),
        *await run_check(connection, ("journal ids",), IDS_OF_RESERVATIONS),
    ]
    return [f"{check.name}: {check.first_difference}" for check in checks if check.differences]


async def _contradicted(
    connection: Connection, keys: Sequence[StockKey], damage: list[str]
) -> dict[StockKey, list[Contradiction]]:
    """Give what the journal contradicts; what cannot be read there is added to its damage."""
    by_line: defaultdict[StockKey, list[Contradiction]] = defaultdict(list)
    if keys and not damage:
        try:
            async with connection.transaction():  # a savepoint: what follows is still read
                for one in await contradictions(connection, keys, _STATEMENT_SECONDS):
                    by_line[one.key].append(one)
        except asyncpg.DataError as error:
            damage.append(f"an outcome cannot be read: {str(error).splitlines()[0]}")
    return by_line


async def _lines(
    connection: Connection,
    drifted: Sequence[LineCounts],
    liars: dict[StockKey, list[Contradiction]],
) -> list[LineFound]:
    words = await explain(connection, drifted)
    lines = {
        counts.key: LineFound(counts.key, counts, moves_for(counts), explanation)
        for counts, explanation in zip(drifted, words, strict=True)
    }
    for key, found in liars.items():
        lines[key].contradicted = [f"reservation {one.id}: {one.problem}" for one in found]
    for mark in await wrong_marks(connection):
        line = lines.setdefault(mark.key, LineFound(mark.key, None, {}, _MARKS_ONLY))
        line.marks.append(mark.id)
    return [lines[key] for key in sorted(lines)]
