"""A real Postgres and a real Kafka as child processes: for the demo, `up`, tests, benchmarks."""

import tempfile
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from service.embedded.kafka import EmbeddedKafka, start_kafka
from service.embedded.postgres import EmbeddedPostgres, start_postgres
from service.embedded.process import EmbeddedServerError
from service.embedded.server import OnProgress, Progress, in_silence
from service.embedded.together import together

__all__ = [
    "EmbeddedKafka",
    "EmbeddedPostgres",
    "EmbeddedServerError",
    "EmbeddedServers",
    "OnProgress",
    "Progress",
    "embedded_servers",
    "start_kafka",
    "start_postgres",
]


@dataclass(frozen=True)
class EmbeddedServers:
    """The two servers that a worker needs."""

    postgres: EmbeddedPostgres
    kafka: EmbeddedKafka

    @property
    def database_url(self) -> str:
        return self.postgres.dsn

    @property
    def bootstrap_servers(self) -> str:
        return self.kafka.bootstrap_servers


@asynccontextmanager
async def embedded_servers(
    directory: Path | None = None, *, on_progress: OnProgress = in_silence
) -> AsyncIterator[EmbeddedServers]:
    """Run both servers side by side, and stop them at the end, the broker first.

    Without a directory their data is thrown away at the end.
    """
    with ExitStack() as stack:
        home = directory or Path(stack.enter_context(_scratch()))
        servers = EmbeddedServers(
            EmbeddedPostgres(home / "postgres", on_progress=on_progress),
            EmbeddedKafka(home / "kafka", on_progress=on_progress),
        )
        try:
            await together(servers.postgres.start(), servers.kafka.start())
            yield servers
        finally:
            await servers.kafka.stop()
            await servers.postgres.stop()


def _scratch() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="reservations-", ignore_cleanup_errors=True)
