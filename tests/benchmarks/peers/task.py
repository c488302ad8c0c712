"""What a peer is told: where its servers are, and the names of its topics."""

import os
from dataclasses import asdict, dataclass

import msgspec

VARIABLE = "PEER_TASK"


@dataclass(frozen=True)
class Task:
    """Where to read from and to write to."""

    bootstrap_servers: str
    database_url: str
    admitted_topic: str
    outcomes_topic: str
    group: str
    lanes: int

    def environment(self) -> dict[str, str]:
        """Give what the peer's process is started with."""
        return os.environ | {VARIABLE: msgspec.json.encode(asdict(self)).decode()}


def own_task() -> Task:
    """Give the task that this process was started with."""
    return msgspec.json.decode(os.environ[VARIABLE], type=Task)
