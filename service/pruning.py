"""A pass of pruning: what is over goes, in steps that are short, with a rest after each."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Final, TypeVar

from db.connect import Connection
from db.importing import Progress, silent
from db.pruning import take_turn
from db.pruning_admissions import FRONT, Place, look_at_admissions, prune_admissions
from db.pruning_journal import Front, fronts, next_front, prune_journal

# What a step takes at most: some milliseconds, so that no batch waits for longer.
ADMISSIONS_MAX: Final = 200
ENTRIES_MAX: Final = 1000

# Gives a connection for one step.
Lend = Callable[[], AbstractAsyncContextManager[Connection]]

At = TypeVar("At", Place, Front)


# What is said where the role may not, before anything is changed.
MAY_NOT: Final = (
    "this role may take no rows away: the owner of the tables grants it with"
    " `reservations migrate --role NAME --prunes`"
)


class Busy(Exception):
    """Somebody else prunes, or verifies: nothing is lost by trying again later."""


@dataclass(slots=True)
class Counts:
    """What a pass has pruned, or would prune, in rows."""

    admissions: int = 0
    reservations: int = 0
    outcomes: int = 0
    dead_letters: int = 0
    admissions_kept: int = 0  # began before, and are not over, or are counted by a limit

    @property
    def pruned(self) -> int:
        """Give the rows of all kinds together."""
        return self.admissions + self.reservations + self.outcomes + self.dead_letters


class Pass:
    """One walk through all that began before an instant, which every lane refuses by now.

    With `apply` false it counts, and changes nothing. `rest` is how long it rests after a step,
    as a multiple of what the step took.
    """

    def __init__(
        self,
        lend: Lend,
        before: datetime,
        *,
        apply: bool = True,
        rest: float = 0.0,
        on_progress: Progress = silent,
    ) -> None:
        self.counts = Counts()
        self._lend = lend
        self._before = before
        self._apply = apply
        self._rest = rest
        self._on_progress = on_progress

    async def run(self) -> Counts:
        """Walk to the end. Raises Busy; `counts` has what was done until then."""
        await self._walk(self._admissions, FRONT)
        async with self._lend() as connection:
            streams = await fronts(connection)
        for front in streams:
            await self._walk(self._entries, front)
        return self.counts

    async def _walk(
        self, step: Callable[[Connection, At], Awaitable[At | None]], at: At | None
    ) -> None:
        while at is not None:
            began = time.monotonic()
            async with self._lend() as connection, connection.transaction():
                if self._apply and not await take_turn(connection):
                    raise Busy
                at = await step(connection, at)
            self._on_progress("pruning" if self._apply else "counting", self.counts.pruned, 0)
            await asyncio.sleep(self._rest * (time.monotonic() - began))

    async def _admissions(self, connection: Connection, place: Place) -> Place | None:
        look = await look_at_admissions(connection, self._before, place, ADMISSIONS_MAX)
        admissions, reservations = len(look.over), look.lines
        if self._apply and look.over:
            gone = await prune_admissions(connection, self._before, look.over)
            admissions, reservations = gone
        self.counts.admissions += admissions
        self.counts.reservations += reservations
        self.counts.admissions_kept += look.looked_at - admissions
        return look.next

    async def _entries(self, connection: Connection, front: Front) -> Front | None:
        until = await next_front(connection, self._before, front, ENTRIES_MAX)
        entries = until.sequence - front.sequence
        if self._apply and entries:
            entries = await prune_journal(connection, front, until)
        if front.stream == "outcomes":
            self.counts.outcomes += entries
        else:
            self.counts.dead_letters += entries
        return until if entries == ENTRIES_MAX else None
