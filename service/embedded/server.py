"""What the embedded servers have in common: a directory, a process, a start and two ends."""

import random
import signal
import socket
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, ClassVar

from service.embedded.process import ChildProcess, claim

_READY_SECONDS = 60.0


@dataclass(frozen=True)
class Progress:
    """How far a server's start has come: ``done`` goes from 0 to 1."""

    server: str
    step: str
    done: float


OnProgress = Callable[[Progress], None]


def in_silence(_: Progress) -> None:
    """Report to nobody."""


class EmbeddedServer(ABC):
    """A real server in a directory of its own, reachable over loopback without a password.

    It starts again from its directory, at the same address, after ``stop`` and after ``kill``.
    """

    name: ClassVar[str]
    stop_signal: ClassVar[signal.Signals]

    def __init__(self, directory: Path, on_progress: OnProgress) -> None:
        self.directory = directory.absolute()
        self._on_progress = on_progress
        self._process: ChildProcess | None = None

    @property
    def pid(self) -> int | None:
        """The server's own process id; None while it is stopped."""
        return None if self._process is None else self._process.pid

    async def start(self) -> None:
        """Start the server and return when it answers."""
        self.directory.mkdir(parents=True, exist_ok=True)
        async with claim(self.directory / "server.log") as log:
            await self._prepare(log)
            self._report("starting", 0.8)
            self._process = await self._launch(log)
        try:
            await self._process.until(self._answers, seconds=_READY_SECONDS)
        except BaseException:
            await self.kill()
            raise
        self._report("ready", 1.0)

    async def stop(self, *, seconds: float = 10.0) -> None:
        """Stop the server in good order, and kill it after `seconds`; nothing if it is stopped."""
        if self._process is not None:
            await self._process.stop(self.stop_signal, seconds=seconds)
            self._process = None

    async def kill(self) -> None:
        """End the server with kill -9; do nothing if it is stopped."""
        if self._process is not None:
            await self._process.kill()
            self._process = None

    def _report(self, step: str, done: float) -> None:
        self._on_progress(Progress(self.name, step, done))

    @abstractmethod
    async def _prepare(self, log: BinaryIO) -> None:
        """Make the data directory, if this is the first start."""

    @abstractmethod
    async def _launch(self, log: BinaryIO) -> ChildProcess: ...

    @abstractmethod
    async def _answers(self) -> bool: ...


def free_ports(count: int) -> list[int]:
    """Pick free ports of loopback, below those that the system hands to clients.

    A client that keeps calling a stopped server could otherwise be given that very port.
    """
    candidates = iter(random.sample(range(20_000, 32_000), 100))
    return [next(port for port in candidates if _is_free(port)) for _ in range(count)]


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
