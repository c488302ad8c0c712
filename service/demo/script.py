"""The script that acts write into: records with their times, and chapters between them."""

import json
from dataclasses import dataclass, field
from random import Random
from typing import Final, NamedTuple

from schemas.vocabulary import Topic
from service.demo.envelope import Envelope
from service.demo.fanfare import Fanfare
from service.demo.shop import Shop

# What the worker may need from the end of a hold until its units are free: a tick and a batch.
SWEEP_SECONDS: Final = 1.2


class Move(NamedTuple):
    """A record to send: when, to which topic, under which key."""

    seconds: float
    topic: Topic
    key: str
    value: bytes


class Chapter(NamedTuple):
    """What happens from a time on, in plain words."""

    seconds: float
    text: str


@dataclass(slots=True)
class Script:
    """What all acts share, and what they have written so far."""

    shop: Shop
    seconds: float
    random: Random
    fanfare: Fanfare
    moves: list[Move] = field(default_factory=list)
    chapters: list[Chapter] = field(default_factory=list)
    repeated: int = 0

    def chapter(self, at: float, text: str) -> None:
        """Begin a chapter."""
        self.chapters.append(Chapter(at, text))

    def admit(self, at: float, key: str, envelope: Envelope, *, twice: bool = False) -> None:
        """Deliver an admission at `at`; some are delivered twice, as webhooks are."""
        self._add(at, "admitted", key, envelope, twice)

    def complete(self, at: float, key: str, envelope: Envelope, *, twice: bool = False) -> None:
        """Deliver a completion; the second one has a delivery id of its own."""
        self._add(at, "checkout-completed", key, envelope)
        if twice:
            again = envelope | {"id": f"{envelope['id']}-again"}
            self._add(at + 0.4, "checkout-completed", key, again)
            self.repeated += 1

    def end(self, at: float, key: str, envelope: Envelope) -> None:
        """Deliver the end of an admission."""
        self._add(at, "admission-expired", key, envelope)

    def payment(self, admitted_at: float) -> float:
        """Give when somebody pays in time: well within the hold."""
        return admitted_at + self.shop.hold_seconds * self.random.uniform(0.1, 0.7)

    def late(self) -> float:
        """Give when somebody pays who should have paid long ago."""
        return self.seconds * self.random.uniform(0.87, 0.93)

    def given_back(self, admitted_at: float) -> float:
        """Give when the units of a hold that nobody ends are surely free again."""
        return admitted_at + self.shop.hold_seconds + SWEEP_SECONDS

    def _add(
        self, at: float, topic: Topic, key: str, envelope: Envelope, twice: bool = False
    ) -> None:
        value = json.dumps(envelope, ensure_ascii=False).encode()
        self.moves.append(Move(at, topic, key, value))
        if twice:
            self.moves.append(Move(at + 0.4, topic, key, value))
            self.repeated += 1
