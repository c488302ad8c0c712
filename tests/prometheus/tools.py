"""Where `prometheus` and `promtool` are: on the PATH, or in Debian's package, fetched once.

It is unpacked into the user's cache, not installed: no root, and no change to the machine.
"""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Final

from service.embedded.jars import cache_directory

PACKAGE: Final = "prometheus"
_APT_SECONDS: Final = 90


class NoPrometheus(RuntimeError):
    """There is none, and it could not be fetched; the message is one line for people."""


def tool(name: str) -> Path:
    """Give the path of `prometheus` or `promtool`. Raises NoPrometheus."""
    if on_path := shutil.which(name):
        return Path(on_path)
    kept = cache_directory().with_name(PACKAGE)
    if not (kept / name).exists():
        fetch(kept)
    return kept / name


def fetch(kept: Path) -> None:
    """Fetch Debian's package, and keep its programs: whole or not at all."""
    kept.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=kept.parent, ignore_cleanup_errors=True) as name:
        scratch = Path(name)
        try:
            _download(scratch)
            (package,) = scratch.glob("*.deb")
            _run(scratch, "dpkg-deb", "--extract", str(package), "unpacked")
            (scratch / "unpacked/usr/bin").rename(kept)
        except (OSError, ValueError, subprocess.SubprocessError) as error:
            if not kept.exists():  # else another process was faster
                raise NoPrometheus(_advice(error)) from error


def _download(scratch: Path) -> None:
    """Fetch it by apt's lists; where it has none, by lists that are made for this alone."""
    lists, cache = scratch / "lists", scratch / "cache"
    own = ("-o", f"Dir::State::lists={lists}", "-o", f"Dir::Cache={cache}")
    try:
        _run(scratch, "apt-get", "download", PACKAGE)
    except subprocess.CalledProcessError:
        (lists / "partial").mkdir(parents=True)
        (cache / "archives" / "partial").mkdir(parents=True)
        _run(scratch, "apt-get", *own, "update")
        _run(scratch, "apt-get", *own, "download", PACKAGE)


def _run(directory: Path, *command: str) -> None:
    subprocess.run(
        command,
        cwd=directory,
        env=os.environ | {"LC_ALL": "C"},
        check=True,
        capture_output=True,
        text=True,
        timeout=_APT_SECONDS,
    )


def _advice(error: Exception) -> str:
    said = (getattr(error, "stderr", "") or str(error)).strip().splitlines()
    return (
        "the tests of alerts and dashboards need prometheus and promtool, 2.42 or newer: install"
        f" Debian's package `{PACKAGE}`, or put both on the PATH"
        f" (to fetch that package failed: {said[-1] if said else type(error).__name__})"
    )
