"""How late holds end: a shopper who waits for units waits so much longer."""

from collections.abc import Iterable
from datetime import datetime

from reservations.book import Changes
from schemas.events import Arrival


def overdue_seconds(changes: Changes, ticks: Iterable[Arrival], now: datetime) -> list[float]:
    """Give, for each hold that one of these ticks has ended, the seconds since it should have.

    An end that another event has corrected is as old as that event, and tells nothing of ticks.
    """
    topics = {tick.cause.topic for tick in ticks}
    if not topics:
        return []
    rows = changes.reservations  # a tick ends what was there before its batch
    return [
        (now - rows[outcome.reservation_id].expires_at).total_seconds()
        for outcome in changes.outcomes
        if outcome.type == "expired"
        and outcome.cause.topic in topics
        and outcome.reservation_id in rows
    ]
