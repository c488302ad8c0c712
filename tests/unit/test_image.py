"""The Dockerfile: linted, small at its end, and made of what the project is made of."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any, Final

import pytest

from service.settings import PREFIX, Settings
from tests.deployment import DEPLOY, HOME, Stage, copied, stages

DOCKERFILE: Final = DEPLOY / "Dockerfile"
PROJECT: Final[dict[str, Any]] = tomllib.loads((HOME / "pyproject.toml").read_text())


def hadolint(dockerfile: Path) -> subprocess.CompletedProcess[str]:
    command = Path(sys.executable).with_name("hadolint")
    arguments = ("--no-color", "--config", DEPLOY / "hadolint.yaml", dockerfile)
    return subprocess.run([command, *arguments], capture_output=True, text=True)


def build() -> Stage:
    return stages(DOCKERFILE)[0]


def last() -> Stage:
    return stages(DOCKERFILE)[-1]


def test_hadolint_finds_nothing() -> None:
    assert hadolint(DOCKERFILE).stdout == ""


def test_hadolint_would_find_something(tmp_path: Path) -> None:
    careless = tmp_path / "Dockerfile"
    careless.write_text("FROM python:latest\nRUN sudo apt-get install gcc\n")

    assert {"DL3007", "DL3004"} <= set(re.findall(r"DL\d+", hadolint(careless).stdout))


def test_both_stages_have_one_python() -> None:
    images = [stage.image for stage in stages(DOCKERFILE)]

    assert images == ["python:3.11-bookworm", "python:3.11-slim-bookworm"]


def test_the_last_stage_installs_nothing_and_takes_away_what_could() -> None:
    [run] = last().arguments("RUN")

    assert "pip uninstall" in run
    assert not re.search(r"apt|pip install|curl|gcc", run)
    assert last().arguments("COPY") == ["--from=build /opt/reservations /opt/reservations"]


def test_it_is_nobodys_user_by_number() -> None:
    [user] = last().arguments("USER")

    assert user == "10001:10001"
    assert "--uid 10001 --gid 10001" in last().arguments("RUN")[0]


def test_it_begins_with_the_command_itself_so_that_signals_reach_it() -> None:
    assert last().arguments("ENTRYPOINT") == ['["reservations"]']
    assert last().arguments("CMD") == ['["worker"]']
    assert last().arguments("SHELL") == []


def test_its_variables_are_settings() -> None:
    [variables] = last().arguments("ENV")
    settings = dict(re.findall(rf"{PREFIX}(\w+)=(\S+)", variables))

    read = Settings.model_validate({name.lower(): value for name, value in settings.items()})

    assert settings.keys() <= {name.upper() for name in Settings.model_fields}
    assert (read.http_host, read.log_format) == ("0.0.0.0", "json")
    assert last().arguments("EXPOSE") == [str(read.http_port)]


def test_all_packages_of_the_wheel_are_copied_and_not_ignored() -> None:
    packages = set(PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"])
    ignore = (DEPLOY / "Dockerfile.dockerignore").read_text().split()
    let_in = {line.removeprefix("!") for line in ignore if line.startswith("!")}

    sources = {source for source, _ in copied(build())}

    assert "*" in ignore
    assert packages < sources
    for source in sources:
        assert any(Path(source).match(pattern) for pattern in let_in), source


def pins(lock: Path) -> dict[str, str]:
    return dict(re.findall(r"^([\w.-]+(?:\[\S+\])?)==(\S+)", lock.read_text(), re.MULTILINE))


@pytest.mark.parametrize("name", ["requirements.lock", "requirements-build.lock"])
def test_the_image_has_versions_that_tests_have_run_with(name: str) -> None:
    tested, shipped = pins(HOME / "requirements.lock"), pins(DEPLOY / name)

    assert shipped.items() <= tested.items()
    assert (DEPLOY / name).read_text().count("--hash=") >= len(shipped)


def names(requirements: list[str]) -> set[str]:
    return {re.split(r"[\[>=]", one)[0] for one in requirements}


def test_the_image_has_what_a_worker_needs_and_no_embedded_servers() -> None:
    shipped = names([*pins(DEPLOY / "requirements.lock")])
    extras = PROJECT["project"]["optional-dependencies"]

    assert names(PROJECT["project"]["dependencies"]) | names(extras["otel"]) <= shipped
    assert not names(extras["embedded"]) & shipped
