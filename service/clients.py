"""All clients of Kafka of this project, each set up as the design needs it."""

from typing import Any, Final, Literal

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.coordinator.assignors.range import RangePartitionAssignor

from consumers.header_names import read_every_header_name
from producers.kafka import IsolationLevel
from service.kafka_access import access_options
from service.settings import Settings

# A member of the group stays one while an outage of Postgres is waited out without a poll.
_POLL_INTERVAL_MS_MAX: Final = 3_600_000
METADATA_MS_MAX = 30_000  # partitions that were added are read so soon; by default after 5 min
# While a fetch waits for some partitions aiokafka asks for no others: see consumers/ahead.py.
_FETCH_WAIT_MS: Final = 100
_BATCH_BYTES_MAX: Final = 512 * 1024
_REQUEST_BYTES_MAX: Final = 20 * 1024 * 1024  # a dead letter is up to 16 MiB
_TRANSACTION_MS_MAX: Final = 60_000

# Where to go on when retention has deleted what was to be read; "none" raises an error.
AutoOffsetReset = Literal["earliest", "none"]

read_every_header_name()  # aiokafka has no option for it: it is so for every consumer here


def client_options(settings: Settings) -> dict[str, Any]:
    """Give the options that all clients have in common. Raises WrongAccess."""
    return {
        "bootstrap_servers": settings.kafka_bootstrap_servers,
        "client_id": f"reservations-{settings.worker_name}",
        **access_options(settings),
    }


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
        rebalance_timeout_ms=max(session_ms, 20_000),  # longer than giving lanes up takes
        max_poll_interval_ms=_POLL_INTERVAL_MS_MAX,
        fetch_max_wait_ms=_FETCH_WAIT_MS,
        metadata_max_age_ms=METADATA_MS_MAX,
    )


def new_transactional_producer(settings: Settings, transactional_id: str) -> AIOKafkaProducer:
    """Make the producer of a worker's outcomes, or one that fences whoever had this id before."""
    return AIOKafkaProducer(
        **client_options(settings),
        transactional_id=transactional_id,
        acks="all",
        max_batch_size=_BATCH_BYTES_MAX,
        max_request_size=_REQUEST_BYTES_MAX,
        transaction_timeout_ms=_TRANSACTION_MS_MAX,
    )


def new_producer(settings: Settings) -> AIOKafkaProducer:
    """Make a producer of records that are no worker's: sent by hand, or by a demo."""
    return AIOKafkaProducer(**client_options(settings), acks="all", enable_idempotence=True)


def new_replaying_producer(settings: Settings) -> AIOKafkaProducer:
    """Make a producer of dead letters that go back: they came compressed, or may just have fit."""
    return AIOKafkaProducer(
        **client_options(settings),
        acks="all",
        enable_idempotence=True,
        compression_type="gzip",
        max_request_size=_REQUEST_BYTES_MAX,
    )


def new_reader(
    settings: Settings,
    isolation_level: IsolationLevel = "read_committed",
    auto_offset_reset: AutoOffsetReset = "earliest",
) -> AIOKafkaConsumer:
    """Make a reader that is no member of any group, and so leaves no trace in Kafka."""
    return AIOKafkaConsumer(
        **client_options(settings),
        group_id=None,
        enable_auto_commit=False,
        auto_offset_reset=auto_offset_reset,
        isolation_level=isolation_level,
    )
