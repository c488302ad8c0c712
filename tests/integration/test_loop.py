"""The loop between a real Kafka and a real Postgres, with a rebalance where a test wants it."""

import asyncio

import pytest
from asyncpg import Pool

from consumers.loop import Loop
from consumers.loop_settings import LoopSettings
from schemas import steps
from schemas.steps import Step
from service.clients import new_consumer
from service.embedded import EmbeddedKafka
from tests.integration.test_publisher import made, publisher_of


@pytest.mark.timeout(40)  # a loop that spins lets nothing else run, no timeout of asyncio either
async def test_lanes_that_are_taken_away_before_their_first_sweep_leave_the_process_alive(
    kafka: EmbeddedKafka, pool: Pool
) -> None:
    settings = await made(kafka)
    consumer = new_consumer(settings)
    await consumer.start()
    topics = tuple(settings.input_topics.values())
    names = LoopSettings(topics, settings.expiry_ticks_topic, owner="test")
    loop = Loop(names, pool, consumer, publisher_of(settings), lambda applied: None)
    taking_away: list[asyncio.Task[None]] = []
    began, stop = asyncio.Event(), asyncio.Event()

    def rebalance(step: Step, _: int) -> None:
        if step == "epochs":  # it waits for the end of the take-over, and is the next then
            revoked = loop.share.on_partitions_revoked(consumer.assignment())
            taking_away.append(asyncio.create_task(revoked))
            began.set()

    steps.on_step(rebalance)
    running = asyncio.create_task(loop.run(stop))
    try:
        async with asyncio.timeout(20):
            await began.wait()
            await taking_away[0]
            stop.set()
            await running
    finally:
        steps.on_step(None)
        await consumer.stop()
    assert not loop.share.lanes
