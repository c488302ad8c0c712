"""A whole installation on this machine: both servers, the schema, the topics, and a worker."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar

from pydantic import SecretStr

from db.connect import Connection, connect
from db.migrate import upgrade
from service.embedded import EmbeddedServers, OnProgress, Progress, embedded_servers
from service.embedded.process import ChildProcess
from service.settings import Settings
from service.topics import TopicsOk, check_topics, create_topics
from service.worker_process import worker_process

Result = TypeVar("Result")

LANES: Final = 4


class WorkerEnded(Exception):
    """The worker ended while it was needed; the message is one line for people."""


@dataclass(frozen=True, slots=True)
class Installation:
    """What runs, and the settings by which commands reach it."""

    settings: Settings
    servers: EmbeddedServers
    worker: ChildProcess
    worker_ended: "asyncio.Task[None]"

    async def beside_worker(self, work: Coroutine[Any, Any, Result]) -> Result:
        """Do `work`, as long as the worker runs. Raises WorkerEnded when it does not."""
        task = asyncio.create_task(work)
        try:
            await asyncio.wait({task, self.worker_ended}, return_when=asyncio.FIRST_COMPLETED)
            if not task.done():
                why = self.worker_ended.exception() or "the worker ended by itself"
                raise WorkerEnded(str(why))
            return await task
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def kill(self) -> None:
        """End all of it at once: for those who do not need the data any more."""
        await asyncio.gather(self.worker.kill(), self.servers.kafka.kill())
        # Killed, Postgres would leave its own children to a process 1 that may not mourn them.
        await self.servers.postgres.stop()


@asynccontextmanager
async def installation(
    settings: Settings,
    directory: Path,
    *,
    bring_in: Callable[[Connection], Awaitable[None]],
    on_progress: OnProgress,
) -> AsyncIterator[Installation]:
    """Run everything; at the end stop the worker, then the broker, then Postgres.

    `bring_in` gets a connection before the worker starts. Raises EmbeddedServerError,
    TopicsRefused and what asyncpg raises.
    """
    async with embedded_servers(directory, on_progress=on_progress) as servers:
        settings = _reaching(settings, servers)
        on_progress(Progress("Tables", "migrating", 0.1))
        await asyncio.to_thread(upgrade, servers.database_url)
        on_progress(Progress("Tables", "creating the topics", 0.5))
        if not isinstance(await check_topics(settings), TopicsOk):
            await create_topics(settings, partitions=LANES, replication_factor=1)
        on_progress(Progress("Tables", "importing stock and policies", 0.8))
        await _bring_in(settings, bring_in)
        on_progress(Progress("Tables", "ready", 1.0))
        async with worker_process(settings, directory, on_progress) as (worker, ended):
            yield Installation(settings, servers, worker, ended)


def _reaching(settings: Settings, servers: EmbeddedServers) -> Settings:
    return settings.model_copy(
        update={
            "kafka_bootstrap_servers": servers.bootstrap_servers,
            "database_url": SecretStr(servers.database_url),
        }
    )


async def _bring_in(settings: Settings, bring_in: Callable[[Connection], Awaitable[None]]) -> None:
    url = settings.database_url.get_secret_value()
    connection = await connect(url, application_name="reservations import")
    try:
        await bring_in(connection)
    finally:
        await connection.close(timeout=5)
