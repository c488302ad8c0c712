import asyncio
from collections.abc import AsyncIterator
from uuid import uuid4

import pytest
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from service.embedded import EmbeddedKafka
from service.settings import Settings
from service.topics import TopicsOk, TopicsRefused, check_topics, create_topics, show_topics


@pytest.fixture
def settings(kafka: EmbeddedKafka) -> Settings:
    """Topics of this test alone."""
    suffix = uuid4().hex[:8]
    return Settings(
        kafka_bootstrap_servers=kafka.bootstrap_servers,
        admitted_topic=f"admitted-{suffix}",
        cart_updated_topic=f"cart-updated-{suffix}",
        checkout_completed_topic=f"checkout-completed-{suffix}",
        hold_commands_topic=f"hold-commands-{suffix}",
        admission_expired_topic=f"admission-expired-{suffix}",
        expiry_ticks_topic=f"expiry-ticks-{suffix}",
        outcomes_topic=f"outcomes-{suffix}",
        dead_letters_topic=f"dead-letters-{suffix}",
    )


@pytest.fixture
async def admin(kafka: EmbeddedKafka) -> AsyncIterator[AIOKafkaAdminClient]:
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka.bootstrap_servers)
    await admin.start()
    yield admin
    await admin.close()


async def make(admin: AIOKafkaAdminClient, name: str, partitions: int) -> None:
    answer = await admin.create_topics(
        [NewTopic(name=name, num_partitions=partitions, replication_factor=1)]
    )
    assert [code for _, code, *_ in answer.topic_errors] == [0]
    # A broker may answer before its own metadata has the topic.
    while name not in await admin.list_topics():
        await asyncio.sleep(0.02)


async def test_topics_are_made_with_equal_partition_counts(settings: Settings) -> None:
    made = await create_topics(settings, partitions=3, replication_factor=1)

    assert [topic.role for topic in made] == [
        *("admitted", "cart-updated", "checkout-completed"),
        *("hold-commands", "admission-expired", "expiry-ticks"),
        *("outcomes", "dead_letters"),
    ]
    assert {(topic.partitions, topic.replicas, topic.ready) for topic in made} == {(3, 1, True)}
    assert await check_topics(settings) == TopicsOk(lanes=3)


async def test_making_them_again_leaves_them_as_they_are(settings: Settings) -> None:
    first = await create_topics(settings, partitions=2, replication_factor=1)
    second = await create_topics(settings, partitions=2, replication_factor=1)

    assert second == first


async def test_two_who_make_them_at_once_both_succeed(settings: Settings) -> None:
    both = await asyncio.gather(
        *(create_topics(settings, partitions=2, replication_factor=1) for _ in range(2))
    )

    assert both[0] == both[1]


async def test_ticks_are_kept_for_an_hour(settings: Settings, admin: AIOKafkaAdminClient) -> None:
    await create_topics(settings, partitions=1, replication_factor=1)

    (answer,) = await admin.describe_configs(
        [ConfigResource(ConfigResourceType.TOPIC, settings.expiry_ticks_topic)]
    )

    values = {entry[0]: entry[1] for resource in answer.resources for entry in resource[4]}
    assert values["retention.ms"] == "3600000"
    assert values["segment.ms"] == "3600000"


async def test_existing_topic_that_fits_is_kept(
    settings: Settings, admin: AIOKafkaAdminClient
) -> None:
    await make(admin, settings.outcomes_topic, 2)

    await create_topics(settings, partitions=2, replication_factor=1)

    assert await check_topics(settings) == TopicsOk(lanes=2)


async def test_existing_topic_with_another_count_is_named_and_nothing_is_made(
    settings: Settings, admin: AIOKafkaAdminClient
) -> None:
    await make(admin, settings.outcomes_topic, 3)

    with pytest.raises(TopicsRefused) as raised:
        await create_topics(settings, partitions=2, replication_factor=1)

    assert raised.value.problems == [
        f"topic {settings.outcomes_topic} exists with 3 partitions, asked for 2: "
        "give --partitions 3, or delete the topic first"
    ]
    topics = await show_topics(settings)
    assert [topic.role for topic in topics if topic.partitions is not None] == ["outcomes"]


async def test_what_a_broker_refuses_is_told(settings: Settings) -> None:
    with pytest.raises(TopicsRefused) as raised:
        await create_topics(settings, partitions=2, replication_factor=3)

    assert len(raised.value.problems) == 8
    assert raised.value.problems[0].startswith(f"topic {settings.admitted_topic}: ")
    assert "replication" in raised.value.problems[0].lower()


async def test_missing_topics_are_named(settings: Settings, admin: AIOKafkaAdminClient) -> None:
    await make(admin, settings.admitted_topic, 1)

    problems = await check_topics(settings)

    assert problems == [
        f"topics missing: {settings.cart_updated_topic}, {settings.checkout_completed_topic}, "
        f"{settings.hold_commands_topic}, {settings.admission_expired_topic}, "
        f"{settings.expiry_ticks_topic}, {settings.outcomes_topic}, {settings.dead_letters_topic}: "
        "run `reservations topics create`"
    ]


async def test_asking_for_topics_makes_none(settings: Settings) -> None:
    await check_topics(settings)

    assert all(topic.partitions is None for topic in await show_topics(settings))


async def test_unequal_counts_are_told(settings: Settings, admin: AIOKafkaAdminClient) -> None:
    await make(admin, settings.checkout_completed_topic, 3)
    for name in {*settings.input_topics.values(), *settings.output_topics.values()}:
        if name != settings.checkout_completed_topic:
            await make(admin, name, 4)

    problems = await check_topics(settings)

    assert isinstance(problems, list)
    assert problems[0].startswith(
        f"unequal partition counts: {settings.admitted_topic} 4, {settings.cart_updated_topic} 4, "
        f"{settings.checkout_completed_topic} 3, "
    )


async def test_one_name_for_two_purposes_is_refused(settings: Settings) -> None:
    twice = settings.model_copy(update={"outcomes_topic": settings.admitted_topic})

    with pytest.raises(TopicsRefused, match="is set for more than one purpose"):
        await create_topics(twice, partitions=1, replication_factor=1)
