"""`reservations up` brings everything up, keeps its data, and stops in good order."""

import asyncio
import json
import os
import re
import signal
import sys
from pathlib import Path

import psutil

from tests.deployment import DEPLOY
from tests.e2e.command import all_gone, answer, running, variables_in

ANY_PORT = {"RESERVATIONS_HTTP_PORT": "0"}
UP = "Ctrl-C stops it"


async def test_up_answers_an_admission_and_keeps_its_data(directory: Path) -> None:
    here = ("up", "--directory", str(directory))

    async with running(*here, **ANY_PORT) as up:
        await up.until(UP)
        variables = variables_in(directory / "environment")
        sent = await answer("send", "--example", **variables)
        outcome = await an_outcome(variables)
        assert outcome["type"] == "reserved"
        assert f"under the key {outcome['consumerId']}" in sent
        assert re.search(r"exp_example +1 +1 +0 ", await analytics(directory, variables))

        async with running(*here, **ANY_PORT) as second:
            assert await second.ends() == 1
            assert "already, as process" in second.output

        up.process.send_signal(signal.SIGTERM)
        assert await up.ends(seconds=20) == 0, up.output
        await all_gone(up.children)
        assert not (directory / "environment").exists()

    async with running(*here, **ANY_PORT) as again:
        await again.until(UP)
        variables = variables_in(directory / "environment")
        assert await an_outcome(variables) == outcome
        shown = json.loads(
            await answer("stock", "show", "--product", "moon-lamp", "--json", **variables)
        )
        assert [line["reserved"] for line in shown] == [1]
        again.process.send_signal(signal.SIGINT)
        assert await again.ends(seconds=20) == 0, again.output


async def test_up_ends_and_says_so_when_its_worker_has_ended(directory: Path) -> None:
    async with running("up", "--directory", str(directory), **ANY_PORT) as up:
        await up.until(UP)
        worker = next(child for child in up.children if is_worker(child))

        worker.kill()

        assert await up.ends(seconds=20) == 1, up.output
        assert "the worker ended with exit code 137" in up.output
        await all_gone(up.children)


async def test_up_does_not_start_where_its_port_is_in_use(directory: Path) -> None:
    server = await asyncio.start_server(lambda reader, writer: None, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server:
        here = ("up", "--directory", str(directory))
        async with running(*here, RESERVATIONS_HTTP_PORT=str(port)) as up:
            assert await up.ends() == 1

    assert f"cannot listen on 127.0.0.1:{port}" in up.output
    assert "RESERVATIONS_HTTP_PORT" in up.output


async def an_outcome(variables: dict[str, str]) -> dict[str, object]:
    """Read the only outcome there is, as soon as it can be read."""
    async with asyncio.timeout(20):
        while True:
            *_, last = (await answer("outcomes", "--json", **variables)).splitlines()
            if last.startswith("{"):
                outcome: dict[str, object] = json.loads(last)
                return outcome


async def analytics(directory: Path, variables: dict[str, str]) -> str:
    """Run what `make analytics` runs, and give the table."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, DEPLOY / "examples" / "analytics.py", directory / "analytics.db"),
        env=os.environ | variables,
        stdout=asyncio.subprocess.PIPE,
    )
    out, _ = await process.communicate()
    return out.decode()


def is_worker(process: psutil.Process) -> bool:
    try:
        command = process.cmdline()
    except psutil.NoSuchProcess:
        return False
    return command[0] == sys.executable and command[-1] == "worker"
