"""The timer stream: a Faust app that sends an expiry tick to each lane that this worker owns.

A tick is only a wake-up; the truth is `expires_at` in Postgres. So several workers may tick one
lane (it takes only newer ticks), and a tick that is lost costs an interval, no more.
"""

import inspect
import json
import time
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any

import faust
import faust.app.base
import structlog

from producers.access import credentials
from schemas.vocabulary import TICK_TYPE

log = structlog.get_logger()

# Faust's decorators ask `inspect` for the module of a line of theirs. It would look
# through the paths of all modules that are loaded, each time on the disk, to find this one.
inspect.modulesbyfile[faust.app.base.__file__] = faust.app.base.__name__


class _App(faust.App):
    """An app without tables: it needs no directory, and the disk may be read-only."""

    def _create_directories(self) -> None:
        return None


def create_ticker(
    *,
    bootstrap_servers: str,
    topic: str,
    group: str,
    interval_seconds: float,
    emitter: str,
    lanes: Callable[[], Iterable[int]],
    on_tick_seen: Callable[[float], None],
    on_timer: Callable[[], None],
    access: Mapping[str, Any] = MappingProxyType({}),
) -> faust.App:
    """Build the Faust app. `on_tick_seen` gets the seconds from a tick's instant to its reading.

    `on_timer` is called when the timer has fired, whether or not its ticks could be sent.
    `access` are aiokafka's options for TLS and SASL; none: a plain connection.

    A Faust app is good for one run: build a new one to start again.
    """
    app = _App(
        group,
        broker=[f"kafka://{server.strip()}" for server in bootstrap_servers.split(",")],
        broker_credentials=credentials(access),
        store="memory://",
        web_enabled=False,
        topic_disable_leader=True,  # every worker ticks: no leader, no gap when one dies
        broker_session_timeout=10.0,  # Faust leaves no group; its default lingers for a minute
        broker_heartbeat_interval=3.0,
        producer_request_timeout=10.0,
        worker_redirect_stdouts=False,
        autodiscover=False,
    )
    ticks = app.topic(topic, key_type=bytes, value_type=bytes, value_serializer="raw",
                      key_serializer="raw", internal=False)  # fmt: skip

    # A Faust app that subscribes to nothing never fires its timers. This one reads its own ticks,
    # which also tells how late they arrive.
    @app.agent(ticks)
    async def measure(stream: Any) -> None:
        async for value in stream:
            _measure(value, on_tick_seen)

    @app.timer(interval=interval_seconds)  # type: ignore[untyped-decorator]
    async def tick() -> None:
        # An exception in a timer would end the whole app.
        try:
            for lane in lanes():
                await ticks.send(key=str(lane).encode(), value=_tick(emitter), partition=lane)
        except Exception as error:
            log.warning("tick.failed", error=repr(error))
        on_timer()

    return app


def _tick(emitter: str) -> bytes:
    return json.dumps(
        {"type": TICK_TYPE, "at": datetime.now(UTC).isoformat(), "emitter": emitter}
    ).encode()


def _measure(value: bytes | None, on_tick_seen: Callable[[float], None]) -> None:
    try:
        at = datetime.fromisoformat(json.loads(value or b"")["at"])
    except (ValueError, KeyError, TypeError):
        return  # not a tick of ours: the loop makes a dead letter of it
    on_tick_seen(time.time() - at.timestamp())
