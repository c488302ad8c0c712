"""Stored offsets beside what Kafka has: whether they fit, and what moving them would mean."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from aiokafka.structs import TopicPartition

from db.offsets import StoredOffset
from service.clients import new_reader
from service.settings import Settings

# ok: the next record to apply is there, or is the next to come. new: nothing was ever read, so
# reading begins where Kafka begins. lost: retention was faster. ahead: the topic was made anew.
State = Literal["ok", "new", "lost", "ahead"]

NEVER_READ: Final = -1


@dataclass(frozen=True, slots=True)
class Offsets:
    """One partition of an input topic: Postgres' place in it, and Kafka's first and end offset."""

    lane: int
    topic: str
    stored: int
    first: int
    end: int
    owner: str = ""
    epoch: int = 0
    is_ticks: bool = False  # of ticks only the newest means anything

    @property
    def state(self) -> State:
        if self.stored == NEVER_READ:
            return "new"
        if self.stored > self.end:
            return "ahead"
        return "lost" if self.stored < self.first and not self.is_ticks else "ok"

    @property
    def lag(self) -> int:
        """Give the number of offsets that wait; markers of transactions count too."""
        return self.end - min(max(self.stored, self.first), self.end)


@dataclass(frozen=True, slots=True)
class Move:
    """A stored offset, and where it shall go."""

    offsets: Offsets
    to: int

    @property
    def skipped(self) -> int:
        """Give how many offsets that Kafka has, and nobody has applied, are passed over."""
        return max(0, self.to - max(self._read_up_to, self.offsets.first))

    @property
    def read_again(self) -> int:
        """Give how many offsets below the stored one come again."""
        return max(0, self._read_up_to - self.to)

    @property
    def gone(self) -> int:
        """Give how many offsets retention took that were never applied."""
        return max(0, self.offsets.first - self.offsets.stored) if self._is_lost else 0

    @property
    def _is_lost(self) -> bool:
        return self.offsets.state == "lost"

    @property
    def _read_up_to(self) -> int:
        # What stands past the end was read from another topic of this name: nothing of this one.
        return 0 if self.offsets.state in ("ahead", "new") else self.offsets.stored


class OffsetsRefused(Exception):
    """What is asked for cannot be done; the message is a line for people."""


async def look(
    settings: Settings, lanes: Collection[int], stored: Sequence[StoredOffset]
) -> list[Offsets]:
    """Put the stored offsets of the input topics beside Kafka's. Raises KafkaError."""
    known = {(one.lane, one.topic): one for one in stored}
    partitions = [
        TopicPartition(topic, lane)
        for lane in sorted(lanes)
        for topic in settings.input_topics.values()
    ]
    reader = new_reader(settings)
    try:
        await reader.start()
        first: Mapping[TopicPartition, int] = await reader.beginning_offsets(partitions)
        end: Mapping[TopicPartition, int] = await reader.end_offsets(partitions)
    finally:
        await reader.stop()
    return [
        _offsets(
            settings,
            known.get(
                (partition.partition, partition.topic),
                StoredOffset(partition.partition, partition.topic, NEVER_READ, 0, ""),
            ),
            first[partition],
            end[partition],
        )
        for partition in partitions
    ]


def choose(
    found: Sequence[Offsets], *, topic: str | None, lane: int | None, everything: bool
) -> list[Offsets]:
    """Choose by topic, by lane, by both, or all. Raises OffsetsRefused where none is meant."""
    if everything == (topic is not None or lane is not None):
        raise OffsetsRefused("say which: --topic NAME, --lane NUMBER, or both; or --all")
    topics, lanes = {one.topic for one in found}, {one.lane for one in found}
    if topic is not None and topic not in topics:
        raise OffsetsRefused(f"{topic} is no input topic: {', '.join(sorted(topics))}")
    if lane is not None and lane not in lanes:
        raise OffsetsRefused(f"there is no lane {lane}: they are 0 to {max(lanes)}")
    return [one for one in found if topic in (None, one.topic) and lane in (None, one.lane)]


def plan(chosen: Sequence[Offsets], to: str) -> list[Move]:
    """Give the moves to `earliest`, `latest` or an offset. Raises OffsetsRefused."""
    moves = [Move(one, _target(one, to)) for one in chosen]
    return [move for move in moves if move.to != move.offsets.stored]


def _target(one: Offsets, to: str) -> int:
    if to == "earliest":
        return one.first
    if to == "latest":
        return one.end
    if not to.isdecimal():
        raise OffsetsRefused(f"--to {to}: expected earliest, latest, or an offset")
    if not one.first <= int(to) <= one.end:
        raise OffsetsRefused(
            f"--to {to}: {one.topic}[{one.lane}] has offsets {one.first} to {one.end}"
        )
    return int(to)


def _offsets(settings: Settings, stored: StoredOffset, first: int, end: int) -> Offsets:
    return Offsets(
        lane=stored.lane,
        topic=stored.topic,
        stored=stored.next_offset,
        first=first,
        end=end,
        owner=stored.owner,
        epoch=stored.epoch,
        is_ticks=stored.topic == settings.expiry_ticks_topic,
    )
