"""The pause before the next attempt, while Postgres is away."""

import asyncio

from structlog.testing import capture_logs

from consumers.outage import Outage


async def pauses_of(outage: Outage, attempts: int) -> list[float]:
    """Let attempts fail while the worker is to stop, so that no pause is sat out."""
    stop = asyncio.Event()
    stop.set()
    with capture_logs() as logs:
        async with asyncio.timeout(5):
            for _ in range(attempts):
                await outage.wait_out(ConnectionRefusedError("nobody listens"), stop)
    assert {line["error"] for line in logs} == {"nobody listens"}
    return [line["retry_in"] for line in logs]


async def test_pauses_double_up_to_the_longest() -> None:
    assert await pauses_of(Outage(5), 7) == [0.2, 0.4, 0.8, 1.6, 3.2, 5, 5]


async def test_after_a_success_they_begin_anew() -> None:
    outage = Outage(5)
    await pauses_of(outage, 5)

    outage.is_over()

    assert await pauses_of(outage, 2) == [0.2, 0.4]


async def test_an_outage_of_days_is_waited_out_at_the_same_pace() -> None:
    assert (await pauses_of(Outage(5), 2000))[-1] == 5


async def test_a_pause_is_as_long_as_it_says() -> None:
    loop = asyncio.get_running_loop()
    began = loop.time()

    await Outage(0.05).wait_out(OSError(), asyncio.Event())

    assert 0.04 < loop.time() - began < 2
