"""The crowd: sends what the scripts say, again until Kafka has it, and remembers all of it."""

import asyncio
import heapq
import random
import time
from dataclasses import dataclass, field
from functools import partial
from hashlib import blake2b
from itertools import count
from typing import Any, Final

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from tests.chaos.scripts import Shopper, doings, new_shopper, poison
from tests.chaos.watch import Watch
from tests.e2e.events import ADMITTED, Sent

PAUSE_SECONDS: Final = 0.02
AGAIN_SECONDS: Final = 0.5  # after a failure
ARREARS_SECONDS: Final = 1.0  # while Kafka is away, who would have come later does not come at all
REQUEST_MS_MAX: Final = 5_000


def digest(topic: str, value: bytes | None) -> bytes:
    return blake2b(value or b"", digest_size=12, key=topic.encode()).digest()


@dataclass(slots=True)
class Ledger:
    """What was sent: who the shoppers are, and every record, as a digest."""

    shoppers: list[Shopper] = field(default_factory=list)
    records: set[bytes] = field(default_factory=set)
    poison: set[bytes] = field(default_factory=set)
    sent: int = 0


class Crowd:
    """Shoppers who come at a steady rate until `close`."""

    def __init__(self, bootstrap_servers: str, seed: int, rate: float, watch: Watch) -> None:
        self.ledger = Ledger()
        self._servers = bootstrap_servers
        self._seed = seed
        self._rate = rate
        self._watch = watch
        self._due: list[tuple[float, int, Sent]] = []
        self._order = count()
        self._in_flight = 0
        self._is_closed = False

    @property
    def is_done(self) -> bool:
        """Tell whether all that there was to send is in Kafka."""
        return self._is_closed and not self._due and not self._in_flight

    def close(self) -> None:
        """Let nobody else come; those who are there play their scripts to the end."""
        self._is_closed = True

    def poison(self, records: int) -> None:
        """Send unreadable records, between the others."""
        for _ in range(records):
            number = next(self._order)
            record = poison(f"poison-{number}", random.Random(f"{self._seed}-{number}"))
            self.ledger.poison.add(digest(record[0], record[2]))
            self._push(0.0, record)

    async def run(self) -> None:
        """Send until all is sent."""
        # Not idempotent: a failed send is made again, and what is there twice is a repetition.
        producer = AIOKafkaProducer(
            bootstrap_servers=self._servers, acks="all", request_timeout_ms=REQUEST_MS_MAX
        )
        await producer.start()
        try:
            coming_at = time.monotonic()
            while not self.is_done:
                now = time.monotonic()
                coming_at = max(coming_at, now - ARREARS_SECONDS)
                while not self._is_closed and coming_at <= now:
                    self._come()
                    coming_at += 1 / self._rate
                while self._due and self._due[0][0] <= now:
                    await self._send(producer, heapq.heappop(self._due)[2])
                await asyncio.sleep(PAUSE_SECONDS)
        finally:
            await producer.stop()

    def _come(self) -> None:
        number = len(self.ledger.shoppers)
        dice = random.Random(f"{self._seed}/{number}")
        shopper = new_shopper(f"shopper-{number}", dice)
        self.ledger.shoppers.append(shopper)
        for seconds, record in doings(shopper, dice):
            self._push(seconds, record)

    def _push(self, seconds: float, record: Sent) -> None:
        self.ledger.records.add(digest(record[0], record[2]))
        heapq.heappush(self._due, (time.monotonic() + seconds, next(self._order), record))

    async def _send(self, producer: AIOKafkaProducer, record: Sent) -> None:
        topic, key, value = record
        self._in_flight += 1
        try:
            sending = await producer.send(topic, value, key=key.encode() if key else None)
        except KafkaError:
            self._again(record)
            return
        sending.add_done_callback(partial(self._sent, record))

    def _sent(self, record: Sent, sending: "asyncio.Future[Any]") -> None:
        if sending.cancelled() or sending.exception() is not None:
            self._again(record)
            return
        self._in_flight -= 1
        self.ledger.sent += 1
        if record[0] == ADMITTED and digest(*record[::2]) not in self.ledger.poison:
            self._watch.asked(sending.result().partition, sending.result().offset)

    def _again(self, record: Sent) -> None:
        self._in_flight -= 1
        self._push(AGAIN_SECONDS, record)
