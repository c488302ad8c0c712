"""A worker as a process of its own: the command that a shop deploys, started and watched."""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Final

import aiohttp

from service.embedded import OnProgress, Progress
from service.embedded.process import ChildProcess
from service.settings import PREFIX, Settings

WORKER_LOG: Final = "worker.log"
_READY_SECONDS: Final = 60.0
KILL_SECONDS: Final = 5.0  # more than its own time to stop: then it is killed


def environment(settings: Settings) -> dict[str, str]:
    """Give the variables by which other commands reach what the settings name."""
    return {
        f"{PREFIX}KAFKA_BOOTSTRAP_SERVERS": settings.kafka_bootstrap_servers,
        f"{PREFIX}DATABASE_URL": settings.database_url.get_secret_value(),
    }


def command(*arguments: str) -> list[str]:
    """Give a command line of `reservations`."""
    return [sys.executable, "-m", "service.cli", *arguments]


def last_lines(log: Path, count: int) -> list[str]:
    """Give the end of a log, if there is one."""
    try:
        return log.read_text(errors="replace").splitlines()[-count:]
    except OSError:
        return []


@asynccontextmanager
async def worker_process(
    settings: Settings, directory: Path, on_progress: OnProgress
) -> "AsyncIterator[tuple[ChildProcess, asyncio.Task[None]]]":
    """Run a worker as a process of its own, from when it is ready."""
    on_progress(Progress("Worker", "starting", 0.2))
    variables = environment(settings) | {
        f"{PREFIX}HTTP_HOST": settings.http_host,
        f"{PREFIX}HTTP_PORT": str(settings.http_port),
        f"{PREFIX}TICK_INTERVAL": str(settings.tick_interval),
        f"{PREFIX}LOG_FORMAT": "json",
    }
    with (directory / WORKER_LOG).open("ab") as log:
        started = await ChildProcess.start(command("worker"), log=log, environment=variables)
    worker = replace(started, name="the worker")
    ended = asyncio.create_task(worker.succeed())
    try:
        await worker.until(lambda: _is_ready(settings), seconds=_READY_SECONDS)
        on_progress(Progress("Worker", "ready", 1.0))
        yield worker, ended
    finally:
        await worker.stop(seconds=settings.stop_timeout + KILL_SECONDS)
        await asyncio.gather(ended, return_exceptions=True)


async def _is_ready(settings: Settings) -> bool:
    timeout = aiohttp.ClientTimeout(total=2)
    try:
        async with (
            aiohttp.ClientSession(timeout=timeout) as session,
            session.get(f"http://{settings.http_host}:{settings.http_port}/readyz") as answer,
        ):
            return answer.status == 200
    except (aiohttp.ClientError, OSError):
        return False
