"""What the loop needs of whoever publishes: the loop hands over what it has committed."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Protocol

from db.lanes import Lane
from schemas.journal import IsOurs, JournalEntry, Marks


class Publisher(Protocol):
    """Publishes entries of the journal, per lane in order, each exactly once."""

    @property
    def transactional_id(self) -> str:
        """Give the id under which it publishes until it is closed: nobody else ever has it."""

    async def open(
        self,
        transactional_id: str,
        lanes: Mapping[int, Marks],
        before: Collection[str],
        is_ours: IsOurs,
    ) -> Mapping[int, Marks]:
        """Take lanes over from whoever published `before`, and give where each has got to.

        The id is the one that was noted for the next owner; Superseded is raised where the
        publisher was closed since it gave that. The marks that come in are where to start looking.
        A lane that is open already stays as it is, and its marks are of what was put, published or
        not. `is_ours` is asked when a producer has started: somebody may have taken a lane, and
        fenced the id before that.
        """

    def put(self, entries: Sequence[JournalEntry]) -> None:
        """Take committed entries over. Raises what `room` does."""

    async def room(self, timeout_seconds: float) -> bool:
        """Wait until not too much is unpublished; tell whether that is so.

        Raises Superseded when another process publishes for one of our lanes, and Unpublished when
        Kafka has lost what it had acknowledged.
        """

    def marks(self, lane: int) -> Marks:
        """Give the published end of a lane's streams."""

    async def close(self, timeout_seconds: float) -> None:
        """Publish what is in hand, for at most so long, and give all lanes up."""


def note_published(lanes: Iterable[Lane], publisher: Publisher) -> None:
    """Let the batch save how far its lanes are published: where a take-over starts looking."""
    for lane in lanes:
        for stream, mark in publisher.marks(lane.lane).items():
            output = lane.outputs[stream]
            output.published_sequence, output.published_offset = mark
