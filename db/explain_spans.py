"""Which part of the journal can matter, and that part read piece by piece.

The journal has no index on what an outcome is about. `written_at` grows with the sequence, so the
places where a time begins and ends are found by halving.
"""

from collections.abc import AsyncIterator, Collection, Iterable
from datetime import datetime
from typing import Any, Final, NamedTuple

from asyncpg import Record

from db.connect import Connection
from db.importing import Progress

_PART: Final = 20_000  # outcomes looked at by one statement: well below a second


class Span(NamedTuple):
    """Outcomes of one lane: from the first sequence to before the end.

    `is_cut`: what was before them was pruned, and may have mattered.
    """

    lane: int
    first: int
    end: int
    is_cut: bool = False


async def spans(
    connection: Connection,
    lanes: Collection[int] | None,
    *,
    since: datetime | None = None,
    until: datetime | None = None,
) -> list[Span]:
    """Give the outcomes that were written in a time; `lanes`: None for all."""
    rows = await connection.fetch(
        """
        SELECT lane, coalesce((SELECT min(entry.sequence) FROM journal AS entry
                                WHERE entry.lane = output.lane AND entry.stream = output.stream),
                              sequence + 1),
               sequence + 1
          FROM lane_outputs AS output
         WHERE stream = 'outcomes' AND ($1::int[] IS NULL OR lane = ANY($1))
         ORDER BY lane
        """,
        None if lanes is None else list(lanes),
    )
    found = []
    for whole in (Span(*row) for row in rows):
        first = whole.first if since is None else await _first_since(connection, whole, since)
        end = whole.end if until is None else await _first_since(connection, whole, until)
        found.append(Span(whole.lane, first, end, is_cut=first == whole.first > 1))
    return found


async def read(
    connection: Connection,
    spans: Iterable[Span],
    statement: str,
    *values: Any,
    on_progress: Progress,
) -> AsyncIterator[list[Record]]:
    """Run a statement over spans. $1 is the lane, $2 the first sequence, $3 that after the last."""
    spans = list(spans)
    total, done = sum(span.end - span.first for span in spans), 0
    for lane, first, end, _ in spans:
        for start in range(first, end, _PART):
            on_progress("reading the journal", done, total)
            stop = min(start + _PART, end)
            yield await connection.fetch(statement, lane, start, stop, *values)
            done += stop - start


async def _first_since(connection: Connection, span: Span, at: datetime) -> int:
    """Give the first sequence that was written at an instant or later, else the span's end."""
    first, end = span.first, span.end
    while first < end:
        middle = (first + end) // 2
        written_at = await connection.fetchval(
            """
            SELECT written_at FROM journal
             WHERE lane = $1 AND stream = 'outcomes' AND sequence = $2
            """,
            span.lane,
            middle,
        )
        if written_at is None or written_at < at:
            first = middle + 1
        else:
            end = middle
    return first
