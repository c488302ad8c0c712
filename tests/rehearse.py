"""The first stage of the Dockerfile, done in a directory: `make rehearse`, and short in a test.

Paths of the image are put below the directory; all else is done as it is written there.
"""

import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from tests.deployment import DEPLOY, HOME, Stage, copied, stages

_PLACES: Final = ("/opt/reservations", "/wheels")  # in the image


def rehearse(directory: Path, *, offline: bool) -> Path:
    """Do the steps, and give the command that comes out of them.

    `offline`: what they would fetch is taken from this environment; hashes are not looked at.
    """
    build = stages(DEPLOY / "Dockerfile")[0]
    source, base = directory / "source", directory / "base"
    _copy(build, source)
    if not offline:
        _run([sys.executable, "-m", "venv", str(base)], source, {})
    python = Path(sys.executable).parent if offline else base / "bin"
    variables = os.environ | {"PATH": f"{python}:{os.environ['PATH']}", "PYTHONPATH": ""}
    for step in build.arguments("RUN"):
        if offline and "--require-hashes" in step:
            continue
        _run(["/bin/bash", "-ec", _below(directory, step)], source, variables)
    if offline:
        _lend_packages(directory)
    return directory / "opt/reservations/bin/reservations"


def _copy(build: Stage, source: Path) -> None:
    source.mkdir()
    for name, target in copied(build):
        if (HOME / name).is_dir():
            ignore = shutil.ignore_patterns("__pycache__")
            shutil.copytree(HOME / name, source / target, ignore=ignore)
        else:
            shutil.copy(HOME / name, source / target)


def _below(directory: Path, step: str) -> str:
    for place in _PLACES:
        step = step.replace(place, f"{directory}{place}")
    return step


def _run(command: list[str], source: Path, variables: Mapping[str, str]) -> None:
    subprocess.run(command, cwd=source, env=variables or None, check=True)


def _lend_packages(directory: Path) -> None:
    """Let the new environment see the packages of this one, but for ours: those are editable."""
    [packages] = (directory / "opt/reservations/lib").glob("python*/site-packages")
    (packages / "lent.pth").write_text(sysconfig.get_path("purelib") + "\n")


def _main() -> None:
    with tempfile.TemporaryDirectory() as name:
        command = rehearse(Path(name), offline=False)
        subprocess.run([command, "--help"], cwd="/", check=True)
        subprocess.run(
            [command, "migrate", "--sql", "--since", "none"],
            cwd="/",
            check=True,
            stdout=subprocess.DEVNULL,
        )
    print("the steps of deploy/Dockerfile give a worker")


if __name__ == "__main__":
    _main()
