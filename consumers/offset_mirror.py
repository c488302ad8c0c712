"""Offsets for lag tools. The ones that count are in Postgres; these may be late, or lost."""

import asyncio
import time
from collections.abc import Iterable

import structlog
from aiokafka import AIOKafkaConsumer
from aiokafka.errors import KafkaError
from aiokafka.structs import TopicPartition

from db.lanes import Lane
from schemas import steps

log = structlog.get_logger()

COMMIT_INTERVAL_SECONDS = 1.0


class OffsetMirror:
    """Commits to Kafka, once a second at most, what Postgres has as applied."""

    def __init__(self, consumer: AIOKafkaConsumer) -> None:
        self._consumer = consumer
        self._last = 0.0
        self._commit: asyncio.Task[None] | None = None

    def note(self, lanes: Iterable[Lane]) -> None:
        """Commit these lanes' offsets soon, if the last commit is long enough ago."""
        now = time.monotonic()
        if now - self._last < COMMIT_INTERVAL_SECONDS or (self._commit and not self._commit.done()):
            return
        self._last = now
        offsets = {
            TopicPartition(topic, lane.lane): next_offset
            for lane in lanes
            for topic, next_offset in lane.next_offsets.items()
        }
        self._commit = asyncio.create_task(self._send(offsets))

    async def _send(self, offsets: dict[TopicPartition, int]) -> None:
        try:
            await self._consumer.commit(offsets)
            steps.done("mirrored", len(offsets))
        except KafkaError as error:
            log.debug("offsets.not_mirrored", error=repr(error))
