"""How soon aiokafka asks again whether a transaction may begin: it has no option for it."""

from collections.abc import AsyncIterator

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.errors import ConcurrentTransactions
from aiokafka.producer.sender import AddPartitionsToTxnHandler
from aiokafka.protocol.transaction import AddPartitionsToTxnResponse_v0
from aiokafka.structs import TopicPartition

from producers.transactional_producer import AGAIN_SECONDS


@pytest.fixture
async def producer() -> AsyncIterator[AIOKafkaProducer]:
    """Give one that is not started: it knows of no broker."""
    producer = AIOKafkaProducer(transactional_id="me")
    yield producer
    await producer.stop()


async def test_a_transaction_begins_as_soon_as_the_one_before_is_over(
    producer: AIOKafkaProducer,
) -> None:
    asked = AddPartitionsToTxnHandler(producer._sender, [TopicPartition("outcomes", 0)])
    not_yet = [("outcomes", [(0, ConcurrentTransactions.errno)])]

    waits_seconds = asked.handle_response(AddPartitionsToTxnResponse_v0(0, not_yet))

    assert waits_seconds == AGAIN_SECONDS < 0.02
