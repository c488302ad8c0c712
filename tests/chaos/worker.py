"""A worker that is started again whenever it ends, as a supervisor would."""

import asyncio
import os
import signal
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from aiohttp import ClientError, ClientSession, ClientTimeout

from service.embedded import EmbeddedServerError
from service.embedded.process import ChildProcess
from service.settings import PREFIX
from service.worker_process import command
from tests.e2e.proxy import Proxy

RESTART_SECONDS: Final = 0.5  # as a supervisor waits before it starts a dead worker again
STOP_SECONDS: Final = 15.0
SETTINGS: Final = {
    "SESSION_TIMEOUT": "3",
    "PUBLISH_TIMEOUT": "4",  # less than some workers are frozen for
    "TICK_INTERVAL": "0.5",
    "LOG_FORMAT": "json",
}


@dataclass
class Worker:
    """A worker that is started again whenever it ends, until it is dismissed."""

    name: str
    log: Path
    to_kafka: Proxy
    to_postgres: Proxy
    http_port: int
    ended_by_itself: list[str] = field(default_factory=list)
    _child: ChildProcess | None = None
    _keeping: asyncio.Task[None] | None = None
    _is_told_to_end: bool = False
    _is_dismissed: bool = False

    def begin(self) -> None:
        self._is_dismissed = False
        self._keeping = asyncio.create_task(self._keep())

    def signal(self, number: int) -> None:
        """Send a signal to the process, if it runs just now."""
        self._is_told_to_end |= number in (signal.SIGKILL, signal.SIGTERM)
        if self._child is not None:
            with suppress(ProcessLookupError):
                os.kill(self._child.pid, number)

    async def dismiss(self) -> None:
        """Stop it in good order, for good."""
        self._is_dismissed = True
        self.signal(signal.SIGTERM)
        if self._keeping is not None:
            await asyncio.wait({self._keeping}, timeout=STOP_SECONDS)
            self.signal(signal.SIGABRT)  # if it has not stopped
            await self._keeping

    async def is_ready(self) -> bool:
        url = f"http://127.0.0.1:{self.http_port}/readyz"
        with suppress(ClientError, OSError):
            async with ClientSession(timeout=ClientTimeout(total=2)) as http, http.get(url) as got:
                return got.status == 200
        return False

    async def is_not_ready(self) -> bool:
        return not await self.is_ready()

    async def _keep(self) -> None:
        while not self._is_dismissed:
            self._is_told_to_end = False
            with self.log.open("ab") as log:
                self._child = await ChildProcess.start(
                    command("worker"), log=log, environment=self._environment()
                )
            try:
                await self._child.succeed()
            except EmbeddedServerError as error:
                if not self._is_told_to_end:
                    self.ended_by_itself.append(str(error))
            self._child = None
            if not self._is_dismissed:
                await asyncio.sleep(RESTART_SECONDS)

    def _environment(self) -> dict[str, str]:
        own = SETTINGS | {
            "KAFKA_BOOTSTRAP_SERVERS": self.to_kafka.address,
            "DATABASE_URL": f"postgresql://postgres@{self.to_postgres.address}/postgres",
            "HTTP_PORT": str(self.http_port),
            "WORKER_NAME": self.name,
        }
        ours = {PREFIX + name: value for name, value in own.items()}
        return ours | {"PYTHONFAULTHANDLER": "1"}  # SIGABRT writes down where it hangs
