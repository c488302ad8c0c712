"""Runs `reservations` as people do: as a process, whose children are watched too."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil

GONE_SECONDS = 15.0


@dataclass
class Command:
    """A running command: its lines so far, and all children that were ever seen."""

    process: asyncio.subprocess.Process
    lines: list[str] = field(default_factory=list)
    children: set[psutil.Process] = field(default_factory=set)

    @property
    def output(self) -> str:
        return "\n".join(self.lines)

    async def until(self, text: str, *, seconds: float = 60) -> None:
        """Read lines until one has `text` in it."""
        async with asyncio.timeout(seconds):
            while (line := await self._line()) is not None:
                if text in line:
                    return
        raise AssertionError(f"{text!r} was never said:\n{self.output}")

    async def ends(self, *, seconds: float = 60) -> int:
        """Read to the end, and give the exit code."""
        async with asyncio.timeout(seconds):
            while await self._line() is not None:
                pass
            return await self.process.wait()

    async def _line(self) -> str | None:
        assert self.process.stdout is not None
        self._see_children()
        line = (await self.process.stdout.readline()).decode()
        if line:
            self.lines.append(line.rstrip("\n"))
        return line or None

    def _see_children(self) -> None:
        if self.process.returncode is None:
            with suppress(psutil.NoSuchProcess):  # it may end while it is looked at
                self.children |= set(psutil.Process(self.process.pid).children(recursive=True))


@asynccontextmanager
async def running(*arguments: str, **variables: str) -> AsyncIterator[Command]:
    """Start `reservations` with more environment variables; kill it if it is left running."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "service.cli", *arguments),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env=os.environ | variables,
    )
    command = Command(process)
    try:
        yield command
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def answer(*arguments: str, **variables: str) -> str:
    """Run a short command that succeeds, and give what it printed."""
    async with running(*arguments, **variables) as command:
        assert await command.ends() == 0, command.output
        return command.output


async def all_gone(children: set[psutil.Process]) -> None:
    """Wait until none of them runs any more."""
    assert children
    async with asyncio.timeout(GONE_SECONDS):
        while any(map(_is_alive, children)):
            await asyncio.sleep(0.05)


def variables_in(environment: Path) -> dict[str, str]:
    """Read the variables that `reservations up` wrote down for shells."""
    exports = (line.removeprefix("export ") for line in environment.read_text().splitlines())
    pairs = (line.partition("=") for line in exports if not line.startswith("PATH="))
    return {name: value.strip("'") for name, _, value in pairs}


def _is_alive(process: psutil.Process) -> bool:
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
