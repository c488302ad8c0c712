"""What the loop has to know."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from consumers.dead_letter_limit import Limits


@dataclass(frozen=True, slots=True)
class LoopSettings:
    """Names, limits and times; `topics` are in the order in which a batch applies them."""

    topics: Sequence[str]
    ticks_topic: str
    owner: str
    lane_prefix: str = "lane-"  # of transactional ids of before: one a lane, with its number
    batch_size_max: int = 4000
    expiry_batch_max: int = 1000
    revoke_seconds_max: float = 5.0  # to finish a batch when Kafka takes lanes away
    retry_seconds_max: float = 5.0  # between two attempts while Postgres is away
    dead_letters: Limits = field(default_factory=Limits)
