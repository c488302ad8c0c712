"""The parts of a worker, made as its settings say."""

from collections.abc import Callable, Sequence
from typing import Any

from consumers.dead_letter_limit import Limits
from consumers.loop_settings import LoopSettings
from producers.kafka import Kafka
from producers.publisher import Publisher
from producers.ticks import create_ticker
from service.clients import new_reader, new_transactional_producer
from service.kafka_access import access_options
from service.settings import Settings


def loop_settings(settings: Settings) -> LoopSettings:
    """Give what the loop has to know."""
    return LoopSettings(
        topics=tuple(settings.input_topics.values()),
        ticks_topic=settings.expiry_ticks_topic,
        owner=settings.worker_name,
        lane_prefix=f"{settings.consumer_group}-lane-",
        batch_size_max=settings.batch_size_max,
        expiry_batch_max=settings.expiry_batch_max,
        dead_letters=Limits(settings.dead_letters_share_max, settings.dead_letters_run_max),
    )


def new_publisher(settings: Settings, on_published: Callable[[int, float], None]) -> Publisher:
    """Make what publishes for all lanes; `on_published` gets entries and seconds."""
    return Publisher(
        Kafka(
            new_producer=lambda id_: new_transactional_producer(settings, id_),
            new_reader=lambda isolation_level: new_reader(settings, isolation_level),
            topics=settings.output_topics,
            publisher=f"{settings.consumer_group}-{settings.worker_name}",
        ),
        pending_max=settings.unpublished_batches_max * settings.batch_size_max,
        publish_seconds_max=settings.publish_timeout,
        on_published=on_published,
    )


def new_ticker(
    settings: Settings,
    *,
    lanes: Callable[[], Sequence[int]],
    on_tick_seen: Callable[[float], None],
    on_timer: Callable[[], None],
) -> Any:
    """Make the Faust app that ticks these lanes."""
    return create_ticker(
        bootstrap_servers=settings.kafka_bootstrap_servers,
        topic=settings.expiry_ticks_topic,
        group=f"{settings.consumer_group}-ticks",
        interval_seconds=settings.tick_interval,
        emitter=settings.worker_name,
        lanes=lanes,
        on_tick_seen=on_tick_seen,
        on_timer=on_timer,
        access=access_options(settings),
    )
