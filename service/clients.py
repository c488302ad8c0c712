"""The clients of Kafka that a worker uses, each set up as the design needs it."""

from typing import Final

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.coordinator.assignors.range import RangePartitionAssignor

from producers.kafka import IsolationLevel
from service.kafka_client import client_options
from service.settings import Settings

# A member of the group stays one while an outage of Postgres is waited out without a poll.
_POLL_INTERVAL_MS_MAX: Final = 3_600_000
_BATCH_BYTES_MAX: Final = 512 * 1024
_REQUEST_BYTES_MAX: Final = 8 * 1024 * 1024
_TRANSACTION_MS_MAX: Final = 60_000


def new_consumer(settings: Settings) -> AIOKafkaConsumer:
    """Make the one consumer of all input topics."""
    session_ms = int(settings.session_timeout * 1000)
    return AIOKafkaConsumer(
        **client_options(settings),
        group_id=settings.consumer_group,
        # Range gives partition i of all topics to one member; aiokafka's default does not.
        partition_assignment_strategy=(RangePartitionAssignor,),
        enable_auto_commit=False,
        auto_offset_reset="none",  # what Kafka has lost is an operator's decision
        isolation_level="read_committed",
        session_timeout_ms=session_ms,
        heartbeat_interval_ms=min(3000, session_ms // 3),
        rebalance_timeout_ms=max(session_ms, 10_000),
        max_poll_interval_ms=_POLL_INTERVAL_MS_MAX,
    )


def new_lane_producer(settings: Settings, lane: int) -> AIOKafkaProducer:
    """Make the producer of a lane: the same transactional id in whichever process owns it."""
    return AIOKafkaProducer(
        **client_options(settings),
        transactional_id=f"{settings.consumer_group}-lane-{lane}",
        acks="all",
        max_batch_size=_BATCH_BYTES_MAX,
        max_request_size=_REQUEST_BYTES_MAX,
        transaction_timeout_ms=_TRANSACTION_MS_MAX,
    )


def new_reader(
    settings: Settings, isolation_level: IsolationLevel = "read_committed"
) -> AIOKafkaConsumer:
    """Make a reader of what is published, that is no member of any group."""
    return AIOKafkaConsumer(
        **client_options(settings),
        enable_auto_commit=False,
        isolation_level=isolation_level,
    )
