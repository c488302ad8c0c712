"""A TCP proxy that a test puts between a client and a server, to break the way between them.

Bytes are held back, never dropped: after `heal` they arrive late and in order, as with TCP itself.
A client that takes its server's address from the server (Kafka's do) needs a listener that
advertises the proxy's port: see `Listener` of the embedded Kafka, and `behind` below.
"""

import asyncio
import contextlib
import socket
import struct
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Literal

from service.embedded.kafka import Listener
from service.embedded.server import free_ports

Direction = Literal["to_server", "to_client"]

BOTH: tuple[Direction, ...] = ("to_server", "to_client")
CHUNK_BYTES = 64 * 1024
# Lingering for no time at all: to close sends a reset, and what was not read yet is lost.
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)


@dataclass(eq=False)
class Link:
    """A client's connection and the server's that belongs to it."""

    client: asyncio.StreamWriter
    server: asyncio.StreamWriter
    held: set[Direction] = field(default_factory=set)  # of this link alone

    def close(self) -> None:
        for writer in (self.client, self.server):
            writer.close()

    def reset(self) -> None:
        for writer in (self.client, self.server):
            endpoint: socket.socket = writer.get_extra_info("socket")
            with contextlib.suppress(OSError):
                endpoint.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
            writer.transport.abort()


class Proxy:
    """Listens on `port` of loopback, and passes on to `server_port`, while no fault is set."""

    def __init__(self, server_port: int, port: int = 0) -> None:
        self.port = port or free_ports(1)[0]
        self.links: set[Link] = set()
        self._server_port = server_port
        self._latency_seconds = 0.0
        self._held: set[Direction] = set()
        self._holds_answers_to: Callable[[bytes], bool] | None = None
        self._changed = asyncio.Event()
        self._listening: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    async def listen(self) -> None:
        """Accept connections, for the first time or again after `refuse`."""
        if self._listening is None:
            self._listening = await asyncio.start_server(self._accept, "127.0.0.1", self.port)

    def refuse(self) -> None:
        """Refuse new connections; those that are there stay."""
        if self._listening is not None:
            self._listening.close()
            self._listening = None

    def delay(self, seconds: float) -> None:
        """Let every chunk take so long, in each direction."""
        self._latency_seconds = seconds

    def stall(self, *directions: Direction) -> None:
        """Pass nothing on, in one direction or both; connections stay open, new ones are made."""
        self._held |= set(directions or BOTH)

    def stall_answers(self, to: Callable[[bytes], bool]) -> None:
        """Hold the answers of each connection from when it has sent a chunk that `to` accepts."""
        self._holds_answers_to = to

    def reset(self) -> None:
        """Reset all connections (RST); new ones are accepted."""
        for link in list(self.links):
            link.reset()

    def heal(self) -> None:
        """Undo latency and stalls: what was held back is passed on now."""
        self._latency_seconds = 0.0
        self._held.clear()
        self._holds_answers_to = None
        for link in self.links:
            link.held.clear()
        self._changed.set()
        self._changed = asyncio.Event()

    async def close(self) -> None:
        self.refuse()
        for link in list(self.links):
            link.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        # The server's death is the client's business, and no line in the log of a test.
        with contextlib.suppress(OSError, asyncio.CancelledError):
            await self._connect(reader, writer)
        writer.close()

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        answers, server = await asyncio.open_connection("127.0.0.1", self._server_port)
        link = Link(writer, server)
        self.links.add(link)
        try:
            await asyncio.gather(
                self._pass_on(link, reader, server, "to_server"),
                self._pass_on(link, answers, writer, "to_client"),
            )
        finally:
            self.links.discard(link)
            link.close()

    async def _pass_on(
        self,
        link: Link,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        direction: Direction,
    ) -> None:
        while chunk := await reader.read(CHUNK_BYTES):
            if direction == "to_server" and self._is_held_after(chunk):
                link.held.add("to_client")
            if self._latency_seconds:
                await asyncio.sleep(self._latency_seconds)
            while direction in self._held | link.held:
                await self._changed.wait()
            writer.write(chunk)
            await writer.drain()
        link.close()  # half closed is closed: no client here goes on reading

    def _is_held_after(self, chunk: bytes) -> bool:
        return self._holds_answers_to is not None and self._holds_answers_to(chunk)


@asynccontextmanager
async def proxy_to(server_port: int, port: int = 0) -> AsyncIterator[Proxy]:
    """Run a proxy in front of a server of loopback."""
    proxy = Proxy(server_port, port)
    await proxy.listen()
    try:
        yield proxy
    finally:
        await proxy.close()


def behind(name: str) -> tuple[Listener, int]:
    """Give a listener for the embedded Kafka, and the port that a proxy before it has to have.

    Run it with ``proxy_to(listener.port, port)``, and give clients the proxy's address.
    """
    listener_port, port = free_ports(2)
    return Listener(name, port=listener_port, advertised_port=port), port
