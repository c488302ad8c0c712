"""Between what records carry and what OpenTelemetry has. Imported by `service.spans` alone."""

from collections.abc import Iterable
from typing import Final

from opentelemetry.context import Context
from opentelemetry.trace import Link, Span, get_current_span, set_span_in_context
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from schemas.trace import TRACEPARENT, TRACESTATE, Trace

_W3C: Final = TraceContextTextMapPropagator()


def span_of(trace: Trace) -> Span:
    """Give the span that a record names, somebody else's; one that is not valid where none is."""
    carrier = {TRACEPARENT: trace.parent, TRACESTATE: trace.state}
    return get_current_span(_W3C.extract(carrier, Context()))


def trace_in(span: Span) -> Trace | None:
    """Give what a record carries of a span; None where OTEL_SDK_DISABLED lets it be none."""
    carrier: dict[str, str] = {}
    _W3C.inject(carrier, set_span_in_context(span, Context()))
    return Trace(carrier[TRACEPARENT], carrier.get(TRACESTATE, "")) if carrier else None


def links_to(spans: Iterable[Span]) -> list[Link]:
    """Link to the spans that are valid."""
    return [Link(one.get_span_context()) for one in spans if one.get_span_context().is_valid]
