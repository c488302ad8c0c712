"""What is measured: a catalogue, the registry of one worker, and what feeds it."""

from service.metrics.registry import Metrics

__all__ = ["Metrics"]
