"""What the HTTP side puts up with: small GET requests, not too many, from clients that hurry."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any, Final

import structlog
from aiohttp import web

log = structlog.get_logger()

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

CONNECTIONS_MAX: Final = 100
CONNECTION_SECONDS_MAX: Final = 30.0  # also one that is kept alive: clients open another
LINE_BYTES_MAX: Final = 2048
HEADER_BYTES_MAX: Final = 4096
REQUESTS_PER_SECOND: Final = 50.0
REQUESTS_AT_ONCE: Final = 100.0

# Cheap, and asked by whoever restarts the process: a flood of others must not make them fail.
_NEVER_REFUSED: Final = frozenset({"/livez", "/readyz"})


class Rate:
    """Lets so many requests pass in a second, and some more at once after a pause."""

    def __init__(self, per_second: float, at_once: float) -> None:
        self._per_second = per_second
        self._at_once = at_once
        self._left = at_once
        self._seen_at = time.monotonic()

    def takes(self) -> bool:
        now = time.monotonic()
        self._left = min(self._at_once, self._left + (now - self._seen_at) * self._per_second)
        self._seen_at = now
        if self._left < 1:
            return False
        self._left -= 1
        return True


def guard(rate: Rate) -> Any:
    """Give the middleware that refuses what is too much, and shows no stack trace of ours."""

    @web.middleware
    async def guarded(request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.body_exists:
            return _refused(413, "no request here has a body")
        if request.path not in _NEVER_REFUSED and not rate.takes():
            return _refused(429, "too many requests")
        try:
            return await handler(request)
        except web.HTTPException:
            raise
        except Exception:
            log.exception("http.failed", path=request.path)
            return _refused(500, "internal error, see the log")

    return guarded


async def hide_server(_: web.Request, response: web.StreamResponse) -> None:
    """Say nothing of the versions that run here."""
    response.headers["Server"] = "reservations"


def limited(server: web.Server) -> Callable[[], asyncio.BaseProtocol]:
    """Make connections that end: each after its time, and the oldest where there are too many.

    So clients that send a byte a minute, or never read, cost a slot for half a minute, and keep
    nobody else out: aiohttp itself has no time limit for the head of a request.
    """

    def connect() -> asyncio.BaseProtocol:
        if len(open_ := server.connections) >= CONNECTIONS_MAX:
            open_[0].force_close()
        connection = server()
        asyncio.get_running_loop().call_later(CONNECTION_SECONDS_MAX, connection.force_close)
        return connection

    return connect


def _refused(status: int, text: str) -> web.Response:
    response = web.Response(status=status, text=f"{text}\n")
    response.force_close()
    return response
