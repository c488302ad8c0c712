"""Records in: one poll of the consumer, and what the watchdog has to know of polls."""

import time
from typing import Final

from aiokafka import AIOKafkaConsumer
from aiokafka.errors import NoOffsetForPartitionError
from aiokafka.structs import TopicPartition

from consumers.record import Records, record_of

POLL_MS: Final = 200  # how long a poll waits for a first record


class Poller:
    """Asks the consumer for records, and counts."""

    def __init__(self, consumer: AIOKafkaConsumer) -> None:
        self._consumer = consumer
        self.is_polling = False
        self.polls = self.full_polls = 0  # full: there may be more that waits its turn
        self.polled_at: dict[TopicPartition, float] = {}  # when it last gave a record

    async def poll(self, records_max: int) -> Records:
        """Give what there is, at once or as soon as there is some.

        Raises KafkaError; OffsetOutOfRangeError where Kafka no longer has what would be next.
        """
        # Not cancelled while the consumer lives: it would forget to watch max_poll_interval_ms.
        self.is_polling = True
        try:
            polled = await self._consumer.getmany(timeout_ms=POLL_MS, max_records=records_max)
        except NoOffsetForPartitionError:
            return {}  # asked for before the lane was taken over, which seeks
        finally:
            self.is_polling = False
            self.polls += 1
        self.polled_at |= dict.fromkeys(polled, time.monotonic())
        self.full_polls += sum(map(len, polled.values())) >= records_max
        return {at: [record_of(one) for one in found] for at, found in polled.items()}
