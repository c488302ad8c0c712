"""A topic as it was found, and what an operator has to mend about several of them."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class TopicShown:
    """A topic by what it carries: None partitions where it does not exist."""

    role: str
    name: str
    partitions: int | None
    replicas: int | None
    ready: bool  # every partition has a leader


def problems_of(topics: Sequence[TopicShown]) -> list[str]:
    """Tell what an operator has to mend, a line each, before a worker can run."""
    if missing := [topic.name for topic in topics if topic.partitions is None]:
        return [f"topics missing: {', '.join(missing)}: run `reservations topics create`"]
    if same := names_used_twice(topics):
        return same
    counts = {topic.name: topic.partitions or 0 for topic in topics}
    return [_unequal(counts)] if len(set(counts.values())) > 1 else []


def other_counts(topics: Sequence[TopicShown], partitions: int) -> list[str]:
    """Tell which topics exist with another number of partitions than is asked for."""
    return [
        f"topic {topic.name} exists with {topic.partitions} partitions, asked for {partitions}: "
        f"give --partitions {topic.partitions}, or delete the topic first"
        for topic in topics
        if topic.partitions not in (None, partitions)
    ]


def names_used_twice(topics: Sequence[TopicShown]) -> list[str]:
    """Tell which names are set for more than one topic."""
    uses = Counter(topic.name for topic in topics)
    return [
        f"topic {name} is set for more than one purpose: give each a name of its own"
        for name, count in uses.items()
        if count > 1
    ]


def _unequal(counts: dict[str, int]) -> str:
    listed = ", ".join(f"{name} {count}" for name, count in counts.items())
    most = max(counts.values())
    return (
        f"unequal partition counts: {listed}: all topics need the same number; "
        f"raise the others to {most} while no worker runs"
    )
