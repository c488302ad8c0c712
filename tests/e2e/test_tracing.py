"""A real worker and a collector: what arrives there, and what a worker without tracing does."""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web
from aiokafka import AIOKafkaProducer
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.e2e.events import ADMITTED, admitted
from tests.e2e.world import World

TRACE_ID, SPAN_ID = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
HEADERS = [("traceparent", f"00-{TRACE_ID}-{SPAN_ID}-01".encode()), ("tracestate", b"shop=1")]


class Collector:
    """Takes spans in as OTLP over HTTP, protobuf."""

    def __init__(self) -> None:
        self.spans: list[Any] = []
        self.resources: list[dict[str, str]] = []
        self.url = ""

    async def take(self, request: web.Request) -> web.Response:
        sent = ExportTraceServiceRequest.FromString(await request.read())
        for of_one in sent.resource_spans:
            named = of_one.resource.attributes
            self.resources.append({one.key: one.value.string_value for one in named})
            for scope in of_one.scope_spans:
                self.spans += scope.spans
        return web.Response(body=b"", content_type="application/x-protobuf")


@asynccontextmanager
async def collecting() -> AsyncIterator[Collector]:
    collector = Collector()
    app = web.Application()
    app.router.add_post("/v1/traces", collector.take)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    collector.url = site.name
    try:
        yield collector
    finally:
        await runner.cleanup()


async def test_a_worker_has_sent_all_its_spans_when_it_has_stopped(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.prepare(partitions=1, stock={"lamp": 10})
    async with collecting() as collector:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url)
        monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "60000")  # so that only the end sends them
        worker = await world.start_worker(TRACING="true")
        await send(world, "ada")
        [outcome] = await world.outcomes(lambda read: len(read) == 1)
        line = await worker.log("batch.applied")
        assert await worker.stop() == 0

    batch, event = sorted(collector.spans, key=lambda span: len(span.name))
    assert collector.resources[0]["service.name"] == "reservations"
    assert event.name == f"process {world.topic(ADMITTED)}"
    assert (event.trace_id.hex(), event.parent_span_id.hex()) == (TRACE_ID, SPAN_ID)
    assert outcome["headers"]["traceparent"] == f"00-{TRACE_ID}-{event.span_id.hex()}-01"
    assert outcome["headers"]["tracestate"] == "shop=1"
    assert line["trace_id"] == batch.trace_id.hex()
    assert [link.span_id.hex() for link in batch.links] == [SPAN_ID]


async def test_a_collector_that_is_away_holds_nothing_up(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.prepare(partitions=1, stock={"lamp": 10})
    async with collecting() as gone:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", gone.url)
    worker = await world.start_worker(TRACING="true", STOP_TIMEOUT="60")
    await send(world, "ada")
    await world.outcomes(lambda read: len(read) == 1)

    began = time.monotonic()
    assert await worker.stop() == 0
    assert time.monotonic() - began < 8  # the exporter alone would try for ten seconds


async def test_without_tracing_nothing_of_it_is_imported_and_a_trace_goes_on_as_it_is(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.prepare(partitions=1, stock={"lamp": 10})
    monkeypatch.setenv("PYTHONPROFILEIMPORTTIME", "1")  # it says each import on stderr
    worker = await world.start_worker()

    await send(world, "ada")
    [outcome] = await world.outcomes(lambda read: len(read) == 1)
    line = await worker.log("batch.applied")
    assert await worker.stop() == 0

    assert outcome["headers"]["traceparent"] == f"00-{TRACE_ID}-{SPAN_ID}-01"
    assert outcome["headers"]["tracestate"] == "shop=1"
    assert "trace_id" not in line
    imported = {one["line"].rpartition("|")[2].strip() for one in worker.lines if "line" in one}
    assert {"aiokafka", "consumers.loop", "service.tracing"} <= imported
    assert {name for name in imported if name.startswith("opentelemetry")} == set()
    assert {"service.spans", "service.span_contexts"} & imported == set()


async def send(world: World, shopper: str) -> None:
    """Admit a shopper, in a trace."""
    _, key, value = admitted(shopper)
    producer = AIOKafkaProducer(bootstrap_servers=world.bootstrap_servers)
    await producer.start()
    await producer.send_and_wait(
        world.topic(ADMITTED), value, key=(key or "").encode(), headers=HEADERS
    )
    await producer.stop()
