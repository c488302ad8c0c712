"""One time limit for all steps of a stop."""

import asyncio

from service.stopping import STEP_SECONDS_MIN, Stop


async def test_before_it_is_set_a_step_may_take_all() -> None:
    assert Stop(8.0).seconds_left == 8.0


async def test_steps_share_what_is_left() -> None:
    stop = Stop(8.0)
    stop.set()
    first = stop.seconds_left
    await asyncio.sleep(0.02)

    assert stop.seconds_left < first <= 8.0
    assert stop.is_set()


async def test_a_second_signal_gives_no_more_time() -> None:
    stop = Stop(8.0)
    stop.set()
    await asyncio.sleep(0.02)
    stop.set()

    assert stop.seconds_left <= 7.98


async def test_a_step_that_comes_too_late_is_tried_all_the_same() -> None:
    stop = Stop(0.0)
    stop.set()

    assert stop.seconds_left == STEP_SECONDS_MIN
