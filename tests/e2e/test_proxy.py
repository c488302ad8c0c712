"""The proxy that tests break ways with: each of its faults is what it says."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
from aiokafka.admin import AIOKafkaAdminClient

from service.embedded import start_kafka
from tests.e2e.proxy import Proxy, behind, proxy_to

QUIET_SECONDS = 0.2  # for what shall not come; what shall come is waited for


@pytest.fixture
async def proxy() -> AsyncIterator[Proxy]:
    """A proxy before a server that says everything again."""
    server = await asyncio.start_server(_say_again, "127.0.0.1", 0)
    async with server, proxy_to(server.sockets[0].getsockname()[1]) as proxy:
        yield proxy


async def _say_again(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while chunk := await reader.read(1024):
            writer.write(chunk)
    writer.close()


class Caller:
    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    def say(self, word: bytes) -> None:
        self._writer.write(word)

    async def hears(self, word: bytes, seconds: float = 5) -> bool:
        try:
            async with asyncio.timeout(seconds):
                return await self._reader.readexactly(len(word)) == word
        except TimeoutError:
            return False

    def hang_up(self) -> None:
        self._writer.close()


Call = Callable[[], Awaitable[Caller]]


@pytest.fixture
async def call(proxy: Proxy) -> AsyncIterator[Call]:
    callers: list[Caller] = []

    async def connect() -> Caller:
        callers.append(Caller(*await asyncio.open_connection("127.0.0.1", proxy.port)))
        return callers[-1]

    yield connect
    for caller in callers:
        caller.hang_up()


async def test_without_a_fault_it_passes_everything_on(proxy: Proxy, call: Call) -> None:
    caller = await call()

    caller.say(b"a" * 200_000)

    assert await caller.hears(b"a" * 200_000)


@pytest.mark.parametrize("direction", ["to_server", "to_client"])
async def test_a_stall_holds_one_direction_and_loses_nothing(
    proxy: Proxy, call: Call, direction: str
) -> None:
    caller = await call()
    proxy.stall(direction)  # type: ignore[arg-type]
    caller.say(b"one")
    assert not await caller.hears(b"one", QUIET_SECONDS)

    proxy.heal()

    assert await caller.hears(b"one")


async def test_a_stalled_proxy_still_accepts_connections(proxy: Proxy, call: Call) -> None:
    proxy.stall()

    caller = await call()
    caller.say(b"one")

    assert not await caller.hears(b"one", QUIET_SECONDS)


async def test_answers_are_held_on_the_connection_that_asked_and_on_no_other(
    proxy: Proxy, call: Call
) -> None:
    asker, other = await call(), await call()
    proxy.stall_answers(to=lambda chunk: chunk == b"fetch")

    asker.say(b"fetch")
    other.say(b"hello")

    assert await other.hears(b"hello")
    assert not await asker.hears(b"fetch", QUIET_SECONDS)


async def test_latency_is_of_each_direction(proxy: Proxy, call: Call) -> None:
    caller = await call()
    proxy.delay(0.1)
    began = asyncio.get_running_loop().time()

    caller.say(b"one")

    assert await caller.hears(b"one")
    assert asyncio.get_running_loop().time() - began >= 0.2


async def test_a_reset_is_no_end_of_the_stream(proxy: Proxy, call: Call) -> None:
    caller = await call()
    caller.say(b"one")
    assert await caller.hears(b"one")

    proxy.reset()

    with pytest.raises(ConnectionResetError):
        await caller.hears(b"two")
    again = await call()
    again.say(b"two")
    assert await again.hears(b"two")


async def test_it_refuses_and_listens_again(proxy: Proxy, call: Call) -> None:
    proxy.refuse()
    with pytest.raises(ConnectionRefusedError):
        await call()

    await proxy.listen()

    caller = await call()
    caller.say(b"one")
    assert await caller.hears(b"one")


async def test_clients_of_kafka_stay_behind_it(directory: Path) -> None:
    listener, port = behind("PROXIED")
    server = await start_kafka(directory, listeners=[listener])
    async with proxy_to(listener.port, port) as proxy:
        admin = AIOKafkaAdminClient(bootstrap_servers=proxy.address)
        await admin.start()

        cluster = await admin.describe_cluster()

        assert [(one["host"], one["port"]) for one in cluster["brokers"]] == [("127.0.0.1", port)]
        await admin.close()
    await server.stop()
