"""The registry of one worker: the metrics of the catalogue, and nothing else of ours."""

from collections.abc import Callable
from typing import Any

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)

from service.metrics.catalogue import CATALOGUE
from service.metrics.metric import Metric


class Metrics:
    """Counts, sets and observes by the catalogue; with `process_...` of the process itself."""

    def __init__(self) -> None:
        # Else each counter and histogram has a series more that says when it was made.
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self.registry = CollectorRegistry()
        self._made = {metric: self._make(metric) for metric in CATALOGUE}
        self._before_scrape: list[Callable[[], None]] = []
        ProcessCollector(registry=self.registry)

    def add(self, metric: Metric, amount: float, *labels: object) -> None:
        """Count so many more. By 0 it only makes a series: rates need to see it begin."""
        self._of(metric, labels).inc(amount)

    def set(self, metric: Metric, value: float, *labels: object) -> None:
        """Set a gauge."""
        self._of(metric, labels).set(value)

    def observe(self, metric: Metric, value: float, *labels: object) -> None:
        """Add a value to a histogram."""
        self._of(metric, labels).observe(value)

    def forget(self, *metrics: Metric) -> None:
        """Drop all series of metrics with labels: what they told of may be another worker's."""
        for metric in metrics:
            self._made[metric].clear()

    def before_scrape(self, collect: Callable[[], None]) -> None:
        """Let `collect` set gauges whenever the metrics are asked for."""
        self._before_scrape.append(collect)

    def render(self) -> bytes:
        """Give the metrics in Prometheus' text format."""
        for collect in self._before_scrape:
            collect()
        return generate_latest(self.registry)

    def _of(self, metric: Metric, labels: tuple[object, ...]) -> Any:
        made = self._made[metric]
        return made.labels(*labels) if metric.labels else made

    def _make(self, metric: Metric) -> Counter | Gauge | Histogram:
        named = (metric.full_name, metric.meaning, metric.labels)
        if metric.kind == "histogram":
            return Histogram(*named, buckets=metric.buckets, registry=self.registry)
        kind = Counter if metric.kind == "counter" else Gauge
        return kind(*named, registry=self.registry)
