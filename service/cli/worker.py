"""`reservations worker`: the process that a shop deploys."""

import asyncio
import os
import signal
import sys
from typing import TYPE_CHECKING

from service.cli.common import (
    GAVE_UP,
    CommandError,
    database,
    database_errors,
    kafka_errors,
    load_settings,
    misconfigured,
    refuse,
)
from service.cli.without import without

if TYPE_CHECKING:
    from service.settings import Settings


def worker() -> None:
    """Apply events, publish outcomes and expire holds, until SIGTERM.

    Start as many as there are lanes, at most; Kafka gives each its share.

    Example: `RESERVATIONS_KAFKA_BOOTSTRAP_SERVERS=kafka:9092 reservations worker`
    """
    with without("rich"):  # tracebacks in colour; ours are plain, and it is slow to import
        import structlog

    from service.logs import set_up_logs
    from service.masking import secrets_of

    settings = load_settings()
    set_up_logs(settings.log_format, settings.log_level, secrets=secrets_of(settings))
    code = 0
    try:
        asyncio.Runner().run(_run(settings))
    except CommandError as error:
        sys.stderr.write(f"{error}\n")
        code = error.exit_code
    except Exception:
        structlog.get_logger().exception("worker.failed")
        code = 1
    # At once: while Kafka is away, Faust's thread and its tasks go on through every cancellation,
    # and both asyncio.run and Python's own exit would wait for them without a limit.
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


async def _run(settings: "Settings") -> None:
    import structlog

    from consumers.backlog import LostRecords
    from consumers.dead_letter_limit import TooManyDeadLetters
    from consumers.faults import PermanentFault
    from service.garbage import look_for_garbage_rarely
    from service.http import CannotListen
    from service.stopping import Stop
    from service.topics import TopicsRefused
    from service.tracing import CannotTrace, start_tracing
    from service.watchdog import GivenUp

    with without("yaml"):  # Faust would read records with it
        from service.worker import Worker

    log = structlog.get_logger()
    look_for_garbage_rarely()
    try:
        tracer = start_tracing(settings)
    except CannotTrace as error:
        misconfigured(str(error))
    await check_servers(settings)
    stop = Stop(settings.stop_timeout)
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    try:
        with database_errors(settings.database_url.get_secret_value()):
            await Worker(settings, tracer).run(
                stop,
                lambda port: log.info("worker.started", http_port=port, name=settings.worker_name),
            )
    except (LostRecords, PermanentFault) as error:
        misconfigured(str(error))
    except TopicsRefused as error:
        misconfigured(*error.problems)
    except GivenUp as error:
        raise CommandError([f"{error}: start the worker anew"], GAVE_UP) from None
    except TooManyDeadLetters as error:
        refuse(
            f"stopped, and applied nothing of this batch: {error}",
            f"see `reservations dead-letters list --topic {error.topic}`, and mend what sends them",
            "to go on and keep them as dead letters, start with"
            " RESERVATIONS_DEAD_LETTERS_RUN_MAX=0 RESERVATIONS_DEAD_LETTERS_SHARE_MAX=1",
        )
    except CannotListen as error:
        misconfigured(
            f"cannot listen on {settings.http_host}:{settings.http_port} ({error}): "
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
