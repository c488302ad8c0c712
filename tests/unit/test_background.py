"""What works beside the loop goes on, whatever ends it."""

import asyncio

import pytest
from structlog.testing import capture_logs

from service import background
from service.background import keep_running


@pytest.mark.parametrize("error", [RuntimeError("oh"), asyncio.CancelledError()])
async def test_work_that_ends_by_itself_begins_again_and_is_told(
    error: BaseException, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(background, "RESTART_SECONDS", 0.001)
    ends = iter([error, error])

    async def work() -> None:
        if end := next(ends, None):
            raise end

    with capture_logs() as logs:
        await keep_running("looking", work, asyncio.Event())

    assert [(line["event"], line["task"]) for line in logs] == [
        ("background.failed", "looking"),
        ("background.failed", "looking"),
    ]


async def test_work_ends_with_its_keeper() -> None:
    began, ended = asyncio.Event(), asyncio.Event()

    async def work() -> None:
        began.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    keeper = asyncio.create_task(keep_running("looking", work, asyncio.Event()))
    await began.wait()
    keeper.cancel()
    await asyncio.gather(keeper, return_exceptions=True)
    await ended.wait()

    assert keeper.cancelled()


async def test_work_does_not_begin_again_where_the_worker_stops() -> None:
    stop, times = asyncio.Event(), 0

    async def work() -> None:
        nonlocal times
        times += 1
        stop.set()
        raise RuntimeError("oh")

    await keep_running("looking", work, stop)

    assert times == 1
