"""A batch that Postgres refuses, cut in halves until the one record that it refuses is alone.

The others are applied, in their order, and that one is a dead letter. Of n records that takes about
2 log2(n) transactions, and no record waits for all the others to be tried one by one.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import structlog
from aiokafka.structs import TopicPartition

from consumers.faults import sqlstate_of, stop_because_of, told
from consumers.record import Record, Records
from consumers.records import in_order

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Piece:
    """Records to apply in one transaction. With a `refusal` they are dead letters, for that."""

    records: Records
    refusal: str = ""


class Pieces:
    """What is left to apply of a refused batch, in the order of application."""

    def __init__(self, topics: Sequence[str], ticks_topic: str) -> None:
        self._topics = topics
        self._ticks_topic = ticks_topic
        self._left: list[Piece] = []  # the next one is the last

    def __len__(self) -> int:
        return len(self._left)

    def next(self) -> Piece:
        """Take the piece that is to be applied now."""
        return self._left.pop()

    def forget(self) -> None:
        """Forget them all: the lanes were taken over, and Kafka gives their records again."""
        self._left.clear()

    def put_back(self, piece: Piece, error: BaseException) -> None:
        """Put a piece that was refused back, as two, or as a dead letter where it is one record.

        Raises PermanentFault where that would not help: ticks have nothing that could be refused,
        so it is a row of ours; and a dead letter is refused for nothing that the record says.
        """
        records = list(in_order(piece.records, self._topics))
        if piece.refusal or all(record.topic == self._ticks_topic for record in records):
            stop_because_of(error)
        log.warning("batch.refused", records=len(records), error=told(error))
        if len(records) == 1:
            self._left.append(Piece(piece.records, refusal_of(error)))
            return
        half = len(records) // 2
        self._left.append(Piece(_only(records[half:], piece.records)))
        self._left.append(Piece(_only(records[:half], piece.records)))


def refusal_of(error: BaseException) -> str:
    """Give the reason of a dead letter: names of ours and no values, which may be secret."""
    where = [getattr(error, f"{kind}_name", None) for kind in ("table", "column", "constraint")]
    code = sqlstate_of(error) or type(error).__name__
    return " ".join(["the database refuses it:", code, *filter(None, where)])


def _only(chosen: Iterable[Record], polled: Records) -> Records:
    """Give these by partition. Partitions keep their order, which decides between equals."""
    found: dict[TopicPartition, list[Record]] = {partition: [] for partition in polled}
    for record in chosen:
        found[TopicPartition(record.topic, record.partition)].append(record)
    return found
