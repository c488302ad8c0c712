"""The topics in Kafka: what is there, what is wrong with it, and how to make them.

All topics have the same number of partitions, for partition i of each of them is lane i.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import KafkaConnectionError, TopicAlreadyExistsError, for_code

from consumers.journaling import DEAD_LETTER_BYTES_MAX
from schemas.vocabulary import Stream, Topic
from service.clients import client_options
from service.kafka_access import refusal
from service.settings import Settings

_REQUEST_SECONDS: Final = 10
_CREATE_SECONDS: Final = 30
_HOUR_MS: Final = str(3600 * 1000)

# A dead letter is a record as it was before compression, with our headers.
_DEAD_LETTERS_CONFIG: Final = {"max.message.bytes": str(DEAD_LETTER_BYTES_MAX)}

# A tick is of use until the next one. Kafka drops whole segments only, so they are short too.
_TICKS_CONFIG: Final = {"retention.ms": _HOUR_MS, "segment.ms": _HOUR_MS}

_CONFIGS: Final = {"expiry-ticks": _TICKS_CONFIG, "dead_letters": _DEAD_LETTERS_CONFIG}


@dataclass(frozen=True, slots=True)
class TopicsOk:
    """All topics are there and fit together."""

    lanes: int


@dataclass(frozen=True, slots=True)
class TopicShown:
    """A topic by what it carries: None partitions where it does not exist."""

    role: str
    name: str
    partitions: int | None
    replicas: int | None
    ready: bool  # every partition has a leader


class TopicsRefused(Exception):
    """Topics cannot be made, or not as asked; `problems` are lines to print."""

    def __init__(self, problems: list[str]) -> None:
        self.problems = problems
        super().__init__("\n".join(problems))


async def check_topics(settings: Settings) -> TopicsOk | list[str]:
    """Tell how many lanes there are, or what an operator has to mend, a line each.

    Raises KafkaError or TimeoutError when no broker answers, KafkaRefused when one refuses us.
    """
    topics = await show_topics(settings)
    return problems_of(topics) or TopicsOk(lanes=topics[0].partitions or 0)


def problems_of(topics: Sequence[TopicShown]) -> list[str]:
    """Tell what an operator has to mend, a line each, before a worker can run."""
    if missing := [topic.name for topic in topics if topic.partitions is None]:
        return [f"topics missing: {', '.join(missing)}: run `reservations topics create`"]
    if same := _names_used_twice(topics):
        return same
    counts = {topic.name: topic.partitions or 0 for topic in topics}
    return [_unequal(counts)] if len(set(counts.values())) > 1 else []


async def show_topics(settings: Settings) -> list[TopicShown]:
    """Describe the topics that the settings name, also those that do not exist."""
    async with _admin(settings) as admin:
        return await _describe(admin, settings)


async def create_topics(
    settings: Settings, *, partitions: int, replication_factor: int
) -> list[TopicShown]:
    """Make the topics that are missing, and wait until the brokers know them.

    Raises TopicsRefused, before anything is made, where an existing topic has another number of
    partitions; and when a broker refuses.
    """
    async with _admin(settings) as admin:
        existing = await _describe(admin, settings)
        if problems := [*_names_used_twice(existing), *_other_counts(existing, partitions)]:
            raise TopicsRefused(problems)
        missing = [topic for topic in existing if topic.partitions is None]
        if missing:
            await _create(admin, missing, partitions, replication_factor)
        return await _wait_for_all(admin, settings, partitions)


@asynccontextmanager
async def _admin(settings: Settings) -> AsyncIterator[AIOKafkaAdminClient]:
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


async def _describe(admin: AIOKafkaAdminClient, settings: Settings) -> list[TopicShown]:
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


async def _create(
    admin: AIOKafkaAdminClient,
    topics: Sequence[TopicShown],
    partitions: int,
    replication_factor: int,
) -> None:
    """Ask for topics. The answer has an error code per topic, and aiokafka raises for none."""
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
    # Another process may have made it since: what it made is checked afterwards.
    refused = [
        f"topic {name}: {message or for_code(code).__name__}"
        for name, code, message, *_ in answer.topic_errors
        if code and for_code(code) is not TopicAlreadyExistsError
    ]
    if refused:
        raise TopicsRefused(refused)


async def _wait_for_all(
    admin: AIOKafkaAdminClient, settings: Settings, partitions: int
) -> list[TopicShown]:
    try:
        async with asyncio.timeout(_CREATE_SECONDS):
            while True:
                shown = await _describe(admin, settings)
                if all(topic.ready for topic in shown):
                    break
                await asyncio.sleep(0.1)
    except TimeoutError:
        names = ", ".join(topic.name for topic in shown if not topic.ready)
        raise TopicsRefused(
            [f"topics made, but still without a leader after {_CREATE_SECONDS} s: {names}"]
        ) from None
    if problems := _other_counts(shown, partitions):
        raise TopicsRefused(problems)
    return shown


def _other_counts(topics: Sequence[TopicShown], partitions: int) -> list[str]:
    return [
        f"topic {topic.name} exists with {topic.partitions} partitions, asked for {partitions}: "
        f"give --partitions {topic.partitions}, or delete the topic first"
        for topic in topics
        if topic.partitions not in (None, partitions)
    ]


def _names_used_twice(topics: Sequence[TopicShown]) -> list[str]:
    uses = Counter(topic.name for topic in topics)
    return [
        f"topic {name} is set for more than one purpose: give each a name of its own"
        for name, count in uses.items()
        if count > 1
    ]


def _unequal(counts: dict[str, int]) -> str:
    listed = ", ".join(f"{name} {count}" for name, count in counts.items())
    most = max(counts.values())
    return (
        f"unequal partition counts: {listed}: all topics need the same number; "
        f"raise the others to {most} while no worker runs"
    )
