"""Faust: an agent with an actor per partition, acknowledging what was published."""

import asyncio
from typing import Any

import faust
from faust.contrib.asgi import faust_app_running

from tests.benchmarks.peers.shop import admit, open_pool
from tests.benchmarks.peers.task import Task
from tests.benchmarks.peers.words import Admitted


class _App(faust.App):
    """An app without tables needs no directory of its own, here."""

    def _create_directories(self) -> None:
        return None


async def serve(task: Task) -> None:
    """Consume until the process is ended."""
    pool = await open_pool(task.database_url, task.lanes)
    app = _App(
        task.group,
        broker=f"kafka://{task.bootstrap_servers}",
        value_serializer="raw",
        web_enabled=False,
        topic_disable_leader=True,
        producer_acks=-1,
        producer_linger=0.0,
        consumer_auto_offset_reset="earliest",
    )
    admitted = app.topic(task.admitted_topic, value_serializer="raw", key_serializer="raw")
    outcomes = app.topic(task.outcomes_topic, value_serializer="raw", key_serializer="raw")

    @app.agent(admitted, concurrency=task.lanes)
    async def hold(stream: Any) -> None:
        async for event in stream.events():
            lane = event.message.partition
            for said in await admit(pool, Admitted.model_validate_json(event.value), lane):
                sent = outcomes.send(
                    key=event.key, value=said.body, partition=lane, headers=dict(said.headers)
                )
                await (await sent)

    async with faust_app_running(app):
        await asyncio.Event().wait()
