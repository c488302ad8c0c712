"""Watches outcomes come, as readers see them: how long each admission waits for its answer."""

import asyncio
import json
import time
from collections import defaultdict
from typing import Any, Final

from aiokafka import AIOKafkaConsumer
from aiokafka.structs import TopicPartition

from service.clients import new_reader
from service.settings import Settings
from tests.e2e.events import ADMITTED

POLL_MS: Final = 100


class Watch:
    """Knows when Kafka had each admission, and sees its first outcome, read committed."""

    def __init__(self, settings: Settings, lanes: int) -> None:
        self.outcomes = 0
        self._settings = settings
        self._lanes = range(lanes)
        self._waiting: dict[int, dict[int, float]] = defaultdict(dict)  # by lane and offset
        self._newest: dict[int, float] = dict.fromkeys(self._lanes, 0.0)
        self._longest = 0.0
        self._news = asyncio.Condition()

    def asked(self, lane: int, offset: int) -> None:
        """Note that Kafka has an admission."""
        self._waiting[lane][offset] = time.monotonic()

    def longest_seconds(self) -> float:
        """Give the longest wait since this was asked for the last time."""
        longest, self._longest = self._longest, 0.0
        return longest

    async def until_answered(self, since: float, seconds: float) -> bool:
        """Wait until, in every lane, what came after this instant is answered."""
        try:
            async with asyncio.timeout(seconds), self._news:
                await self._news.wait_for(lambda: min(self._newest.values()) > since)
        except TimeoutError:
            return False
        return True

    async def run(self) -> None:
        """Read until cancelled."""
        consumer = new_reader(self._settings)
        await consumer.start()
        try:
            topic = self._settings.outcomes_topic
            consumer.assign([TopicPartition(topic, lane) for lane in self._lanes])
            await consumer.seek_to_beginning()
            while True:
                await self._see(consumer)
        finally:
            await consumer.stop()

    async def _see(self, consumer: AIOKafkaConsumer) -> None:
        found = await consumer.getmany(timeout_ms=POLL_MS)
        for record in (record for records in found.values() for record in records):
            self.outcomes += 1
            self._answered(json.loads(record.value)["cause"])
        async with self._news:
            self._news.notify_all()

    def _answered(self, cause: dict[str, Any]) -> None:
        if cause["topic"] != ADMITTED:
            return
        waiting, now = self._waiting[cause["partition"]], time.monotonic()
        asked_at = waiting.get(cause["offset"])
        if asked_at is not None:
            self._longest = max(self._longest, now - asked_at)
            self._newest[cause["partition"]] = asked_at
        # A lane answers in order; what was said again has no answer of its own.
        for offset in [offset for offset in waiting if offset <= cause["offset"]]:
            del waiting[offset]
