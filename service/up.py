"""`reservations up`: embedded servers and a worker, kept up, with their data kept between runs."""

import asyncio
import fcntl
import os
import shlex
import socket
import sys
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager, suppress
from pathlib import Path
from typing import Final

from rich.console import Console

from service.embedded.server import free_ports
from service.example import bring_in_example
from service.local import Installation, installation
from service.settings import Settings
from service.starting import starting
from service.worker_process import WORKER_LOG, environment

_WATCH_SECONDS: Final = 1.0


class CannotRun(Exception):
    """It runs already, or something is in its way, or a part of it has ended: one line."""


async def run_up(settings: Settings, console: Console, *, plain: bool) -> int:
    """Run until cancelled; then stop the worker, the broker and Postgres, in this order."""
    directory = settings.data_directory.absolute()
    with _alone_in(directory):
        settings = _with_port(settings)
        async with AsyncExitStack() as stack:
            with starting(console, plain=plain) as on_progress:
                local = await stack.enter_async_context(
                    installation(
                        settings, directory, bring_in=bring_in_example, on_progress=on_progress
                    )
                )
            stack.enter_context(_environment_file(directory, local.settings))
            _say_addresses(console, directory, local.settings)
            try:
                await local.beside_worker(_watch_servers(local))
            finally:
                with suppress(OSError):  # the terminal may be gone
                    console.out("Stopping the worker, Kafka and Postgres.", highlight=False)
    return 0


def _with_port(settings: Settings) -> Settings:
    """Check that the port of the HTTP side is free, before anything is started."""
    if settings.http_port == 0:
        (port,) = free_ports(1)
        return settings.model_copy(update={"http_port": port})
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.http_host, settings.http_port))
        except OSError as error:
            raise CannotRun(
                f"cannot listen on {settings.http_host}:{settings.http_port} ({error.strerror}): "
                "set RESERVATIONS_HTTP_PORT to another port, or to 0 for any"
            ) from None
    return settings


@contextmanager
def _alone_in(directory: Path) -> Iterator[None]:
    """Own a directory until the block ends, or this process does."""
    directory.mkdir(parents=True, exist_ok=True)
    with (directory / "up.lock").open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            raise CannotRun(
                f"`reservations up` runs in {_shown(directory)} already, as process "
                f"{lock.read().strip() or 'unknown'}: stop it, or give another --directory"
            ) from None
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        yield


@contextmanager
def _environment_file(directory: Path, settings: Settings) -> Iterator[None]:
    """Keep a file for shells beside the data, as long as the addresses in it are true."""
    file = directory / "environment"
    lines = [f"export {name}={shlex.quote(value)}" for name, value in environment(settings).items()]
    commands = shlex.quote(str(Path(sys.executable).parent))
    file.write_text("\n".join([*lines, f'export PATH={commands}:"$PATH"', ""]))
    try:
        yield
    finally:
        file.unlink(missing_ok=True)


def _say_addresses(console: Console, directory: Path, settings: Settings) -> None:
    url = f"http://{settings.http_host}:{settings.http_port}"
    here = f". {shlex.quote(_shown(directory / 'environment'))}"
    lines = (
        "",
        f"  Kafka     {settings.kafka_bootstrap_servers}",
        f"  Postgres  {settings.database_url.get_secret_value()}",
        f"  Worker    {url}    its log: {_shown(directory / WORKER_LOG)}",
        "",
        "In another terminal, send an admission, read outcomes, look at the metrics:",
        "",
        f"  {here} && reservations send --example",
        f"  {here} && reservations outcomes --follow",
        f"  curl -s {url}/metrics",
        "",
        "After the first of these lines, all of `reservations --help` works on this installation.",
        "Ctrl-C stops it, and its data is kept.",
    )
    for line in lines:
        console.out(line, highlight=False)


def _shown(path: Path) -> str:
    """Give a path as short as it can be from here, and with a slash in it."""
    relative = os.path.relpath(path)
    shorter = relative if len(relative) < len(str(path)) else str(path)
    return shorter if "/" in shorter else f"./{shorter}"


async def _watch_servers(local: Installation) -> None:
    """Wait for a server to end, which nobody has asked for."""
    while True:
        for server in (local.servers.postgres, local.servers.kafka):
            if not _runs(server.pid):
                raise CannotRun(f"{server.name} has ended; see {server.directory}/server.log")
        await asyncio.sleep(_WATCH_SECONDS)


def _runs(pid: int | None) -> bool:
    if pid is None:
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
