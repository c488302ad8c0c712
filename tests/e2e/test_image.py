"""What the steps of the Dockerfile give, without Docker: a command with all it needs; its probe.

The long form, with packages from their registry and by their hashes, is `make rehearse`.
"""

import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from db.migrate import head_revision
from service.settings import PREFIX, Settings
from service.worker_process import KILL_SECONDS
from tests.deployment import DEPLOY, HOME, stages
from tests.e2e.events import admitted
from tests.e2e.world import World
from tests.rehearse import rehearse


@pytest.fixture(scope="module")
def command() -> Iterator[Path]:
    with TemporaryDirectory(prefix="reservations-test-") as name:
        yield rehearse(Path(name), offline=True)


def answer(command: Path, *arguments: str) -> str:
    """Run a command where nothing of the tree is in sight."""
    finished = subprocess.run([command, *arguments], cwd="/", capture_output=True, text=True)
    assert finished.returncode == 0, finished.stderr
    return finished.stdout


def test_the_wheel_has_its_migrations_and_data(command: Path) -> None:
    assert "Holds stock for admitted shoppers" in answer(command, "--help")
    assert f"'{head_revision()}'" in answer(command, "migrate", "--sql", "--since", "none")

    [packages] = command.parents[1].glob("lib/python*/site-packages")
    for name in ("service/embedded/kafka.lock", "db/migrations/role.sql"):
        assert (packages / name).read_text() == (HOME / name).read_text()


async def test_a_worker_of_it_works_is_probed_and_stops_in_time(
    world: World, command: Path
) -> None:
    await world.prepare(partitions=1, stock={"lamp": 1})

    worker = await world.start_worker(command)
    await worker.log("lanes.taken")
    assert healthy(command, worker.port)
    await world.send([admitted("ada")])
    [outcome] = await world.outcomes(lambda read: len(read) == 1)
    asked_at = time.monotonic()

    assert await worker.stop(signal.SIGTERM) == 0
    assert outcome["type"] == "reserved"
    assert time.monotonic() - asked_at < Settings().stop_timeout + KILL_SECONDS
    assert not healthy(command, worker.port)


def healthy(command: Path, port: int) -> bool:
    """Run the HEALTHCHECK of the image."""
    [check] = stages(DEPLOY / "Dockerfile")[-1].arguments("HEALTHCHECK")
    name, *arguments = json.loads(check.partition("CMD ")[2])
    probe = [command.with_name(name), *arguments]
    variables = os.environ | {f"{PREFIX}HTTP_PORT": str(port)}
    return subprocess.run(probe, env=variables, stderr=subprocess.DEVNULL).returncode == 0
