"""Spans of the real SDK, kept in memory, of batches between a real Kafka and a real Postgres."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from types import FrameType
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer
from asyncpg import Pool
from msgspec.structs import replace
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from consumers.loop import Loop
from consumers.loop_settings import LoopSettings
from consumers.retrying import apply_with_retries
from consumers.tracing import Tracing
from db.connect import Connection
from db.lanes import Lane
from db.stock_import import StockRow, import_stock
from db.taking_lanes import take_lanes
from schemas import steps
from schemas.events import ExpiryTick
from schemas.journal import JournalEntry
from schemas.steps import Step
from schemas.trace import Trace
from service.clients import new_consumer
from service.embedded import EmbeddedKafka
from service.outcome_reader import Published, published_reader
from service.settings import Settings
from service.spans import Spans
from tests.e2e.events import admitted as sent_admitted
from tests.integration.test_batch import NOW, TOPIC, admitted, batch_of, completed
from tests.integration.test_publisher import made, publisher_of

ONE, TWO, THREE = (digit * 32 for digit in "abc")  # traces
HERS, HIS = "1" * 16, "2" * 16  # spans in them


class Telling:
    """What was exported, as a test asks for it."""

    def __init__(self) -> None:
        self._exporter = InMemorySpanExporter()
        provider = TracerProvider(shutdown_on_exit=False)
        provider.add_span_processor(SimpleSpanProcessor(self._exporter))
        self.spans = Spans(provider.get_tracer("test"), "tills")

    def named(self, name: str) -> list[ReadableSpan]:
        return [span for span in self._exporter.get_finished_spans() if span.name == name]

    def text(self) -> str:
        return "".join(span.to_json() for span in self._exporter.get_finished_spans())


@pytest.fixture
def telling() -> Telling:
    return Telling()


@pytest.fixture
async def lanes(db: Connection) -> dict[int, Lane]:
    await import_stock(db, [StockRow(1, "acme", "lamp", "", 1000)])
    return await take_lanes(db, [0], [TOPIC], "test")


async def test_outcomes_carry_their_events_traces_on_and_a_batch_links_to_them(
    kafka: EmbeddedKafka, pool: Pool, db: Connection, telling: Telling
) -> None:
    settings = await made(kafka)
    await import_stock(db, [StockRow(1, "acme", "lamp", "", 2)])
    sent = {
        "ada": (f"00-{ONE}-{HERS}-01", "shop=1"),
        "bo": (f"00-{TWO}-{HIS}-01", ""),
        "cy": (f"00-{THREE}-{HIS}-00", ""),  # not sampled
        "dee": ("", ""),
    }
    failures = iter([OSError("connection reset")])

    def fail_once(step: Step, entries: int) -> None:
        # The lanes' first sweep may be a batch of its own: it saves nothing that is told of.
        if step == "saved" and entries and (error := next(failures, None)):
            raise error

    await send(settings, sent)
    steps.on_step(fail_once)
    try:
        async with running(settings, pool, telling.spans):
            outcomes = await published(settings, len(sent))
    finally:
        steps.on_step(None)

    failed, batch = telling.named("process")
    events = telling.named(f"process {settings.admitted_topic}")
    assert failed.status.status_code is StatusCode.ERROR
    assert failed.status.description == "OSError: connection reset"
    assert batch.status.status_code is StatusCode.UNSET
    assert batch.parent is None
    assert batch.kind is SpanKind.CONSUMER
    assert links(batch) == {(ONE, HERS), (TWO, HIS), (THREE, HIS)}
    # Each event's span, of the attempt that was committed: a child of what its record names.
    assert {(place(span.parent), *links(span)) for span in events} == {
        ((ONE, HERS), place(batch.context)),
        ((TWO, HIS), place(batch.context)),
    }
    spans = {place(span.context) for span in events}
    carried = {shopper: carried_by(outcome) for shopper, outcome in outcomes.items()}
    assert {carried["ada"], carried["bo"]} == spans
    assert carried["dee"] == place(batch.context)
    assert carried["cy"][0] == THREE
    assert carried["cy"][1] != HIS
    assert header(outcomes["cy"], "traceparent").endswith("-00")
    assert header(outcomes["ada"], "tracestate") == "shop=1"
    assert header(outcomes["bo"], "tracestate") == ""


async def test_spans_say_where_and_how_much_and_nothing_of_people(
    pool: Pool, lanes: dict[int, Lane], telling: Telling
) -> None:
    trace = Trace(f"00-{ONE}-{HERS}-01")
    batch = traced(batch_of([admitted("mary"), admitted("bo", product="none")]), trace)

    applied = await apply(pool, batch, lanes, telling.spans)

    [process] = telling.named("process")
    [first, second] = telling.named(f"process {TOPIC}")
    assert process.context is not None
    assert applied.trace_id == f"{process.context.trace_id:032x}"
    assert attributes(process) == {
        "messaging.system": "kafka",
        "messaging.operation.name": "process",
        "messaging.operation.type": "process",
        "messaging.consumer.group.name": "tills",
        "messaging.batch.message_count": 2,
        "reservations.lanes": (0,),
        "reservations.epochs": (lanes[0].epoch,),
        "reservations.outcomes": 2,
        "reservations.dead_letters": 0,
        **{f"reservations.{phase}_seconds": took for phase, took in applied.seconds.items()},
    }
    assert {attributes(span)["messaging.kafka.offset"] for span in (first, second)} == {0, 1}
    assert attributes(first)["messaging.destination.name"] == TOPIC
    assert attributes(first)["messaging.destination.partition.id"] == "0"
    assert attributes(first)["reservations.outcomes"] == ("reserved",)
    assert "mary" not in telling.text()  # "ada" may be in any id: it is hex
    assert "acme" not in telling.text()


async def test_a_fact_that_waited_goes_on_with_its_own_trace(
    pool: Pool, lanes: dict[int, Lane], telling: Telling
) -> None:
    early = traced(batch_of([completed("ada")]), Trace(f"00-{ONE}-{HERS}-01", "shop=1"))
    late = traced(batch_of([admitted("ada")], start=1), Trace(f"00-{TWO}-{HIS}-01"))

    first = await apply(pool, early, lanes, telling.spans)
    second = await apply(pool, late, first.lanes, telling.spans)

    assert first.entries == []
    traces = {entry.type: (entry.traceparent or "").split("-")[1] for entry in second.entries}
    assert traces == {"fanfare.reservation.reserved": TWO, "fanfare.reservation.converted": ONE}
    states = {entry.type: entry.headers for entry in second.entries}
    assert states["fanfare.reservation.converted"] == (("tracestate", b"shop=1"),)


async def test_a_tick_has_a_span_where_it_ends_a_hold_and_else_none(
    pool: Pool, lanes: dict[int, Lane], telling: Telling
) -> None:
    ago = timedelta(hours=1)
    held = await apply(pool, batch_of([admitted("ada", admitted_at=NOW - ago)]), lanes, None)
    tick = [ExpiryTick(at=NOW - ago), ExpiryTick(at=NOW)]

    quiet = await apply(pool, batch_of(tick[:1], start=1), held.lanes, telling.spans)
    assert telling.named("process") == []
    loud = await apply(pool, batch_of(tick[1:], start=2), quiet.lanes, telling.spans)

    assert quiet.trace_id is None
    [batch] = telling.named("process")
    assert links(batch) == set()
    [expired] = loud.entries
    assert (expired.traceparent or "").split("-")[1:3] == [*place(batch.context)]


async def test_a_sdk_that_is_disabled_passes_a_trace_on_as_it_is(
    pool: Pool, lanes: dict[int, Lane], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_SDK_DISABLED", "true")
    trace = Trace(f"00-{ONE}-{HERS}-01", "shop=1")
    batch = traced(batch_of([admitted("ada")]), trace)
    batch.arrivals += batch_of([admitted("bo")], start=1).arrivals

    applied = await apply(pool, batch, lanes, Telling().spans)

    assert [told(entry) for entry in applied.entries] == [trace, None]
    assert applied.trace_id is None


async def test_where_tracing_is_off_nothing_of_it_runs(pool: Pool, lanes: dict[int, Lane]) -> None:
    """Not for an event and not for a batch; a run with it shows that the test would see it."""
    trace = Trace(f"00-{ONE}-{HERS}-01", "shop=1")
    off = traced(batch_of(admitted(f"off-{n}") for n in range(20)), trace)
    on = traced(batch_of((admitted(f"on-{n}") for n in range(20)), start=20), trace)

    with_none, calls = await counted(apply(pool, off, lanes, None))
    _, more_calls = await counted(apply(pool, on, with_none.lanes, Telling().spans))

    assert calls == 0
    assert more_calls > 20
    assert {told(entry) for entry in with_none.entries} == {trace}


async def counted(work: Any) -> tuple[Any, int]:
    """Count the calls into what traces, ours and OpenTelemetry's."""
    calls = 0

    def see(frame: FrameType, event: str, _: object) -> None:
        nonlocal calls
        name = frame.f_code.co_filename
        is_of_tracing = name.endswith(MODULES) or "/opentelemetry/" in name
        calls += event == "call" and is_of_tracing

    sys.setprofile(see)
    try:
        return await work, calls
    finally:
        sys.setprofile(None)


