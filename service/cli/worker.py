"""`reservations worker`: the process that a shop deploys."""

import asyncio
import signal
from typing import TYPE_CHECKING

from service.cli.common import (
    database,
    kafka_errors,
    load_settings,
    misconfigured,
)

if TYPE_CHECKING:
    from service.settings import Settings


def worker() -> None:
    """Apply events, publish outcomes and expire holds, until SIGTERM.

    Start as many as there are lanes, at most; Kafka gives each its share.

    Example: `RESERVATIONS_KAFKA_BOOTSTRAP_SERVERS=kafka:9092 reservations worker`
    """
    from service.logs import set_up_logs

    settings = load_settings()
    set_up_logs(settings.log_format, settings.log_level)
    asyncio.run(_run(settings))


async def _run(settings: "Settings") -> None:
    import structlog

    from consumers.lanes import LostRecords
    from service.worker import Worker

    log = structlog.get_logger()
    await check_servers(settings)
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    try:
        await Worker(settings).run(
            stop, lambda port: log.info("worker.started", http_port=port, name=settings.worker_name)
        )
    except LostRecords as error:
        misconfigured(str(error))
    except OSError as error:
        misconfigured(
            f"cannot listen on {settings.http_host}:{settings.http_port} ({error.strerror}): "
            "set RESERVATIONS_HTTP_PORT"
        )
    log.info("worker.stopped")


async def check_servers(settings: "Settings") -> None:
    """End the command with what is missing: a database, its schema, brokers, topics."""
    from service.topics import TopicsOk, check_topics

    async with database(settings, "worker start"):
        pass
    with kafka_errors(settings):
        found = await check_topics(settings)
    if not isinstance(found, TopicsOk):
        misconfigured(*found)
