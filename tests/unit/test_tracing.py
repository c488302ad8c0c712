"""Tracing is there when it is asked for, says why it cannot be, and costs no import otherwise."""

import os
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from opentelemetry.sdk.trace import TracerProvider

from service.settings import Settings
from service.tracing import CannotTrace, start_tracing

ON = Settings.model_validate({"tracing": True, "worker_name": "till-1", "batch_size_max": 300})


@asynccontextmanager
async def _started() -> AsyncIterator[TracerProvider]:
    tracer = start_tracing(ON)
    assert tracer is not None
    yield tracer._provider
    await tracer.close()


def test_without_the_setting_there_is_none() -> None:
    assert start_tracing(Settings()) is None


def test_without_the_extra_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk.trace", None)

    with pytest.raises(CannotTrace) as refused:
        start_tracing(ON)

    assert str(refused.value) == (
        "RESERVATIONS_TRACING is on, and opentelemetry.sdk.trace is not installed:"
        " pip install 'reservation-worker[otel]'"
    )


@pytest.mark.parametrize(
    "name", ["OTEL_EXPORTER_OTLP_PROTOCOL", "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL"]
)
def test_another_protocol_is_refused(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, "grpc")

    with pytest.raises(CannotTrace, match=f"TRACING is on: {name}=grpc, and the extra has http"):
        start_tracing(ON)


def test_a_variable_that_is_wrong_is_an_error_with_its_name(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OTEL_SPAN_LINK_COUNT_LIMIT", "many")

    with pytest.raises(CannotTrace, match="OTEL_SPAN_LINK_COUNT_LIMIT"):
        start_tracing(ON)


async def test_a_worker_is_named_and_a_batch_may_have_as_many_links_as_records() -> None:
    async with _started() as provider:
        assert provider.resource.attributes["service.name"] == "reservations"
        assert provider.resource.attributes["service.instance.id"] == "till-1"
        assert provider._span_limits.max_links == 300


async def test_the_standard_variables_have_the_last_word(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_SERVICE_NAME", "tills")
    monkeypatch.setenv("OTEL_SPAN_LINK_COUNT_LIMIT", "7")
    monkeypatch.setenv("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment=test")
    monkeypatch.setenv("OTEL_TRACES_SAMPLER", "always_off")

    async with _started() as provider:
        assert provider.resource.attributes["service.name"] == "tills"
        assert provider.resource.attributes["deployment.environment"] == "test"
        assert provider._span_limits.max_links == 7
        assert provider.sampler.get_description() == "AlwaysOffSampler"


@pytest.fixture(scope="module")
def ended() -> subprocess.CompletedProcess[str]:
    """A worker without the extra; in the end it says which modules it has imported."""
    lines = [
        "import os, sys",
        "leave = os._exit",
        "os._exit = lambda code: (print(*sys.modules, flush=True), leave(code))",
        "sys.modules['opentelemetry'] = None",
        "sys.argv = ['reservations', 'worker']",
        "from service.cli import main",
        "main()",
    ]
    return subprocess.run(
        [sys.executable, "-c", "\n".join(lines)],
        env=os.environ | {"RESERVATIONS_TRACING": "true"},
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_worker_without_the_extra_ends_before_it_has_begun(
    ended: subprocess.CompletedProcess[str],
) -> None:
    assert ended.returncode == 2
    assert "pip install 'reservation-worker[otel]'" in ended.stderr
    assert len(ended.stderr.splitlines()) == 1


@pytest.mark.parametrize("module", ["rich", "yaml", "alembic", "opentelemetry.sdk"])
def test_a_worker_imports_nothing_that_it_can_do_without(
    ended: subprocess.CompletedProcess[str], module: str
) -> None:
    imported = ended.stdout.split()

    assert {"service.worker", "structlog", "faust.app.base"} <= set(imported)
    assert module not in imported