MODULES = ("consumers/tracing.py", "service/tracing.py", "service/spans.py", "span_contexts.py")


async def apply(pool: Pool, batch: Any, lanes: dict[int, Lane], tracing: Tracing | None) -> Any:
    return await apply_with_retries(pool, batch, lanes, expiry_batch_max=100, tracing=tracing)


def traced(batch: Any, trace: Trace) -> Any:
    batch.arrivals = [replace(arrival, trace=trace) for arrival in batch.arrivals]
    return batch


def told(entry: JournalEntry) -> Trace | None:
    state = (dict(entry.headers).get("tracestate") or b"").decode()
    return Trace(entry.traceparent, state) if entry.traceparent else None


def attributes(span: ReadableSpan) -> dict[str, Any]:
    return dict(span.attributes or {})


def place(context: Any) -> tuple[str, str]:
    return f"{context.trace_id:032x}", f"{context.span_id:016x}"


def links(span: ReadableSpan) -> set[tuple[str, str]]:
    return {place(link.context) for link in span.links}


def header(record: Published, name: str) -> str:
    return (dict(record.headers).get(name) or b"").decode()


def carried_by(record: Published) -> tuple[str, str]:
    _, trace_id, span_id, _ = header(record, "traceparent").split("-")
    return trace_id, span_id


