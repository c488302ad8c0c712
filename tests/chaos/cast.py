"""Everything that runs: both servers, workers behind proxies, and who starts the dead again."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from aiohttp import ClientError, ClientSession, ClientTimeout
from pydantic import SecretStr

from service.embedded import EmbeddedKafka, EmbeddedPostgres, EmbeddedServerError
from service.embedded.process import ChildProcess
from service.embedded.server import free_ports
from service.embedded.together import together
from service.settings import PREFIX, Settings
from service.worker_process import command
from tests.chaos.plan import WORKERS
from tests.chaos.sale import open_sale
from tests.e2e.proxy import Proxy, behind, proxy_to
from tests.e2e.world import until

RESTART_SECONDS: Final = 0.5  # as a supervisor waits before it starts a dead worker again
STOP_SECONDS: Final = 15.0
READY_SECONDS: Final = 40.0
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


@dataclass
class Cast:
    """The servers, the workers, and one more who comes and goes."""

    postgres: EmbeddedPostgres
    kafka: EmbeddedKafka
    workers: list[Worker]
    visitor: Worker

    @property
    def settings(self) -> Settings:
        """The way to the servers past all proxies."""
        return Settings(
            kafka_bootstrap_servers=self.kafka.bootstrap_servers,
            database_url=SecretStr(self.postgres.dsn),
        )

    async def all_are_ready(self) -> list[str]:
        """Wait for every worker to be a healthy member; name those that do not become one."""
        try:
            async with asyncio.timeout(READY_SECONDS):
                for worker in self.workers:
                    await until(worker.is_ready, READY_SECONDS)
        except TimeoutError:
            hanging = [worker for worker in self.workers if not await worker.is_ready()]
            for worker in hanging:
                worker.signal(signal.SIGABRT)
            return [worker.name for worker in hanging]
        return []


@asynccontextmanager
async def cast(directory: Path) -> AsyncIterator[Cast]:
    """Start everything in a directory: servers, schema, topics, stock, workers."""
    names = [f"worker-{n + 1}" for n in range(WORKERS)] + ["visitor"]
    doors = [behind(f"W{n}") for n in range(len(names))]
    postgres = EmbeddedPostgres(directory / "postgres")
    kafka = EmbeddedKafka(directory / "kafka", listeners=[listener for listener, _ in doors])
    async with AsyncExitStack() as stack:
        stack.push_async_callback(postgres.stop)
        stack.push_async_callback(kafka.stop)
        await together(postgres.start(), kafka.start())
        workers = []
        for name, (listener, port) in zip(names, doors, strict=True):
            to_kafka = await stack.enter_async_context(proxy_to(listener.port, port))
            to_postgres = await stack.enter_async_context(proxy_to(postgres.port))
            log, (http_port,) = directory / f"{name}.log", free_ports(1)
            workers.append(Worker(name, log, to_kafka, to_postgres, http_port))
        cast = Cast(postgres, kafka, workers[:-1], workers[-1])
        await open_sale(cast.settings)
        for worker in cast.workers:
            stack.push_async_callback(worker.dismiss)
            worker.begin()
        assert not await cast.all_are_ready(), "see the workers' logs"
        yield cast
