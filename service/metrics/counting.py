"""What batches and publishes tell of themselves, counted."""

import platform
from collections import Counter
from collections.abc import Iterable, Mapping
from importlib.metadata import version
from typing import Final, Literal, get_args

from consumers.transaction import Applied
from reservations.commands import LIMITS
from schemas.vocabulary import OutcomeType, Reason, Result
from service.metrics import catalogue
from service.metrics.registry import Metrics

DISTRIBUTION: Final = "reservation-worker"

_NO_STOCK: Final[tuple[Reason, ...]] = (
    "insufficient_stock",
    "unknown_stock_line",
    "unknown_pool",
    "pool_exhausted",
)
_NO_HOLD: Final[tuple[Reason, ...]] = ("cart_incomplete", "window_over", "not_in_cart")
_NO_SALE: Final[tuple[Reason, ...]] = (
    "grace_over",
    "already_paid",
    "nothing_in_cart",
    "stock_withdrawn",
    "too_many_facts",
)
# What is said without a reason, or for these: each is a series from the start, for a rate does not
# see what a series begins with. Others are in README, and rare.
REASONS: Final[Mapping[OutcomeType, tuple[Reason | Literal[""], ...]]] = {
    "reserved": ("",),
    "rejected": _NO_STOCK + _NO_HOLD + LIMITS,
    "converted": ("",),
    "released": (
        "consumer_left",
        "consumer_denied",
        "not_purchased",
        "cart_changed",
        "released_on_request",
    ),
    "expired": ("hold_elapsed", "admission_expired"),
    "unfulfilled": _NO_STOCK + _NO_SALE,
}
_REJOIN_CAUSES: Final = ("Superseded", "Unpublished", "Stalled", "TopicsChanged")


def tell_build(metrics: Metrics) -> None:
    """Tell which version runs."""
    metrics.set(catalogue.BUILD_INFO, 1, version(DISTRIBUTION), platform.python_version())


def begin_series(metrics: Metrics, topics: Iterable[str]) -> None:
    """Let the series that alerts count begin at 0."""
    for topic in topics:
        for result in get_args(Result):
            metrics.add(catalogue.EVENTS, 0, topic, result)
    for outcome_type, reasons in REASONS.items():
        for reason in reasons:
            metrics.add(catalogue.OUTCOMES, 0, outcome_type, reason)
    for cause in _REJOIN_CAUSES:
        metrics.add(catalogue.REJOINS, 0, cause)


def count_applied(metrics: Metrics, applied: Applied) -> None:
    """Count what a committed batch did."""
    for (topic, result), count in applied.results.items():
        metrics.add(catalogue.EVENTS, count, topic, result)
    said = Counter((outcome.type, outcome.reason or "") for outcome in applied.outcomes)
    for (outcome_type, reason), count in said.items():
        metrics.add(catalogue.OUTCOMES, count, outcome_type, reason)
    metrics.add(catalogue.MISROUTED, applied.misrouted)
    metrics.add(catalogue.CONFLICTS, applied.conflicts)
    if applied.size:
        metrics.observe(catalogue.BATCH_SIZE, applied.size)
    if applied.age_seconds is not None:
        metrics.observe(catalogue.EVENT_AGE_SECONDS, applied.age_seconds)
    for seconds in applied.overdue_seconds:
        metrics.observe(catalogue.EXPIRY_LAG_SECONDS, seconds)
    for phase, seconds in applied.seconds.items():
        metrics.observe(catalogue.BATCH_SECONDS, seconds, phase)


def count_published(metrics: Metrics, count: int, seconds: float) -> None:
    """Count what a Kafka transaction published."""
    metrics.add(catalogue.PUBLISHED, count)
    metrics.observe(catalogue.PUBLISH_SECONDS, seconds)