async def send(settings: Settings, traces: dict[str, tuple[str, str]]) -> None:
    """Admit these shoppers, all in one lane."""
    producer = AIOKafkaProducer(bootstrap_servers=settings.kafka_bootstrap_servers)
    await producer.start()
    for shopper, values in traces.items():
        _, key, value = sent_admitted(shopper)
        names = zip(("traceparent", "tracestate"), values, strict=True)
        headers = [(name, text.encode()) for name, text in names if text]
        sending = {"key": (key or "").encode(), "headers": headers, "partition": 1}
        await producer.send_and_wait(settings.admitted_topic, value, **sending)
    await producer.stop()


@asynccontextmanager
async def running(settings: Settings, pool: Pool, tracing: Tracing) -> AsyncIterator[None]:
    consumer, publisher = new_consumer(settings), publisher_of(settings)
    await consumer.start()
    topics = tuple(settings.input_topics.values())
    names = LoopSettings(topics, settings.expiry_ticks_topic, owner="test")
    loop = Loop(names, pool, consumer, publisher, lambda applied: None, tracing)
    stop = asyncio.Event()
    task = asyncio.create_task(loop.run(stop))
    try:
        yield
        stop.set()
        await task
    finally:
        task.cancel()
        await publisher.close(0)
        await consumer.stop()


async def published(settings: Settings, count: int) -> dict[str, Published]:
    """Read so many outcomes, by the shopper."""
    found: dict[str, Published] = {}
    async with (
        asyncio.timeout(30),
        published_reader(settings, [settings.outcomes_topic], 2) as reader,
    ):
        await reader.from_beginning()
        arriving = reader.endless()
        while len(found) < count:
            for record in await anext(arriving):
                found[json.loads(record.value or b"{}")["consumerId"]] = record
    return found
