"""The topics in Kafka: whether they are as a worker needs them, and how to make them so.

All topics have the same number of partitions, for partition i of each of them is lane i.
"""

import asyncio
from dataclasses import dataclass
from typing import Final

from aiokafka.admin import AIOKafkaAdminClient

from service.settings import Settings
from service.topic_admin import administering, create, describe
from service.topic_problems import TopicShown, names_used_twice, other_counts, problems_of

_CREATE_SECONDS: Final = 30


@dataclass(frozen=True, slots=True)
class TopicsOk:
    """All topics are there and fit together."""

    lanes: int


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


async def show_topics(settings: Settings) -> list[TopicShown]:
    """Describe the topics that the settings name, also those that do not exist."""
    async with administering(settings) as admin:
        return await describe(admin, settings)


async def create_topics(
    settings: Settings, *, partitions: int, replication_factor: int
) -> list[TopicShown]:
    """Make the topics that are missing, and wait until the brokers know them.

    Raises TopicsRefused, before anything is made, where an existing topic has another number of
    partitions; and when a broker refuses.
    """
    async with administering(settings) as admin:
        existing = await describe(admin, settings)
        if problems := [*names_used_twice(existing), *other_counts(existing, partitions)]:
            raise TopicsRefused(problems)
        missing = [topic for topic in existing if topic.partitions is None]
        if missing and (refused := await create(admin, missing, partitions, replication_factor)):
            raise TopicsRefused(refused)
        return await _wait_for_all(admin, settings, partitions)


async def _wait_for_all(
    admin: AIOKafkaAdminClient, settings: Settings, partitions: int
) -> list[TopicShown]:
    try:
        async with asyncio.timeout(_CREATE_SECONDS):
            while True:
                shown = await describe(admin, settings)
                if all(topic.ready for topic in shown):
                    break
                await asyncio.sleep(0.1)
    except TimeoutError:
        names = ", ".join(topic.name for topic in shown if not topic.ready)
        raise TopicsRefused(
            [f"topics made, but still without a leader after {_CREATE_SECONDS} s: {names}"]
        ) from None
    if problems := other_counts(shown, partitions):
        raise TopicsRefused(problems)
    return shown
