"""Scenarios in the language of `tests.unit.story`, to be read, and to be told again there."""

from collections.abc import Iterable
from typing import Final

from schemas import events
from schemas.identity import token_digest
from schemas.policy import DEFAULT_POLICY, Policy
from tests.simulation.facts import Sku
from tests.simulation.generate import TOKENS, Scenario, Step
from tests.simulation.ledger import Withdrawal
from tests.unit.story import (
    DOOR,
    EXPERIENCE,
    NUMBERS_OF_A_POLICY,
    SWITCHES_OF_A_POLICY,
    time_in_words,
)

_TOKENS: Final = {token_digest(token): token for token in TOKENS}
_VERBS: Final[dict[type, str]] = {
    events.Admitted: "admit",
    events.CartUpdated: "cart",
    events.CheckoutCompleted: "paid",
    events.OrderCancelled: "cancel",
    events.ExtendRequested: "extend",
    events.ReleaseRequested: "release",
    events.TransferRequested: "transfer",
    events.ExpiryTick: "tick",
}
_ENDS: Final = {"left": "left", "denied": "denied", "expired": "lapsed"}


def story(scenario: Scenario, steps: Iterable[Step]) -> str:
    """Tell a scenario, with these steps."""
    lines = [_policy(name, policy) for name, policy in scenario.policies.items()]
    for sku, units in scenario.received.items():
        lines.append(f"stock {_sku(sku)} {'untracked' if units is None else units}")
    for (name, sku), units in scenario.pooled.items():
        lines.append(f"pool {name} {_sku(sku)} {units}")
    lines += [_step(lane, event) for lane, event in steps]
    return "\n".join(f"    {line}" for line in lines)


def _policy(name: str, policy: Policy) -> str:
    words = [
        f"policy {name}",
        policy.strategy,
        policy.cart,
        f"window={policy.window_seconds.queue}",
    ]
    for field, word in NUMBERS_OF_A_POLICY.items():
        if getattr(policy, field) != getattr(DEFAULT_POLICY, field):
            words.append(f"{word}={getattr(policy, field)}")
    for field, word in SWITCHES_OF_A_POLICY.items():
        words += [] if getattr(policy, field) else [f"{word}=no"]
    if policy.items:
        lines = (((one.product_id, one.variant_id), one.quantity) for one in policy.items)
        words.append("items=" + ",".join(f"{_sku(sku)}:{units}" for sku, units in lines))
    return " ".join(words)


def _sku(sku: Sku) -> str:
    return "/".join(sku).removesuffix("/")


def _items(items: Iterable[events.Item]) -> list[str]:
    return [f"{_sku((product, variant))} {units}" for product, variant, units in items]


def _step(lane: int, event: events.AnyEvent | Withdrawal) -> str:
    if isinstance(event, Withdrawal):
        return f"# {event.units} {_sku(event.sku)} of the last hold with so many are withdrawn"
    words = [time_in_words(events.event_time(event))]
    if isinstance(event, events.AdmissionEnded):
        words.append(_ENDS[event.end])
    else:
        words.append(_VERBS[type(event)])
    if not isinstance(event, events.ExpiryTick):
        words += [event.consumer_id, *_asked(event), *_named(event)]
    return " ".join([*words, *([f"lane={lane}"] if lane else [])])


def _asked(event: events.AnyEvent) -> list[str]:
    match event:
        case events.Admitted():
            until, type_ = event.window_ends_at, event.distribution_type
            return [
                *_items(event.items),
                *([f"until={time_in_words(until)}"] if until else []),
                *([f"type={type_}"] if type_ != "queue" else []),
            ]
        case events.CartUpdated():
            return _items(event.items)
        case events.CheckoutCompleted():
            order = [f"order={event.order_id}"] if event.order_id else []
            return [*_items(event.items), *order]
        case events.OrderCancelled():
            return [f"order={event.order_id}"]
        case events.ExtendRequested():
            return [str(event.seconds)]
        case events.TransferRequested():
            return [event.to_consumer_id]
    return []


def _named(event: events.AnyEvent) -> list[str]:
    assert not isinstance(event, events.ExpiryTick)
    usual = EXPERIENCE if isinstance(event, events.Admitted) else ""
    token = event.token_digest
    return [
        *([f"in={event.experience_id}"] if event.experience_id != usual else []),
        *([f"via={event.distribution_id}"] if event.distribution_id != DOOR else []),
        *([f"id={event.admission_id}"] if event.admission_id else []),
        *([f"token={_TOKENS[token]}"] if token else []),
    ]
