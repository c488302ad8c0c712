"""Which faults come, in which order and how hard: drawn from a seed, so that it can be again."""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Final, Literal, get_args

Kind = Literal[
    "kill a worker",
    "kill Kafka",
    "kill Postgres",
    "kill two at once",
    "freeze a worker",
    "cut a worker from Kafka",
    "cut a worker from Postgres",
    "restart a worker",
    "restart all, in turn",
    "a fourth worker comes and goes",
    "poison",
]
Victim = Literal["worker", "Kafka", "Postgres"]
Cut = Literal["silent", "reset", "refused", "slow"]

WORKERS: Final = 3
KINDS: Final[tuple[Kind, ...]] = get_args(Kind)
_VICTIMS: Final[tuple[Victim, ...]] = get_args(Victim)
_CUTS: Final[tuple[Cut, ...]] = get_args(Cut)


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault: `worker` is whom it hits, `seconds` is how long it lasts before it is mended."""

    number: int
    kind: Kind
    worker: int
    seconds: float
    victims: tuple[Victim, ...]
    cut: Cut
    immediate: bool  # Postgres is told to stop at once, and not killed
    calm_seconds: float  # until the next one

    def __str__(self) -> str:
        match self.kind:
            case "kill a worker" | "restart a worker":
                return f"{self.kind}: {self.worker}"
            case "kill two at once":
                return f"{self.kind}: {' and '.join(self.victims)}"
            case "freeze a worker":
                return f"{self.kind}: {self.worker}, {self.seconds:.1f} s"
            case "cut a worker from Kafka" | "cut a worker from Postgres":
                return f"{self.kind}: {self.worker}, {self.cut}, {self.seconds:.1f} s"
            case _:
                return self.kind


def plan(seed: int, count: int) -> list[Fault]:
    """Give so many faults: every kind comes before one comes again."""
    return list(islice(_faults(random.Random(seed)), count))


def _faults(dice: random.Random) -> Iterator[Fault]:
    number = 0
    while True:
        for kind in dice.sample(KINDS, len(KINDS)):
            number += 1
            yield Fault(
                number=number,
                kind=kind,
                worker=dice.randint(1, WORKERS),
                seconds=dice.uniform(1.0, 7.0),  # shorter and longer than a session
                victims=tuple(sorted(dice.sample(_VICTIMS, 2))),
                cut=dice.choice(_CUTS),
                immediate=dice.random() < 0.3,
                calm_seconds=dice.uniform(0.2, 1.0),
            )
