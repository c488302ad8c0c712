"""Apache Kafka's jars: named with their hashes in ``kafka.lock``, kept in the user's cache.

``make lock`` resolves them again and writes that file.
"""

import asyncio
import hashlib
import os
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from service.embedded.process import EmbeddedServerError, installed
from service.embedded.together import together

KAFKA = "org.apache.kafka:kafka_2.13:4.4.0"
LOGGING = "org.slf4j:slf4j-simple:1.7.36"  # without it the broker keeps its errors to itself
LOCK = Path(__file__).with_name("kafka.lock")
_DOWNLOADS_AT_ONCE = 8
_ATTEMPTS = 3


@dataclass(frozen=True)
class Jar:
    """One line of the lock file: ``group:name:version sha256``."""

    group: str
    name: str
    version: str
    sha256: str

    @classmethod
    def parse(cls, line: str) -> Self:
        coordinates, sha256 = line.split()
        group, name, version = coordinates.split(":")
        return cls(group, name, version, sha256)

    @property
    def filename(self) -> str:
        return f"{self.name}-{self.version}.jar"


async def kafka_jars(on_download: Callable[[int, int], None]) -> list[Path]:
    """Return the class path of Kafka, after fetching what the cache lacks.

    ``on_download`` is told how many of how many jars are there. A jar enters the cache whole and
    checked, so that what is in the cache needs no second look, and no network.
    """
    installed("jgo")
    cache = cache_directory()
    cache.mkdir(parents=True, exist_ok=True)
    jars = locked_jars()
    missing = [jar for jar in jars if not (cache / jar.filename).exists()]
    fetched = len(jars) - len(missing)
    if missing:
        on_download(fetched, len(jars))
    at_once = asyncio.Semaphore(_DOWNLOADS_AT_ONCE)

    async def fetch(jar: Jar) -> None:
        nonlocal fetched
        async with at_once:
            await asyncio.to_thread(_fetch, jar, cache)
        fetched += 1
        on_download(fetched, len(jars))

    await together(*map(fetch, missing))
    return [cache / jar.filename for jar in jars]


def cache_directory() -> Path:
    """Return where the jars are kept, for all clones of this project."""
    caches = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(caches) / "reservation-worker" / "kafka"


def locked_jars() -> list[Jar]:
    """Read the lock file."""
    return [Jar.parse(line) for line in LOCK.read_text().splitlines()]


def _fetch(jar: Jar, cache: Path) -> None:
    from jgo.maven import MavenContext

    with tempfile.TemporaryDirectory(dir=cache, ignore_cleanup_errors=True) as scratch:
        for attempt in range(1, _ATTEMPTS + 1):
            context = MavenContext(repo_cache=Path(scratch) / str(attempt))
            component = context.project(jar.group, jar.name).at_version(jar.version)
            try:
                path = component.artifact().resolve()
                break
            except (OSError, RuntimeError) as error:
                failure = error
        else:
            reason = f"could not be downloaded: {type(failure).__name__}"
            raise EmbeddedServerError(f"{jar.filename} {reason}") from failure
        if _sha256(path) != jar.sha256:
            raise EmbeddedServerError(f"{jar.filename} does not have the hash in {LOCK.name}")
        path.replace(cache / jar.filename)


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def write_lock() -> None:
    """Resolve Kafka and all it needs, and write the lock file anew."""
    import jgo

    artifacts = [artifact for endpoint in (KAFKA, LOGGING) for artifact in jgo.resolve(endpoint)]
    lines = {
        f"{jar.groupId}:{jar.artifactId}:{jar.version} {_sha256(jar.resolve())}"
        for jar in artifacts
    }
    LOCK.write_text("".join(f"{line}\n" for line in sorted(lines)))
