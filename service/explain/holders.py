"""Who had the units at the moment of a refusal, told from the outcomes before it. No I/O."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final
from uuid import UUID

from db.explain_journal import Told
from db.explain_steps import Step
from reservations.commands import LIMITS

OF_STOCK: Final = ("insufficient_stock", "pool_exhausted")


@dataclass(slots=True)
class Holder:
    """What a reservation had: units held until an instant, or sold."""

    reservation_id: UUID
    admission_id: str
    product_id: str
    variant_id: str
    units: int = 0
    is_sold: bool = False
    held_until: datetime | None = None
    order_id: str | None = None


def is_explained(told: Told) -> bool:
    """Tell whether an outcome is a refusal because somebody had the units, or too many of them."""
    return told.outcome.reason in (*OF_STOCK, *LIMITS)


def holders(
    steps: Sequence[Step], refusal: Told, own: Iterable[str], topics: Sequence[str]
) -> list[Holder]:
    """Give those who had units, the newest first. `steps` are in the order of their places.

    `own` are the shopper's admissions, by which limits count; `topics` is the order in which a
    batch applies its events.
    """
    rank = {topic: at for at, topic in enumerate(topics)}
    mine = frozenset(own)
    found: dict[UUID, Holder] = {}
    ends: dict[str, datetime | None] = {}  # of an admission's holds, as last told
    for step in steps:
        if not _is_before(step, refusal, rank):
            continue
        if step.type in ("extended", "reserved"):
            ends[step.admission_id] = step.expires_at
        if step.reservation_id is not None and _counts(step, refusal, mine):
            before = found.pop(step.reservation_id, None)  # who took units last comes last
            found[step.reservation_id] = _after(before or _nothing_yet(step), step)
    is_of_holds = refusal.outcome.reason == "limit_open_holds"
    return [
        replace(one, held_until=None if one.is_sold else ends.get(one.admission_id))
        for one in reversed(found.values())
        if one.units > 0 and not (is_of_holds and one.is_sold)
    ]


def _is_before(step: Step, refusal: Told, rank: Mapping[str, int]) -> bool:
    """Tell whether a step was decided before a refusal.

    A batch is written at one instant. Between its lanes the order is that of its topics, and
    within a topic about that of time.
    """
    outcome = refusal.outcome
    if step.written_at != refusal.written_at or step.lane == outcome.lane:
        return step[:3] < refusal.place
    mine = (rank.get(outcome.cause.topic, 0), outcome.occurred_at)
    return (rank.get(step.topic, 0), step.occurred_at) <= mine


def _counts(step: Step, refusal: Told, own: frozenset[str]) -> bool:
    """Tell whether a reservation had units that the refused one wanted, or counts against it."""
    outcome = refusal.outcome
    wanted = (outcome.product_id, outcome.variant_id or "")
    is_same_line = (step.product_id, step.variant_id or "") == wanted
    is_same_experience = step.experience_id == outcome.experience_id
    if outcome.reason in LIMITS:
        is_of_line = outcome.reason == "limit_per_sku" and outcome.product_id is not None
        mine = step.admission_id in own and is_same_experience
        return mine and (is_same_line or not is_of_line)
    if outcome.reason == "pool_exhausted":
        return is_same_line and is_same_experience and step.strategy == "pool"
    return is_same_line and step.strategy != "pool"


def _after(one: Holder, step: Step) -> Holder:
    """Change what a reservation has by what an outcome says of it."""
    quantity = step.quantity or 0
    match step.type, step.reason:
        case "reserved", _:
            one.units = quantity + (0 if one.is_sold else one.units)
            one.is_sold = False
        case "converted", _:
            one.units, one.is_sold, one.order_id = quantity, True, step.order_id
        case ("released" | "expired", _) | ("returned", "order_cancelled"):
            one.units = max(0, one.units - quantity)
        case "unfulfilled", "stock_withdrawn" if not one.is_sold:
            one.units = 0
        case "rejected", _ if one.is_sold:  # the sale was taken back, and there is no hold to be
            one.units, one.is_sold, one.order_id = 0, False, None
        case _:
            pass
    return one


def _nothing_yet(step: Step) -> Holder:
    assert step.reservation_id is not None
    return Holder(
        step.reservation_id, step.admission_id, step.product_id or "", step.variant_id or ""
    )
