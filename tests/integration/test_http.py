"""The HTTP side on a real socket: what it answers, and what it does not put up with."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from types import SimpleNamespace

import pytest
from structlog.testing import capture_logs

from service import http_door
from service.http import http_server
from service.metrics import Metrics


@dataclass
class Answer:
    status: int
    head: str
    body: str


Ask = Callable[[bytes], Awaitable[Answer]]


@dataclass
class Site:
    port: int
    metrics: Metrics
    writers: list[asyncio.StreamWriter]

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        self.writers.append(writer)
        return reader, writer

    async def ask(self, request: bytes) -> Answer:
        """Send bytes, and read until the server closes; it may before all is sent."""
        reader, writer = await self.connect()
        with contextlib.suppress(OSError):
            writer.write(request)
            await writer.drain()
        async with asyncio.timeout(10):
            return parsed(await _all_of(reader))

    async def get(self, path: str, *headers: str, method: str = "GET") -> Answer:
        head = "\r\n".join((f"{method} {path} HTTP/1.1", "Host: a", "Connection: close", *headers))
        return await self.ask(f"{head}\r\n\r\n".encode())


async def _all_of(reader: asyncio.StreamReader) -> bytes:
    found = b""
    with contextlib.suppress(ConnectionResetError):  # it closes on what it does not read
        while chunk := await reader.read(65536):
            found += chunk
    return found


def parsed(raw: bytes) -> Answer:
    head, _, body = raw.decode().partition("\r\n\r\n")
    return Answer(int(head.split()[1]) if head else 0, head, body)


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    metrics, writers = Metrics(), list[asyncio.StreamWriter]()
    server = http_server("127.0.0.1", 0, metrics, alive=lambda: None, ready=lambda: "not yet")
    async with server as port:
        yield Site(port, metrics, writers)
        for writer in writers:
            writer.close()


async def test_it_answers_what_is_asked(site: Site) -> None:
    alive, ready, metrics = [await site.get(f"/{one}") for one in ("livez", "readyz", "metrics")]

    assert (alive.status, alive.body) == (200, "ok\n")
    assert (ready.status, ready.body) == (503, "not yet\n")
    assert metrics.status == 200
    assert "reservations_lanes_owned" in metrics.body


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"])
async def test_only_get_is_allowed(site: Site, method: str) -> None:
    answer = await site.get("/metrics", method=method)

    assert answer.status == 405
    assert "Allow: GET,HEAD" in answer.head


@pytest.mark.parametrize(
    "header", ["Content-Length: 1000000000", "Content-Length: 1", "Transfer-Encoding: chunked"]
)
async def test_a_body_is_refused_before_it_is_read(site: Site, header: str) -> None:
    answer = await site.get("/metrics", header)

    assert (answer.status, answer.body) == (413, "no request here has a body\n")


@pytest.mark.parametrize(
    "request_",
    [
        b"GET /" + b"a" * 5000 + b" HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"a" * 10_000 + b"\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\n" + b"X: a\r\n" * 10_000 + b"\r\n",
        b"not HTTP at all\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",  # TLS at the wrong door
    ],
)
async def test_a_head_that_is_too_much_or_none_is_refused_and_nothing_of_ours_is_shown(
    site: Site, request_: bytes
) -> None:
    answer = await site.ask(request_)

    assert answer.status == 400
    assert "Traceback" not in answer.body
    assert "service/" not in answer.body
    assert (await site.get("/livez")).status == 200


async def test_a_failure_is_logged_and_shown_to_nobody(site: Site) -> None:
    def fail() -> None:
        raise RuntimeError("with a s3cret")

    site.metrics.before_scrape(fail)
    with capture_logs() as logs:
        answer = await site.get("/metrics")

    assert (answer.status, answer.body) == (500, "internal error, see the log\n")
    assert [line["event"] for line in logs] == ["http.failed"]


async def test_versions_are_not_told(site: Site) -> None:
    answer = await site.get("/livez")

    assert "Server: reservations" in answer.head
    assert "aiohttp" not in answer.head


async def test_a_flood_is_refused_and_probes_are_not(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = time.monotonic()  # all in one instant, however long it takes this machine
    monkeypatch.setattr(http_door, "time", SimpleNamespace(monotonic=lambda: now))

    statuses = [(await site.get("/metrics")).status for _ in range(150)]
    probes = [(await site.get("/livez")).status for _ in range(150)]

    assert statuses == [200] * 100 + [429] * 50
    assert probes == [200] * 150


async def test_a_slow_client_loses_its_connection(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http_door, "CONNECTION_SECONDS_MAX", 0.3)
    reader, writer = await site.connect()
    writer.write(b"GET /livez HTTP/1.1\r\nHost:")
    began = time.monotonic()

    async with asyncio.timeout(10):
        assert await _all_of(reader) == b""

    assert time.monotonic() - began >= 0.25


async def test_idle_connections_keep_nobody_out(site: Site) -> None:
    idle = [await site.connect() for _ in range(http_door.CONNECTIONS_MAX + 20)]

    assert (await site.get("/livez")).status == 200

    async with asyncio.timeout(10):  # the oldest had to go
        assert await _all_of(idle[0][0]) == b""
