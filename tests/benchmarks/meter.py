"""Who uses the processor: seconds by phase of a batch, in the worker and in Postgres.

All that runs in an event loop runs in a callback. Here the processor time of each one is put to the
account of whoever it was for: a phase of the loop, publishing, a client of Kafka. What else the
machine does meanwhile does not disturb it. It begins when the worker has taken its lanes over, and
ends when all that came of so many events is published.
"""

import asyncio
import threading
import time
from asyncio import events
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from aiokafka import AIOKafkaConsumer

from consumers.ahead import DECODE_AHEAD, READ_AHEAD
from schemas import steps
from schemas.steps import Step

# What the loop does after a step, until the next one. It waits for records in `order`, if at all.
PHASE_AFTER: Final[dict[str, str]] = {
    "polled": "load",
    "loaded": "decide",
    "decided": "save",
    "committed": "hand over",
    "handed_over": "order",
}
PHASES: Final = ("poll", "decode", "order", "load", "decide", "save", "hand over", "publish")


class Meter:
    """Seconds by account."""

    def __init__(self, events_expected: int, postmaster: int) -> None:
        self.cpu, self.wall, self.postgres = (defaultdict[str, float](float) for _ in range(3))
        self.done = asyncio.Event()
        self.steps: Counter[str] = Counter()  # how often each was done
        self.in_hand: Counter[str] = Counter()  # with how many
        self._expected = events_expected
        self._postmaster = postmaster
        self._thread = threading.get_ident()  # Faust has one of its own
        self._phase = self._owner = "order"
        self._loop_task: asyncio.Task[Any] | None = None
        self._begin()

    def _begin(self) -> None:
        for seconds in (self.cpu, self.wall, self.postgres):
            seconds.clear()
        for count in (self.steps, self.in_hand):
            count.clear()
        self._thread_at, self._wall_at = time.thread_time(), time.perf_counter()
        self._process_at = time.process_time()
        self._postgres_at = self._postgres_seconds()

    @contextmanager
    def running(self) -> Iterator[None]:
        """Look at every callback, every poll and every step."""
        run, getmany = events.Handle._run, AIOKafkaConsumer.getmany

        def metered_run(handle: events.Handle) -> None:
            if threading.get_ident() != self._thread:
                run(handle)
                return
            self._charge()
            self._owner = self._owner_of(handle._callback)  # type: ignore[attr-defined]
            try:
                run(handle)
            finally:
                self._charge()
                self._owner = "event loop"

        async def metered_getmany(consumer: Any, *partitions: Any, **options: Any) -> Any:
            is_ahead = _name_of(asyncio.current_task()) == READ_AHEAD
            self._charge()
            if is_ahead:
                self._owner = "poll"
            try:
                return await getmany(consumer, *partitions, **options)
            finally:
                self._charge()
                if is_ahead:
                    self._owner = "decode"

        events.Handle._run = metered_run  # type: ignore[method-assign,assignment]
        AIOKafkaConsumer.getmany = metered_getmany
        steps.on_step(self._on_step)
        try:
            yield
        finally:
            steps.on_step(None)
            events.Handle._run = run  # type: ignore[method-assign]
            AIOKafkaConsumer.getmany = getmany

    def _on_step(self, step: Step, in_hand: int) -> None:
        if step == "sought":
            self._loop_task = asyncio.current_task()
            self._begin()
        self.steps[step] += 1
        self.in_hand[step] += in_hand
        if step in PHASE_AFTER:
            self._turn_to(PHASE_AFTER[step])
        all_read = self.in_hand["polled"] >= self._expected
        if step == "noted" and all_read and self.in_hand["noted"] == self.in_hand["handed_over"]:
            self._end()

    def _turn_to(self, phase: str) -> None:
        """Put what was used since the last turn to the phase before."""
        self._charge()
        now, postgres = time.perf_counter(), self._postgres_seconds()
        self.wall[self._phase] += now - self._wall_at
        self.postgres[self._phase] += postgres - self._postgres_at
        self._phase, self._postgres_at = phase, postgres
        # What the meter itself takes is nobody's.
        self._wall_at, self._thread_at = time.perf_counter(), time.thread_time()
        if asyncio.current_task() is self._loop_task:
            self._owner = phase

    def _end(self) -> None:
        if not self.done.is_set():
            self._turn_to("other")
            self.cpu["threads"] = time.process_time() - self._process_at - sum(self.cpu.values())
            self.done.set()

    def _charge(self) -> None:
        now = time.thread_time()
        if not self.done.is_set():
            self.cpu[self._owner] += now - self._thread_at
        self._thread_at = now

    def _owner_of(self, callback: Callable[..., Any]) -> str:
        of = getattr(callback, "__self__", None)
        if isinstance(of, asyncio.Task):
            if _name_of(of) == DECODE_AHEAD:
                return "decode"
            if _name_of(of) == READ_AHEAD:
                return "poll"
            return self._phase if of is self._loop_task else _owner_of_task(of)
        protocol = type(getattr(of, "_protocol", None)).__module__
        if protocol.startswith("asyncpg"):
            return self._phase
        return "kafka client" if protocol.startswith("aiokafka") else "event loop"

    def _postgres_seconds(self) -> float:
        """Give what all processes of Postgres together have used."""
        return sum(map(_seconds_of, _children(self._postmaster)))


def _name_of(task: "asyncio.Task[Any] | None") -> str:
    return task.get_name() if task else ""


def _owner_of_task(task: asyncio.Task[Any]) -> str:
    code = getattr(task.get_coro(), "cr_code", None)
    file = code.co_filename if code else ""
    if task.get_name() == "publish" or "aiokafka/producer" in file:
        return "publish"
    return "kafka client" if "aiokafka" in file else "others"


def _children(process_id: int) -> list[str]:
    """Give the ids of processes that one has started, where the system tells."""
    try:
        return Path(f"/proc/{process_id}/task/{process_id}/children").read_text().split()
    except OSError:
        return []


def _seconds_of(process_id: str) -> float:
    """Give the processor time of a process. Source: Linux, Documentation/scheduler/sched-stats."""
    try:
        nanoseconds = Path(f"/proc/{process_id}/schedstat").read_text().split()[0]
    except OSError:  # another system, or it has ended
        return 0.0
    return int(nanoseconds) / 1e9
