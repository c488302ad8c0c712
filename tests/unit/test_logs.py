"""What must never be in a log: the locals of a frame, which may be a password or a token."""

import io
import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from service.logs import set_up_logs

FORMATS = ["json", "console"]


@pytest.fixture(autouse=True)
def _logs_as_before() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers, root.level
    libraries = {
        name: logger.level
        for name, logger in logging.root.manager.loggerDict.items()
        if isinstance(logger, logging.Logger)
    }
    yield
    root.handlers = handlers
    root.setLevel(level)
    for name in logging.root.manager.loggerDict:
        logging.getLogger(name).setLevel(libraries.get(name, logging.NOTSET))
    structlog.reset_defaults()


def fail() -> None:
    password = "".join(["s3", "cret"])  # not in the source line that a traceback shows
    raise RuntimeError(f"no connection with {len(password)} letters")


@pytest.mark.parametrize("log_format", FORMATS)
def test_a_traceback_of_ours_has_no_locals(log_format: str) -> None:
    stream = io.StringIO()
    set_up_logs(log_format, "info", stream)

    try:
        fail()
    except RuntimeError:
        structlog.get_logger().exception("worker.failed")

    assert_told_without_secret(stream.getvalue())


@pytest.mark.parametrize("log_format", FORMATS)
def test_a_traceback_of_a_library_has_no_locals(log_format: str) -> None:
    stream = io.StringIO()
    set_up_logs(log_format, "info", stream)

    try:
        fail()
    except RuntimeError:
        logging.getLogger("asyncio").exception("Task exception was never retrieved")

    assert_told_without_secret(stream.getvalue())


def assert_told_without_secret(logged: str) -> None:
    assert "no connection with 6 letters" in logged
    assert "fail" in logged
    assert "s3cret" not in logged


@pytest.mark.parametrize(
    ("name", "level"),
    [
        ("asyncpg.pool", logging.WARNING),
        ("aiokafka.consumer", logging.WARNING),
        ("faust.app", logging.WARNING),
        ("producers.ticks", logging.INFO),
    ],
)
def test_what_libraries_say_about_themselves_is_left_out(name: str, level: int) -> None:
    stream = io.StringIO()
    set_up_logs("json", "debug", stream)

    logging.getLogger(name).log(level, "about itself")

    assert stream.getvalue() == ""


def test_a_failed_tick_is_told() -> None:
    stream = io.StringIO()
    set_up_logs("json", "info", stream)

    structlog.get_logger("producers.ticks").warning("tick.failed", error="no broker")

    line = json.loads(stream.getvalue())
    assert (line["event"], line["level"], line["error"]) == ("tick.failed", "warning", "no broker")
