"""Takes samples in the background: one connection of its own, one sample after the other."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Final, TypeAlias

import asyncpg
import structlog

from consumers.faults import DATABASE_ERRORS, told
from consumers.transaction import Applied
from db.connect import Connection, connect
from db.sampling import ask
from service.membership import Membership
from service.metrics import Metrics, catalogue
from service.sampling.of_database import DatabaseSamples
from service.sampling.of_lanes import LaneSamples
from service.settings import Settings

log = structlog.get_logger()

ANSWER_SECONDS_MAX: Final = 5.0  # to ask for nothing
# What takes longer costs others too much, and is not taken.
SAMPLE_SECONDS_MAX: Final = 30.0
# A sample rests for so many times what it took, so that all of them use a part of one connection.
REST: Final = 20.0
# A look at drift reads all reservations, which is felt: one event in a hundred comes beside it.
# What people watch while they sell does not wait so long for one slow moment.
REST_OF_DRIFT: Final = 100.0
# None becomes so old that its age is alarming (deploy/prometheus/rules/alerts.yml).
REST_SECONDS_MAX: Final = 600.0

LANE_OF_DATABASE: Final = 0  # its owner samples what is of no lane

Sample: TypeAlias = Callable[[Connection, Membership], Awaitable[None]]


def rest_seconds(name: str, took_seconds: float) -> float:
    """Give how long the sample of this name rests after one that took so long."""
    times = REST_OF_DRIFT if name == "drift" else REST
    return min(times * took_seconds, REST_SECONDS_MAX)


class Sampler:
    """Feeds the metrics that need the database, as long as `run` runs. It ends no worker."""

    def __init__(
        self, settings: Settings, metrics: Metrics, membership: Callable[[], Membership | None]
    ) -> None:
        self._settings = settings
        self._metrics = metrics
        self._membership = membership
        self._connection: asyncpg.Connection | None = None
        self._lanes = LaneSamples(metrics)
        self._database = DatabaseSamples(metrics, settings.stock_lines_measured)
        self._due_at: dict[str, float] = {}
        self._taken_at: dict[str, float] = {}  # or when it became ours to take
        metrics.before_scrape(self._collect_ages)

    def note(self, applied: Applied) -> None:
        """Note the refusals of a batch."""
        self._lanes.undersold.note(applied.outcomes)

    async def run(self) -> None:
        """Sample for ever."""
        try:
            while True:
                await asyncio.sleep(self._settings.sample_interval)
                await self._take_round()
        finally:
            self._disconnect()

    async def _take_round(self) -> None:
        membership = self._membership()
        ours = self._ours(membership)
        connection = await self._connected()
        self._metrics.set(catalogue.SERVER_REACHABLE, connection is not None, "postgres")
        if connection is None or membership is None:
            return
        for name, sample in ours.items():
            if self._due_at.get(name, 0.0) <= time.monotonic():
                try:
                    await self._take(name, sample, connection, membership)
                except DATABASE_ERRORS as error:  # a TimeoutError is one
                    self._fail(name, error)
                    return  # what the connection is at, nobody knows

    def _ours(self, membership: Membership | None) -> dict[str, Sample]:
        """Give the samples that are ours to take; what is not any more is forgotten."""
        owned = membership.loop.share.lanes if membership else {}
        lanes, database = self._lanes, self._database
        ours: dict[str, Sample] = {}
        if owned:
            ours |= {"ages": lanes.ages, "journal": lanes.journal, "refusals": lanes.refusals}
        else:
            lanes.forget()
        if LANE_OF_DATABASE in owned:
            ours |= {"stock": database.stock, "lines": database.lines, "drift": database.drift}
        else:
            database.forget()
        now = time.monotonic()
        self._taken_at = {name: self._taken_at.get(name, now) for name in ours}
        return ours

    async def _take(
        self, name: str, sample: Sample, connection: Connection, membership: Membership
    ) -> None:
        began = time.monotonic()
        try:
            async with asyncio.timeout(SAMPLE_SECONDS_MAX):
                await sample(connection, membership)
            self._taken_at[name] = time.monotonic()
        finally:
            ended = time.monotonic()
            self._due_at[name] = ended + rest_seconds(name, ended - began)

    async def _connected(self) -> asyncpg.Connection | None:
        """Give a connection on which Postgres answers; None: it does not."""
        try:
            if self._connection is None or self._connection.is_closed():
                self._connection = await connect(
                    self._settings.database_url.get_secret_value(),
                    application_name=f"reservations sampler {self._settings.worker_name}",
                    is_in_background=True,
                )
            async with asyncio.timeout(ANSWER_SECONDS_MAX):
                await ask(self._connection)
        except DATABASE_ERRORS as error:
            self._fail("whether Postgres answers", error)
        return self._connection

    def _fail(self, name: str, error: BaseException) -> None:
        log.warning("sample.failed", sample=name, error=told(error))
        self._disconnect()

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.terminate()
            self._connection = None

    def _collect_ages(self) -> None:
        self._metrics.forget(catalogue.SAMPLE_AGE_SECONDS)
        for name, taken_at in self._taken_at.items():
            age = time.monotonic() - taken_at
            self._metrics.set(catalogue.SAMPLE_AGE_SECONDS, age, name)
