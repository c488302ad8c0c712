"""The HTTP side: /metrics for Prometheus, /livez and /readyz for whoever runs the process."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST

from service.http_door import (
    HEADER_BYTES_MAX,
    LINE_BYTES_MAX,
    REQUESTS_AT_ONCE,
    REQUESTS_PER_SECOND,
    Rate,
    guard,
    hide_server,
    limited,
)
from service.metrics import Metrics

Handler = Callable[[web.Request], Awaitable[web.Response]]
Probe = Callable[[], str | None]  # None: well; else what is wrong


class CannotListen(Exception):
    """The address is in use, or not of this machine; the message is the system's reason."""


@asynccontextmanager
async def http_server(
    host: str, port: int, metrics: Metrics, *, alive: Probe, ready: Probe
) -> AsyncIterator[int]:
    """Serve until the block ends; gives the port, which is of interest when `port` is 0.

    Raises CannotListen.
    """
    app = web.Application(
        middlewares=[guard(Rate(REQUESTS_PER_SECOND, REQUESTS_AT_ONCE))], client_max_size=1024
    )
    app.on_response_prepare.append(hide_server)
    app.router.add_get("/metrics", _metrics(metrics))
    app.router.add_get("/livez", _probe(alive))
    app.router.add_get("/readyz", _probe(ready))
    runner = web.AppRunner(
        app,
        access_log=None,
        shutdown_timeout=0.5,
        max_line_size=LINE_BYTES_MAX,
        max_field_size=HEADER_BYTES_MAX,
        lingering_time=0,  # what follows a refusal is not read
    )
    await runner.setup()
    try:
        listening = await _listen(runner, host, port)
        try:
            yield listening.sockets[0].getsockname()[1]
        finally:
            listening.close()
    finally:
        await runner.cleanup()


async def _listen(runner: web.AppRunner, host: str, port: int) -> asyncio.Server:
    assert runner.server is not None
    loop = asyncio.get_running_loop()
    try:
        return await loop.create_server(limited(runner.server), host, port, backlog=128)
    except OSError as error:
        raise CannotListen(error.strerror or str(error)) from error


def _metrics(metrics: Metrics) -> Handler:
    async def answer(_: web.Request) -> web.Response:
        return web.Response(body=metrics.render(), headers={"Content-Type": CONTENT_TYPE_LATEST})

    return answer


def _probe(probe: Probe) -> Handler:
    async def answer(_: web.Request) -> web.Response:
        wrong = probe()
        return web.Response(text=f"{wrong or 'ok'}\n", status=503 if wrong else 200)

    return answer
