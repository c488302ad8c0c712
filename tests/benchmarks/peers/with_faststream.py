"""FastStream: a subscriber that works on its partitions at the same time, acknowledging each."""

from typing import Any

from faststream import AckPolicy, FastStream
from faststream.kafka import KafkaBroker, KafkaMessage

from tests.benchmarks.peers.shop import admit, open_pool
from tests.benchmarks.peers.task import Task
from tests.benchmarks.peers.words import Admitted


async def serve(task: Task) -> None:
    """Consume until the process is ended."""
    pool = await open_pool(task.database_url, task.lanes)
    broker = KafkaBroker(task.bootstrap_servers, acks="all", enable_idempotence=True, logger=None)

    @broker.subscriber(
        task.admitted_topic,
        group_id=task.group,
        auto_offset_reset="earliest",
        ack_policy=AckPolicy.NACK_ON_ERROR,
        max_workers=task.lanes,
        max_records=500,
    )
    async def hold(event: Admitted, message: KafkaMessage) -> None:
        record: Any = message.raw_message
        for said in await admit(pool, event, record.partition):
            await broker.publish(
                said.body,
                task.outcomes_topic,
                key=record.key,
                partition=record.partition,
                headers={name: value.decode() for name, value in said.headers},
            )

    await FastStream(broker).run()
