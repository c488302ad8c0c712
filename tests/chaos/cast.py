"""Everything that runs: both servers, workers behind proxies, and who starts the dead again."""

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pydantic import SecretStr

from service.embedded import EmbeddedKafka, EmbeddedPostgres
from service.embedded.server import free_ports
from service.embedded.together import together
from service.settings import Settings
from tests.chaos.plan import WORKERS
from tests.chaos.sale import open_sale
from tests.chaos.worker import Worker
from tests.e2e.proxy import behind, proxy_to
from tests.e2e.world import until

READY_SECONDS: Final = 40.0


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
