"""Plays a sale: sends its records when their time has come, and watches what becomes of them."""

import asyncio
import time
from collections.abc import Callable
from typing import Final

from db.connect import connect
from db.pools import show_pools
from db.stock import show_stock
from db.views import show_carts_that_end_next, show_standing
from service.clients import new_producer
from service.demo.board import Board
from service.demo.shop import ORGANIZATION
from service.local import LANES
from service.outcome_reader import published_reader
from service.settings import Settings

CARTS_MAX: Final = 40
_LOOK_SECONDS: Final = 0.5
_SETTLE_SECONDS: Final = 30.0  # beyond the longest hold: a worker that needs more is stuck


class NotSettled(Exception):
    """The worker did not come to the end of the sale in time."""


async def play(board: Board, settings: Settings, show: Callable[[], None], fps: float) -> None:
    """Play the sale of a board to its end, and let `show` draw it meanwhile."""
    watching = (_watch_topics(board, settings), _watch_database(board, settings))
    try:
        async with asyncio.TaskGroup() as tasks:
            endless = [tasks.create_task(each) for each in (*watching, _draw(show, fps))]
            await _send(board, settings)
            await _settle(board)
            for task in endless:
                task.cancel()
    except BaseExceptionGroup as failures:
        raise failures.exceptions[0] from None


async def _send(board: Board, settings: Settings) -> None:
    """Send every record at its time, and wait until Kafka has them all."""
    topics = settings.input_topics
    producer = new_producer(settings)
    await producer.start()
    try:
        board.started = time.monotonic()
        for move in board.sale.moves:
            await _until(board, move.seconds)
            topic = topics[move.topic]
            await producer.send(topic, move.value, key=move.key.encode())
            board.sent[topic] += 1
        await producer.flush()
    finally:
        await producer.stop()


async def _until(board: Board, seconds: float) -> None:
    if (wait := seconds - board.seconds) > 0:
        await asyncio.sleep(wait)


async def _settle(board: Board) -> None:
    """Wait until the sale's time is over, every hold has ended, and all outcomes were read."""
    await _until(board, board.sale.seconds)
    try:
        async with asyncio.timeout(board.sale.shop.hold_seconds + _SETTLE_SECONDS):
            while not board.is_settled:  # noqa: ASYNC110 - three tasks and a clock decide it
                await asyncio.sleep(_LOOK_SECONDS / 2)
    except TimeoutError:
        raise NotSettled(
            f"the worker applied {board.applied} of {board.sent.total()} records in time, and "
            f"{board.standing.holds_active} holds are active still"
        ) from None


async def _watch_topics(board: Board, settings: Settings) -> None:
    topics = list(settings.output_topics.values())
    async with published_reader(settings, topics, LANES) as reader:
        await reader.from_beginning()
        async for records in reader.endless():
            board.note_said(board.tally.note(records, settings.dead_letters_topic))


async def _watch_database(board: Board, settings: Settings) -> None:
    connection = await connect(
        settings.database_url.get_secret_value(), application_name="reservations demo"
    )
    try:
        while True:
            pools = await show_pools(connection, organization_id=ORGANIZATION)
            board.note_stock(await show_stock(connection, organization_id=ORGANIZATION), pools)
            board.carts = await show_carts_that_end_next(connection, limit=CARTS_MAX)
            board.note_standing(await show_standing(connection))
            await asyncio.sleep(_LOOK_SECONDS)
    finally:
        await connection.close(timeout=5)


async def _draw(show: Callable[[], None], fps: float) -> None:
    while True:
        show()
        await asyncio.sleep(1 / fps)
