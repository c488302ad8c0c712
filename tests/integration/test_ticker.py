"""The ticker on a real Kafka: its failures cost ticks, and never the process."""

import asyncio
import gc
import logging
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable
from types import SimpleNamespace
from typing import Any

import faust
import pytest
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from structlog.testing import capture_logs

from producers.ticks import create_ticker
from service import ticker
from service.embedded import EmbeddedKafka
from service.ticker import Pulse, keep_ticking

TOPIC = "ticks-of-test-ticker"

# What a Faust app leaves open when it crashes is told by Python whenever it is collected.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
_LEFT: list[asyncio.AbstractEventLoop] = []  # kept: else what is left on them is told as an error


@pytest.fixture(scope="module", autouse=True)
async def _topic(kafka: EmbeddedKafka) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka.bootstrap_servers)
    await admin.start()
    await admin.create_topics([NewTopic(TOPIC, num_partitions=1, replication_factor=1)])
    await admin.close()


@pytest.fixture(autouse=True)
def _quick_and_quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ticker, "RESTART_SECONDS", 0.05)
    logging.getLogger("producers.ticks").setLevel(logging.CRITICAL)


@pytest.fixture
async def stop() -> AsyncIterator[asyncio.Event]:
    event = asyncio.Event()
    yield event
    event.set()


class Apps:
    """Makes tickers, and counts the ticks that they see."""

    def __init__(self, kafka: EmbeddedKafka, lanes: Callable[[], Iterable[int]]) -> None:
        self._kafka = kafka
        self._lanes = lanes
        self.made: list[faust.App] = []
        self.pulse = Pulse(2.0)  # longer than an app takes to start
        self.seen = asyncio.Queue[float]()

    def create(self, interval_seconds: float = 0.1) -> faust.App:
        app = create_ticker(
            bootstrap_servers=self._kafka.bootstrap_servers,
            topic=TOPIC,
            group=f"ticker-{id(self)}",
            interval_seconds=interval_seconds,
            emitter="test",
            lanes=self._lanes,
            on_tick_seen=self.seen.put_nowait,
            on_timer=self.pulse.beat,
        )
        self.made.append(app)
        return app


async def test_a_tick_that_fails_does_not_end_the_app(
    kafka: EmbeddedKafka, stop: asyncio.Event
) -> None:
    calls = 0

    def lanes() -> list[int]:
        nonlocal calls
        calls += 1
        if calls <= 3:
            raise RuntimeError("lanes are on their way")
        return [0]

    apps = Apps(kafka, lanes)
    with capture_logs() as logs:
        task = asyncio.create_task(keep_ticking(apps.create, stop, Pulse(60)))
        async with asyncio.timeout(30):
            await apps.seen.get()
        stop.set()
        await task

    assert len(apps.made) == 1
    assert [line["event"] for line in logs] == ["tick.failed"] * 3


@pytest.mark.parametrize("how", ["crash", "stop"])
async def test_when_its_app_ends_another_is_started(kafka: EmbeddedKafka, how: str) -> None:
    # On a loop of its own: a Faust app that crashed leaves tasks that cannot be cancelled.
    with capture_logs() as logs:
        await asyncio.to_thread(_run, _app_ends(kafka, how))

    assert [line["event"] for line in logs] == ["ticker.failed"]
    gc.collect()  # here, where it is not taken for an error


def _run(work: Coroutine[Any, Any, None]) -> None:
    loop = asyncio.new_event_loop()
    try:
        loop.run_until_complete(work)
    finally:
        loop.run_until_complete(_cancel_all())
        if asyncio.all_tasks(loop):
            _LEFT.append(loop)
        else:
            loop.close()


async def _cancel_all() -> None:
    for _ in range(10):
        left = asyncio.all_tasks() - {asyncio.current_task()}
        for task in left:
            task.cancel()
        if left:
            await asyncio.wait(left, timeout=0.05)


async def _app_ends(kafka: EmbeddedKafka, how: str) -> None:
    stop = asyncio.Event()
    apps = Apps(kafka, lambda: [0])
    task = asyncio.create_task(keep_ticking(apps.create, stop, Pulse(60)))
    async with asyncio.timeout(30):
        await apps.seen.get()
        first = apps.made[0]
        await (first.crash(RuntimeError("a bug")) if how == "crash" else first.stop())
        while len(apps.made) == 1:
            await asyncio.sleep(0.01)
        while not apps.seen.empty():
            apps.seen.get_nowait()
        await apps.seen.get()
    stop.set()
    await task
    assert len(apps.made) == 2


async def test_an_app_whose_timer_is_dead_is_replaced(
    kafka: EmbeddedKafka, stop: asyncio.Event
) -> None:
    apps = Apps(kafka, lambda: [0])

    def create() -> faust.App:
        return apps.create(interval_seconds=0.1 if apps.made else 3600)

    with capture_logs() as logs:
        task = asyncio.create_task(keep_ticking(create, stop, apps.pulse))
        async with asyncio.timeout(30):
            while len(apps.made) < 2:
                await asyncio.sleep(0.01)  # ticks of other tests are read too
                while not apps.seen.empty():
                    apps.seen.get_nowait()
            await apps.seen.get()
        stop.set()
        await task

    assert len(apps.made) == 2
    (line,) = logs
    assert (line["event"], line["error"]) == (
        "ticker.failed",
        "RuntimeError('its timer has not fired for 2 s')",
    )


async def test_it_waits_longer_with_every_failure_until_one_has_run_well(
    monkeypatch: pytest.MonkeyPatch, stop: asyncio.Event
) -> None:
    monkeypatch.setattr(ticker, "RESTART_SECONDS", 0.001)
    now = 0.0
    monkeypatch.setattr(ticker, "time", SimpleNamespace(monotonic=lambda: now))
    runs = iter([0.0, 0.0, 31.0, 0.0])

    def create() -> faust.App:
        nonlocal now
        seconds = next(runs, None)
        if seconds is None:
            stop.set()
        now += seconds or 0.0
        raise RuntimeError("no app today")

    with capture_logs() as logs:
        await keep_ticking(create, stop, Pulse(60))

    waits = [line["restart_in"] for line in logs]
    assert waits == pytest.approx([0.002, 0.004, 0.002, 0.004, 0.008])
