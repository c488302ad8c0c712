"""A worker: the loop, the publisher, the ticker and the HTTP side, put together and supervised."""

import asyncio
import contextlib
from collections.abc import Callable
from functools import partial
from typing import Any

import structlog
from aiokafka import AIOKafkaConsumer
from aiokafka.errors import KafkaError
from asyncpg import Pool

from consumers.lanes import TopicsChanged
from consumers.loop import Loop
from consumers.transaction import Applied
from db.connect import WORKER, create_pool
from schemas.journal import Superseded, Unpublished
from service.background import keep_running
from service.blocked import end_when_blocked
from service.clients import new_consumer
from service.ending import (
    close_pool,
    close_publisher,
    close_tracer,
    end_task,
    leave_group,
    until_stopped,
)
from service.http import http_server
from service.membership import (
    LIVE_SECONDS_MAX,
    Membership,
    what_is_missing,
    what_is_stuck,
)
from service.metrics import Metrics, catalogue
from service.metrics.counting import begin_series, count_applied, count_published, tell_build
from service.metrics.gauging import Gauges
from service.pruner import keep_pruning
from service.sampling.sampler import Sampler
from service.settings import Settings
from service.stopping import Stop
from service.ticker import Pulse, keep_ticking
from service.topics import TopicsOk, TopicsRefused, check_topics
from service.tracing import Tracer
from service.watchdog import Stalled, Watchdog
from service.worker_parts import loop_settings, new_publisher, new_ticker

log = structlog.get_logger()

REJOIN_SECONDS = 1.0
TOPICS_LOOKS = 3  # a broker that has just started may not know all of them yet


class Worker:
    """One process of the service. `run` is its whole life."""

    def __init__(self, settings: Settings, tracer: Tracer | None = None) -> None:
        self._settings = settings
        self._tracer = tracer
        self._metrics = Metrics()
        self._membership: Membership | None = None
        self._watchdog = Watchdog(settings)
        self._ticks = Pulse(max(settings.stall_timeout, 10 * settings.tick_interval))
        tell_build(self._metrics)
        begin_series(self._metrics, settings.input_topics.values())
        self._gauges = Gauges(self._metrics, lambda: self._membership, lambda: self._watchdog.ends)
        self._metrics.before_scrape(self._gauges.collect)
        self._sampler = Sampler(settings, self._metrics, lambda: self._membership)

    async def run(self, stop: Stop, on_started: Callable[[int], None]) -> None:
        """Work until `stop` is set; `on_started` gets the HTTP port.

        Raises what another attempt would meet again: CannotListen, LostRecords, GivenUp,
        PermanentFault, TooManyDeadLetters, TopicsRefused.
        """
        settings = self._settings
        pool = await create_pool(
            settings.database_url.get_secret_value(),
            application_name=f"{WORKER} {settings.worker_name}",
            connections_max=settings.database_connections_max,
        )
        self._gauges.pool = pool
        http = http_server(
            settings.http_host,
            settings.http_port,
            self._metrics,
            alive=lambda: self._watchdog.stuck or what_is_stuck(self._membership),
            ready=lambda: what_is_missing(self._membership),
        )
        try:
            async with http as port:
                on_started(port)
                blocked = asyncio.create_task(end_when_blocked(LIVE_SECONDS_MAX))
                beside = [
                    asyncio.create_task(keep_running(name, work, stop))
                    for name, work in (
                        ("gauges", self._gauges.keep_looking),
                        ("sampler", self._sampler.run),
                        ("pruner", partial(keep_pruning, settings, pool, stop)),
                    )
                ]
                ticker = asyncio.create_task(keep_ticking(self._new_ticker, stop, self._ticks))
                try:
                    await self._keep_consuming(pool, stop)
                finally:
                    stop.set()
                    for task in (blocked, *beside):  # what is in hand is rolled back
                        task.cancel()
                    await asyncio.gather(end_task(ticker, stop), close_pool(pool, stop))
                    await close_tracer(self._tracer, stop)
        finally:
            pool.terminate()

    async def _keep_consuming(self, pool: Pool, stop: Stop) -> None:
        """Be a member of the group; after a fence or a fault of Kafka, leave it and join again."""
        while not stop.is_set():
            try:
                await self._consume(pool, stop)
            except TopicsChanged as error:
                await self._look_at_topics(error, stop)
            except (Superseded, Unpublished, Stalled, KafkaError, OSError) as error:
                log.warning("group.left", cause=type(error).__name__, error=str(error))
                self._metrics.add(catalogue.REJOINS, 1, type(error).__name__)
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(stop.wait(), REJOIN_SECONDS)

    async def _look_at_topics(self, error: TopicsChanged, stop: Stop) -> None:
        """Raise TopicsRefused where the topics do not fit together, seen several times."""
        log.warning("group.left", cause="TopicsChanged", error=str(error))
        self._metrics.add(catalogue.REJOINS, 1, "TopicsChanged")
        for look in range(TOPICS_LOOKS):
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), REJOIN_SECONDS)
            try:
                found = await check_topics(self._settings)
            except (KafkaError, OSError):
                return  # Kafka is away: to join the group again waits for it
            if stop.is_set() or isinstance(found, TopicsOk):
                return  # while partitions are being added, one topic has them before the other
            if look == TOPICS_LOOKS - 1:
                raise TopicsRefused(found)

    async def _consume(self, pool: Pool, stop: Stop) -> None:
        consumer = new_consumer(self._settings)
        publisher = new_publisher(self._settings, partial(count_published, self._metrics))
        loop = Loop(
            loop_settings(self._settings),
            pool,
            consumer,
            publisher,
            self._note_applied,
            self._tracer.spans if self._tracer else None,
        )
        self._membership = Membership(consumer, publisher, loop)
        watch = self._watchdog.watch(self._membership)
        try:
            await until_stopped(_start_and_run(consumer, loop, stop), watch, pool, stop)
        finally:
            self._membership = None
            await close_publisher(publisher, stop)
            await leave_group(consumer, stop)

    def _new_ticker(self) -> Any:
        return new_ticker(
            self._settings,
            lanes=lambda: list(self._membership.loop.share.lanes) if self._membership else [],
            on_tick_seen=partial(self._metrics.set, catalogue.TICK_AGE_SECONDS),
            on_timer=self._ticks.beat,
        )

    def _note_applied(self, applied: Applied) -> None:
        count_applied(self._metrics, applied)
        self._sampler.note(applied)


async def _start_and_run(consumer: AIOKafkaConsumer, loop: Loop, stop: Stop) -> None:
    await consumer.start()
    await loop.run(stop)
