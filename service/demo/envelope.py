"""What Fanfare's envelopes have in common, in each of the vocabularies A, B and C."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import count
from typing import Any, Literal

from service.demo.shop import ORGANIZATION, Experience

Vocabulary = Literal["A", "B", "C"]
Envelope = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Shopper:
    """Who was admitted to what, when (in seconds of the sale), and in whose words it is told."""

    name: str
    experience: Experience
    vocabulary: Vocabulary
    admitted_at: float
    products: tuple[str, ...] = ()  # wanted by the event itself; none: what the policy offers

    @property
    def consumer_id(self) -> str:
        return f"cons_{self.name}"


class Envelopes:
    """Writes envelopes. The same calls in the same order write the same ones."""

    def __init__(self, opens_at: datetime, window_seconds: int) -> None:
        self._opens_at = opens_at
        self.window_seconds = window_seconds
        self._numbers = count(1)

    def as_a(self, shopper: Shopper, instant: str, at: float) -> Envelope:
        """Give the fields of vocabulary A, where each type names its instant differently."""
        experience = shopper.experience
        return {
            f"{experience.distribution_type}Id": experience.distribution_id,
            "sequenceId": "seq_lumen",
            "consumerId": shopper.consumer_id,
            instant: self.iso(at),
        } | of(experience)

    def as_b(self, shopper: Shopper) -> Envelope:
        """Give the fields of vocabulary B, which knows distributions."""
        who = {"consumerId": shopper.consumer_id}
        return who | of(shopper.experience) | {"distributionId": shopper.experience.distribution_id}

    def as_c(self, shopper: Shopper) -> Envelope:
        """Give the fields of vocabulary C: the only one with an id of the admission."""
        return self.as_b(shopper) | {
            "admissionId": f"adm_{shopper.name}",
            "distributionType": shopper.experience.distribution_type,
            "token": f"token_{shopper.name}",
            "expiresAt": self.iso(shopper.admitted_at + self.window_seconds),
        }

    def envelope(self, vocabulary: Vocabulary, type_: str, at: float, data: Envelope) -> Envelope:
        """Put a payload into the envelope of its vocabulary."""
        head = {"id": f"evt_{next(self._numbers):05}", "type": type_}
        if vocabulary == "B":  # milliseconds since 1970, under another name
            when: Envelope = {"created": int(self._instant(at).timestamp() * 1000)}
        else:
            when = {"timestamp": self.iso(at)}
        return head | when | {"organizationId": ORGANIZATION, "data": data}

    def _instant(self, at: float) -> datetime:
        return self._opens_at + timedelta(milliseconds=round(at * 1000))

    def iso(self, at: float) -> str:
        """Give an instant of the sale as Fanfare writes it."""
        return self._instant(at).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def of(experience: Experience) -> Envelope:
    """Name the experience."""
    return {"experienceId": experience.experience_id}


def items(products: Iterable[str]) -> list[Envelope]:
    """Give the lines of a cart: one unit of each product."""
    return [{"productId": product_id, "quantity": 1} for product_id in products]
