"""What a batch is told of by whoever traces. Where nobody does, there is nothing to be told."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Protocol

from consumers.records import Batch
from consumers.transaction import Applied
from schemas.outcomes import Outcome


class BatchSpan(Protocol):
    """One attempt to apply a batch."""

    def carry_on(self, outcomes: Sequence[Outcome]) -> None:
        """Let outcomes that are decided, and not saved yet, go on with their events' traces."""

    def commit(self, applied: Applied) -> None:
        """Tell what was committed, and note in it which trace it is in."""


class Tracing(Protocol):
    """Traces batches."""

    def batch(self, batch: Batch) -> AbstractContextManager[BatchSpan]:
        """Give the span of an attempt; what it raises without a commit is an error of the span."""
