"""What publishing needs of Kafka, given by whoever knows the settings."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from schemas.vocabulary import Stream

IsolationLevel = Literal["read_committed", "read_uncommitted"]


@dataclass(frozen=True, slots=True)
class Kafka:
    """How to make a producer for a transactional id and a reader, and the names of the topics."""

    new_producer: Callable[[str], AIOKafkaProducer]
    new_reader: Callable[[IsolationLevel], AIOKafkaConsumer]
    topics: Mapping[Stream, str]
    publisher: str  # what transactional ids begin with
