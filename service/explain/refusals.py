"""Why: what a reason means, and who had the units at the moment of a refusal, as lines."""

from collections.abc import Iterator, Sequence
from typing import Final

from db.explain_journal import Told
from reservations.commands import LIMITS
from schemas.outcomes import Outcome
from service.explain.holders import Holder
from service.explain.lines import UNDER_EVENT, Line
from service.explain.reasons import REASONS
from service.explain.words import Clock, of_order, units

HOLDERS_MAX: Final = 10


def why_lines(
    told: Told, found: Sequence[Holder] | None, admission_id: str, clock: Clock
) -> Iterator[Line]:
    """Tell what a reason means; of a refusal also who had the units: the newest, and how many."""
    reason = told.outcome.reason
    meaning = REASONS[reason] if reason is not None else ""
    if found is None:
        yield Line(meaning, UNDER_EVENT + 2)
        return
    yield Line(f"{meaning}: {_sum_in_words(told.outcome, found)}", UNDER_EVENT + 2)
    for one in found[:HOLDERS_MAX]:
        words = _holder_in_words(one, told.outcome, admission_id, clock)
        yield Line(words, UNDER_EVENT + 4)
    if rest := found[HOLDERS_MAX:]:
        more = f"and {len(rest)} more, with {sum(one.units for one in rest)} units"
        yield Line(more, UNDER_EVENT + 4)


def _sum_in_words(refusal: Outcome, found: Sequence[Holder]) -> str:
    total = sum(one.units for one in found)
    if refusal.reason in LIMITS:
        return f"{total or 'nothing'} counted before"
    if total == 0:
        return "nobody else had any"
    # Where not even one was available, all were taken; else there may have been some.
    every = "all " if refusal.quantity == 1 and total > 1 else ""
    return f"{every}{total} {'were' if total > 1 else 'was'} held or sold"


def _holder_in_words(one: Holder, refusal: Outcome, admission_id: str, clock: Clock) -> str:
    is_same = (one.product_id, one.variant_id) == (refusal.product_id, refusal.variant_id or "")
    what = str(one.units) if is_same else units(one.units, one.product_id, one.variant_id)
    whose = "this admission"
    if one.admission_id != admission_id:
        whose = f"admission {one.admission_id}"
    if one.is_sold:
        how = f"sold to {whose}{of_order(one.order_id)}"
    else:
        until = f" until {clock(one.held_until)}" if one.held_until is not None else ""
        how = f"held for {whose}{until}"
    return f"{what} {how}  [reservation {one.reservation_id}]"
