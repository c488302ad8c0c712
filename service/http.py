"""The HTTP side: /metrics for Prometheus, /livez and /readyz for whoever runs the process."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST

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
    app = web.Application(client_max_size=1024)
    app.router.add_get("/metrics", _metrics(metrics))
    app.router.add_get("/livez", _probe(alive))
    app.router.add_get("/readyz", _probe(ready))
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5)
    await runner.setup()
    try:
        site = web.TCPSite(runner, host, port)
        try:
            await site.start()
        except OSError as error:
            raise CannotListen(error.strerror or str(error)) from error
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()


def _metrics(metrics: Metrics) -> Handler:
    async def answer(_: web.Request) -> web.Response:
        return web.Response(body=metrics.render(), headers={"Content-Type": CONTENT_TYPE_LATEST})

    return answer


def _probe(probe: Probe) -> Handler:
    async def answer(_: web.Request) -> web.Response:
        wrong = probe()
        return web.Response(text=f"{wrong or 'ok'}\n", status=503 if wrong else 200)

    return answer
