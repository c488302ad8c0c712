"""The metrics: each defined once, with its unit, its meaning, and what to do about it."""

from collections.abc import Callable, Iterable
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from consumers.transaction import Applied

_SIZES: Final = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000)
_SECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)


class Metrics:
    """The registry of one worker. Workers share no series, so that their sums mean something."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        # Events by what became of them. Dead letters: see their reason, mend the sender.
        self.events = self._counter("events", "Events read", "topic", "result")
        # Records under another key than their consumer: applied rightly, but lanes wait for lanes.
        self.misrouted = self._counter("misrouted", "Records under another key than the consumer")
        # What happened to holds. `rejected` grows when stock is scarce; `unfulfilled`: refund;
        # `at_risk`: an operator took away what is held; `ambiguous`: name admissions in events.
        self.outcomes = self._counter("outcomes", "Outcomes committed", "type", "reason")
        # The outcomes that others can read by now.
        self.published = self._counter("published", "Journal entries published to Kafka")
        # Grows with the backlog by itself; at its maximum for long: add workers.
        self.batch_size = self._histogram("batch_size", "Records in a batch", _SIZES)
        # load grows with locks held by others, save with the disk.
        self.batch_seconds = self._histogram(
            "batch_seconds", "Seconds in a batch", _SECONDS, "phase"
        )
        # From a record's time in Kafka until its effect is committed.
        self.event_age_seconds = self._histogram(
            "event_age_seconds", "Age of a batch's oldest record at its commit", _SECONDS
        )
        # One Kafka transaction; long ones: look at the brokers.
        self.publish_seconds = self._histogram(
            "publish_seconds", "Seconds to publish a batch", _SECONDS
        )
        # From a tick's instant until it is read: holds end this late, plus the interval.
        self.tick_age_seconds = self._gauge("tick_age_seconds", "Age of the last tick when read")
        # Rises while no lane of this worker is swept: look for tick.failed in the logs.
        self.since_tick_seconds = self._gauge(
            "since_tick_seconds", "Seconds since a lane last accepted a tick", "lane"
        )
        # Active holds of the lanes of this worker; only the sum over all lanes means something.
        self.holds_active = self._gauge("holds_active", "Holds made minus holds ended", "lane")
        # Records that wait. Rising while batches are at their maximum: add workers.
        self.lag_records = self._gauge("lag_records", "Records not applied yet", "topic", "lane")
        # Committed but not readable yet. Rising: Kafka is away or slow.
        self.unpublished = self._gauge("unpublished_outcomes", "Journal entries not published yet")
        # Lanes of this worker. The sum over workers is the number of lanes; less: one is orphaned.
        self.lanes_owned = self._gauge("lanes_owned", "Lanes that this worker owns")
        # How often the group was left and joined again: more than a few an hour is a fault.
        self.rejoins = self._counter("rejoins", "Times the group was joined again", "cause")
        self._before_scrape: list[Callable[[], None]] = []

    def before_scrape(self, collect: Callable[[], None]) -> None:
        """Let `collect` set gauges whenever the metrics are asked for."""
        self._before_scrape.append(collect)

    def render(self) -> bytes:
        """Give the metrics in Prometheus' text format."""
        for collect in self._before_scrape:
            collect()
        return generate_latest(self.registry)

    def note_applied(self, applied: Applied) -> None:
        """Count what a committed batch did."""
        for (topic, result), count in applied.results.items():
            self.events.labels(topic, result).inc(count)
        for outcome in applied.outcomes:
            self.outcomes.labels(outcome.type, outcome.reason or "").inc()
        self.misrouted.inc(applied.misrouted)
        if applied.size:
            self.batch_size.observe(applied.size)
        if applied.age_seconds is not None:
            self.event_age_seconds.observe(applied.age_seconds)
        for phase, seconds in applied.seconds.items():
            self.batch_seconds.labels(phase).observe(seconds)

    def note_published(self, count: int, seconds: float) -> None:
        """Count what a Kafka transaction published."""
        self.published.inc(count)
        self.publish_seconds.observe(seconds)

    def _counter(self, name: str, text: str, *labels: str) -> Counter:
        return Counter(f"reservations_{name}", text, labels, registry=self.registry)

    def _gauge(self, name: str, text: str, *labels: str) -> Gauge:
        return Gauge(f"reservations_{name}", text, labels, registry=self.registry)

    def _histogram(self, name: str, text: str, buckets: Iterable[float], *labels: str) -> Histogram:
        return Histogram(
            f"reservations_{name}", text, labels, buckets=tuple(buckets), registry=self.registry
        )
