"""Tracing, if a setting asks for it: else nothing of OpenTelemetry is imported.

Where spans go, and which, is said by the standard variables: OTEL_EXPORTER_OTLP_ENDPOINT and
_HEADERS, OTEL_SERVICE_NAME, OTEL_RESOURCE_ATTRIBUTES, OTEL_TRACES_SAMPLER, OTEL_BSP_*.
Source: OpenTelemetry's specification, "Environment Variable Specification".
"""

import asyncio
import contextlib
import os
import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from service.settings import PREFIX, Settings

if TYPE_CHECKING:
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SpanExporter

    from service.spans import Spans

SERVICE_NAME: Final = "reservations"
_NAME: Final = "service.name"
_LINKS_VARIABLE: Final = "OTEL_SPAN_LINK_COUNT_LIMIT"
PROTOCOL: Final = "http/protobuf"


class CannotTrace(Exception):
    """Tracing is asked for and cannot be had. The message says why, and what to do."""


class Tracer:
    """Spans on their way to a collector; `spans` is what the loop is given."""

    def __init__(self, provider: "TracerProvider", spans: "Spans") -> None:
        self._provider = provider
        self.spans = spans

    async def close(self) -> None:
        """Send what is left, for as long as the exporter tries: the caller limits it.

        In a thread of its own, that neither an event loop nor Python waits for at its end.
        """
        loop, sent = asyncio.get_running_loop(), asyncio.Event()

        def send() -> None:
            self._provider.shutdown()
            with contextlib.suppress(RuntimeError):  # nobody waits any more
                loop.call_soon_threadsafe(sent.set)

        threading.Thread(target=send, name="last-spans", daemon=True).start()
        await sent.wait()


def start_tracing(settings: Settings) -> Tracer | None:
    """Make a tracer, or None where no setting asks for one. Raises CannotTrace."""
    if not settings.tracing:
        return None
    try:
        return _start(settings)
    except ModuleNotFoundError as error:
        raise CannotTrace(
            f"{PREFIX}TRACING is on, and {error.name} is not installed:"
            " pip install 'reservation-worker[otel]'"
        ) from None
    except ValueError as error:
        raise CannotTrace(f"{PREFIX}TRACING is on: {error}: see the OTEL_ variables") from None


def _start(settings: Settings) -> Tracer:
    from opentelemetry.sdk.trace import SpanLimits, TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    from service.spans import Spans

    # A batch has as many links as events; the default, 128, is less than a batch.
    links = None if _LINKS_VARIABLE in os.environ else settings.batch_size_max
    provider = TracerProvider(
        resource=_resource(settings),
        span_limits=SpanLimits(max_links=links),
        shutdown_on_exit=False,  # it is closed in time, or not at all
    )
    provider.add_span_processor(BatchSpanProcessor(_exporter(os.environ)))
    return Tracer(provider, Spans(provider.get_tracer(SERVICE_NAME), settings.consumer_group))


def _resource(settings: Settings) -> "Resource":
    from opentelemetry.sdk.resources import Resource

    found = Resource.create({"service.instance.id": settings.worker_name})
    if str(found.attributes[_NAME]).startswith("unknown_service"):
        return found.merge(Resource({_NAME: SERVICE_NAME}))
    return found


def _exporter(environment: Mapping[str, str]) -> "SpanExporter":
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

    for name in ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL"):
        if (protocol := environment.get(name, PROTOCOL)) != PROTOCOL:
            raise ValueError(f"{name}={protocol}, and the extra has {PROTOCOL} alone")
    return OTLPSpanExporter()
