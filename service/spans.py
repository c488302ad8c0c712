"""Spans of batches and of their events. Only `service.tracing` imports this, where it is asked to.

A batch has a span in a trace of its own, with a link to each event that came with a trace. An event
that brings outcomes has a span in its own trace, with a link to the batch, and its outcomes carry
that one on. Outcomes whose cause has no trace, a tick's say, carry the batch's.
Source: OpenTelemetry's semantic conventions for messaging spans; names of attributes.
"""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from opentelemetry.context import Context
from opentelemetry.trace import (
    Span,
    SpanKind,
    StatusCode,
    Tracer,
    format_trace_id,
    set_span_in_context,
)

from consumers.faults import told
from consumers.records import Batch
from consumers.transaction import Applied
from schemas.outcomes import Outcome, OutcomeCause
from schemas.trace import Trace
from service.span_contexts import links_to, span_of, trace_in


class Spans:
    """Traces the batches of a process."""

    def __init__(self, tracer: Tracer, consumer_group: str) -> None:
        self._tracer = tracer
        self._attributes = {
            "messaging.system": "kafka",
            "messaging.operation.name": "process",
            "messaging.operation.type": "process",
            "messaging.consumer.group.name": consumer_group,
        }

    @contextmanager
    def batch(self, batch: Batch) -> Iterator["SpanOfBatch"]:
        """Trace an attempt. Ticks alone have a span if they bring an outcome, and else none."""
        span = SpanOfBatch(self._tracer, batch, self._attributes)
        try:
            yield span
        except BaseException as error:
            span.fail(error)
            raise


@dataclass(frozen=True, slots=True)
class _Going:
    """A span that has begun, as outcomes carry it on, and what they are."""

    span: Span
    trace: Trace | None
    outcomes: list[str] = field(default_factory=list)


class SpanOfBatch:
    """The spans of one attempt; those of its events end with the commit, or are never told."""

    def __init__(self, tracer: Tracer, batch: Batch, attributes: dict[str, str]) -> None:
        self._tracer = tracer
        self._batch = batch
        self._attributes = attributes
        self._began_ns = time.time_ns()
        self._events: dict[tuple[object, ...], _Going] = {}
        self._own = self._begin() if batch.arrivals or batch.dead_letters else None

    def carry_on(self, outcomes: Sequence[Outcome]) -> None:
        """Let each outcome name the span that it comes from."""
        for outcome in outcomes:
            going = self._span_behind(outcome)
            going.outcomes.append(outcome.type)
            outcome.trace = going.trace

    def commit(self, applied: Applied) -> None:
        """End the spans, with what became of the batch."""
        if self._own is None:
            return
        for event in self._events.values():
            event.span.set_attribute("reservations.outcomes", event.outcomes)
            event.span.end()
        lanes = {lane for lane, _ in self._batch.next_offsets} | {
            entry.lane for entry in applied.entries
        }
        context = self._own.span.get_span_context()
        if context.is_valid:
            applied.trace_id = format_trace_id(context.trace_id)
        self._own.span.set_attributes(
            {
                "reservations.lanes": sorted(lanes),
                "reservations.epochs": [applied.lanes[lane].epoch for lane in sorted(lanes)],
                "reservations.outcomes": len(applied.outcomes),
                "reservations.dead_letters": len(self._batch.dead_letters),
            }
        )
        for phase, seconds in applied.seconds.items():
            self._own.span.set_attribute(f"reservations.{phase}_seconds", seconds)
        self._own.span.end()

    def fail(self, error: BaseException) -> None:
        """End the batch's span as an error, in words that quote no row."""
        if self._own is not None:
            self._own.span.set_status(StatusCode.ERROR, f"{type(error).__name__}: {told(error)}")
            self._own.span.end()

    def _begin(self) -> _Going:
        traces = dict.fromkeys(arrival.trace for arrival in self._batch.arrivals if arrival.trace)
        span = self._tracer.start_span(
            "process",
            context=Context(),
            kind=SpanKind.CONSUMER,
            attributes={**self._attributes, "messaging.batch.message_count": self._batch.size},
            links=links_to(map(span_of, traces)),
            start_time=self._began_ns,
        )
        return _Going(span, trace_in(span))

    def _span_behind(self, outcome: Outcome) -> _Going:
        if self._own is None:
            self._own = self._begin()
        trace, cause = outcome.trace, outcome.cause
        if trace is None or not span_of(trace).get_span_context().is_valid:
            return self._own
        place = (trace, cause.topic, cause.partition, cause.offset)
        if place not in self._events:
            self._events[place] = self._begin_event(self._own, trace, cause)
        return self._events[place]

    def _begin_event(self, batch: _Going, trace: Trace, cause: OutcomeCause) -> _Going:
        place: dict[str, str | int] = {
            "messaging.destination.name": cause.topic,
            "messaging.destination.partition.id": str(cause.partition),
            "messaging.kafka.offset": -1 if cause.offset is None else cause.offset,
        }
        span = self._tracer.start_span(
            f"process {cause.topic}",
            context=set_span_in_context(span_of(trace), Context()),
            kind=SpanKind.CONSUMER,
            attributes={**self._attributes, **place},
            links=links_to([batch.span]),
            start_time=self._began_ns,
        )
        return _Going(span, trace_in(span))
