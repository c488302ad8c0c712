"""The last steps of a worker, none of which may take longer than there is time."""

import asyncio
from collections.abc import Coroutine
from typing import Any, Final

import structlog
from aiokafka import AIOKafkaConsumer
from asyncpg import Pool

from producers.publisher import Publisher
from service.stopping import STEP_SECONDS_MIN, Stop
from service.tracing import Tracer

log = structlog.get_logger()

LAST_SPANS_SECONDS_MAX: Final = 2.0  # without a collector the exporter would try for ten


async def until_stopped(
    running: Coroutine[Any, Any, None], watch: Coroutine[Any, Any, None], pool: Pool, stop: Stop
) -> None:
    """Wait for the loop to end, and once `stop` is set for as long as there is time.

    What the watch raises ends the loop, whatever it is at.
    """
    task = asyncio.create_task(running)
    watching = asyncio.create_task(watch)
    stopping = asyncio.create_task(stop.wait())
    try:
        await asyncio.wait({task, watching, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if watching.done():
            watching.result()
        await asyncio.wait({task}, timeout=stop.seconds_left)
        if not task.done():
            log.warning("stop.overdue", what="the batch in hand is left to the next owner")
            pool.terminate()  # else its ROLLBACK may wait for a silent server
    finally:
        stopping.cancel()
        watching.cancel()
        await _cancel(task)
    if task.done() and not task.cancelled():
        task.result()


async def _cancel(task: "asyncio.Task[None]") -> None:
    """Cancel a task, and do not wait for long: libraries may pass a cancellation over."""
    task.cancel()
    await asyncio.wait({task}, timeout=STEP_SECONDS_MIN)


async def end_task(task: "asyncio.Task[None]", stop: Stop) -> None:
    """Let a task end by itself, as long as there is time."""
    await asyncio.wait({task}, timeout=stop.seconds_left)
    task.cancel()


async def close_publisher(publisher: Publisher, stop: Stop) -> None:
    """Publish what is in hand, as long as there is time; then give the producers up."""
    seconds = stop.seconds_left
    await _try_for(seconds, publisher.close(seconds - STEP_SECONDS_MIN))


async def leave_group(consumer: AIOKafkaConsumer, stop: Stop) -> None:
    """Stop the consumer, so that others need not wait for the session to end."""
    await _try_for(stop.seconds_left, consumer.stop())


async def close_pool(pool: Pool, stop: Stop) -> None:
    """Give the connections up, as long as there is time."""
    await _try_for(stop.seconds_left, pool.close())


async def close_tracer(tracer: Tracer | None, stop: Stop) -> None:
    """Send the last spans, if a collector takes them soon."""
    if tracer is not None:
        await _try_for(min(stop.seconds_left, LAST_SPANS_SECONDS_MAX), tracer.close())


async def _try_for(seconds: float, step: Coroutine[Any, Any, object]) -> None:
    """Take a step of the end, for so long. One that does not heed its cancellation is left."""
    task = asyncio.create_task(step)
    await asyncio.wait({task}, timeout=seconds)
    task.cancel()
    if task.done() and not task.cancelled() and (error := task.exception()):
        log.info("stop.step_failed", error=repr(error))
