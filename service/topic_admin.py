"""What the brokers are asked about topics, and told to make."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import KafkaConnectionError, TopicAlreadyExistsError, for_code

from consumers.journaling import DEAD_LETTER_BYTES_MAX
from schemas.vocabulary import Stream, Topic
from service.clients import client_options
from service.kafka_access import refusal
from service.settings import Settings
from service.topic_problems import TopicShown

_REQUEST_SECONDS: Final = 10
_HOUR_MS: Final = str(3600 * 1000)

# A dead letter is a record as it was before compression, with our headers.
_DEAD_LETTERS_CONFIG: Final = {"max.message.bytes": str(DEAD_LETTER_BYTES_MAX)}

# A tick is of use until the next one. Kafka drops whole segments only, so they are short too.
_TICKS_CONFIG: Final = {"retention.ms": _HOUR_MS, "segment.ms": _HOUR_MS}

_CONFIGS: Final = {"expiry-ticks": _TICKS_CONFIG, "dead_letters": _DEAD_LETTERS_CONFIG}


@asynccontextmanager
async def administering(settings: Settings) -> AsyncIterator[AIOKafkaAdminClient]:
    """Give a client that has started. Raises KafkaRefused, KafkaError or TimeoutError."""
    admin = AIOKafkaAdminClient(
        **client_options(settings), request_timeout_ms=_REQUEST_SECONDS * 1000
    )
    try:
        # Something that listens but is no broker would be waited for much longer.
        await _start(admin, settings)
        yield admin
    finally:
        await admin.close()


async def _start(admin: AIOKafkaAdminClient, settings: Settings) -> None:
    """Start a client. Raises KafkaRefused where brokers answer, and do not let it in."""
    try:
        await asyncio.wait_for(admin.start(), _REQUEST_SECONDS)
    except (KafkaConnectionError, TimeoutError):
        if refused := await refusal(settings):
            raise refused from None
        raise


def _roles(settings: Settings) -> dict[Topic | Stream, str]:
    return settings.input_topics | settings.output_topics


async def describe(admin: AIOKafkaAdminClient, settings: Settings) -> list[TopicShown]:
    """Describe the topics that the settings name, also those that do not exist."""
    # All topics are asked for: to ask for one by name may create it.
    described = {topic["topic"]: topic for topic in await admin.describe_topics()}
    return [_shown(role, name, described.get(name)) for role, name in _roles(settings).items()]


def _shown(role: str, name: str, described: dict[str, Any] | None) -> TopicShown:
    partitions = described["partitions"] if described else []
    if not partitions:
        return TopicShown(role, name, None, None, ready=False)
    replicas = min(len(partition["replicas"]) for partition in partitions)
    ready = all(partition["leader"] >= 0 for partition in partitions)
    return TopicShown(role, name, len(partitions), replicas, ready)


async def create(
    admin: AIOKafkaAdminClient,
    topics: Sequence[TopicShown],
    partitions: int,
    replication_factor: int,
) -> list[str]:
    """Ask for topics, and give what the brokers refuse of it, a line each."""
    new = [
        NewTopic(
            name=topic.name,
            num_partitions=partitions,
            replication_factor=replication_factor,
            topic_configs=_CONFIGS.get(topic.role, {}),
        )
        for topic in topics
    ]
    answer = await admin.create_topics(new, timeout_ms=_REQUEST_SECONDS * 1000)
    # It has an error code per topic, and aiokafka raises for none. Another process may have made
    # one since: what it made is checked afterwards.
    return [
        f"topic {name}: {message or for_code(code).__name__}"
        for name, code, message, *_ in answer.topic_errors
        if code and for_code(code) is not TopicAlreadyExistsError
    ]
