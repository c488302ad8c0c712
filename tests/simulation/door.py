"""How an admission began: what all the events that told of it say together."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import NamedTuple

from schemas.events import Admitted, CartUpdated
from schemas.policy import DEFAULT_POLICY, Policy
from schemas.vocabulary import DistributionType
from tests.simulation.facts import Facts, place_of, seconds

Entrance = tuple[str, str]  # distribution and experience, "" where it is not told


class Door(NamedTuple):
    consumer_id: str
    entrance: Entrance
    admitted_at: datetime
    ends_at: datetime  # without extensions
    cap: datetime
    policy: Policy

    @property
    def experience_id(self) -> str:
        return self.entrance[1]


def door(told: list[Admitted], policies: Mapping[str, Policy]) -> Door:
    """Take the earliest admission, the latest end, and of words the first in the alphabet."""
    entrance = _first(one.distribution_id for one in told), _first(o.experience_id for o in told)
    policy = policies.get(entrance[1], DEFAULT_POLICY)
    types = [one.distribution_type for one in told]
    named = [one for one in types if one is not None and one != "other"]
    type_: DistributionType = min(named, default="other")
    admitted_at = min(one.admitted_at for one in told)
    given = [one.window_ends_at for one in told if one.window_ends_at is not None]
    window_ends_at = max(given, default=admitted_at + policy.window(type_))
    cap = admitted_at + seconds(policy.hold_seconds_max)
    ends_at = min(window_ends_at + seconds(policy.buffer_seconds), cap)
    return Door(told[0].consumer_id, entrance, admitted_at, ends_at, cap, policy)


def cart_at(told: Iterable[Admitted]) -> Facts:
    """Give the cart that an admission came with: of several, the earliest."""
    carts = [
        CartUpdated(
            event_id="",
            organization_id=one.organization_id,
            consumer_id=one.consumer_id,
            updated_at=one.admitted_at,
            items=one.items,
            at_admission=True,
        )
        for one in told
        if one.items
    ]
    return {place_of(cart): cart for cart in sorted(carts, key=place_of)[:1]}


def _first(words: Iterable[str]) -> str:
    return min(filter(None, words), default="")
