"""Records in: one poll of the consumer, and what the watchdog has to know of polls."""

import time
from typing import Final

from aiokafka import AIOKafkaConsumer
from aiokafka.errors import NoOffsetForPartitionError
from aiokafka.structs import TopicPartition

from consumers.records import Records

POLL_MS: Final = 200  # how long a poll waits for a first record; a stop is noticed as fast


class Poller:
    """Asks the consumer for records, and counts."""

    def __init__(self, consumer: AIOKafkaConsumer) -> None:
        self._consumer = consumer
        self.is_polling = False
        self.polls = self.full_polls = 0  # full: there may be more that waits its turn
        self.polled_at: dict[TopicPartition, float] = {}  # when it last gave a record
        self.first_ms: dict[TopicPartition, int] = {}  # the time of the first that it gave then

    async def poll(self, records_max: int, wait_ms: int) -> Records:
        """Give what there is, at once or as soon as there is some.

        Raises KafkaError; OffsetOutOfRangeError where Kafka no longer has what would be next.
        """
        # Never cancelled: aiokafka would then forget to watch max_poll_interval_ms.
        self.is_polling = True
        try:
            records: Records = await self._consumer.getmany(
                timeout_ms=wait_ms, max_records=records_max
            )
        except NoOffsetForPartitionError:
            return {}  # asked for before the lane was taken over, which seeks
        finally:
            self.is_polling = False
            self.polls += 1
        self.polled_at |= dict.fromkeys(records, time.monotonic())
        self.first_ms |= {at: found[0].timestamp for at, found in records.items()}
        self.full_polls += sum(map(len, records.values())) >= records_max
        return records
