"""What must never be in a log: the locals of a frame, which may be a password or a token."""

import io
import json
import logging
from collections.abc import Iterator

import asyncpg
import pytest
import structlog

from service.logs import set_up_logs
from service.masking import secrets_of
from service.settings import Settings
from tests.e2e.world import plain

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


DIGEST = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
PASSWORD = 'p"ss\\w0rd%'
URL = "postgresql://ada:p%22ss%5Cw0rd%25@db.example/shop"


def conflict() -> asyncpg.PostgresError:
    """As a server says it: with the values of the row."""
    return asyncpg.UniqueViolationError.new(
        {
            "S": "ERROR",
            "C": "23505",
            "M": 'duplicate key value violates unique constraint "admissions_pkey"',
            "D": f'Key (organization_id, "id")=(acme, token:{DIGEST}) already exists.',
            "H": "try again",
        }
    )


@pytest.mark.parametrize("log_format", FORMATS)
@pytest.mark.parametrize("how", ["text", "traceback", "library"])
def test_what_postgres_says_of_a_row_is_not_told(log_format: str, how: str) -> None:
    stream = io.StringIO()
    set_up_logs(log_format, "info", stream)

    error = conflict()
    assert DIGEST in str(error)

    try:
        raise error
    except asyncpg.PostgresError:
        if how == "text":
            structlog.get_logger().info("batch.conflict", error=str(error), lane=3)
        elif how == "traceback":
            structlog.get_logger().exception("worker.failed", lane=3)
        else:
            logging.getLogger("asyncio").exception("lane=3")

    logged = plain(stream.getvalue())
    assert "duplicate key value" in logged
    assert "DETAIL: ***" in logged
    assert DIGEST not in logged
    if log_format == "json":
        assert json.loads(logged)["level"] in ("info", "error")


@pytest.mark.parametrize("log_format", FORMATS)
@pytest.mark.parametrize(
    "words",
    [
        f"cannot connect to {URL}",
        "cannot connect to postgresql://ada:unknown-pw@db.example/shop",
        f"SASL said {PASSWORD}",
        f"{PASSWORD!r}",
    ],
)
def test_no_password_is_in_a_line(log_format: str, words: str) -> None:
    stream = io.StringIO()
    settings = Settings.model_validate({"database_url": URL, "kafka_sasl_password": PASSWORD})
    set_up_logs(log_format, "info", stream, secrets=secrets_of(settings))

    structlog.get_logger().info("said", words=words)
    logging.getLogger("asyncio").warning("said %s", words)
    try:
        raise RuntimeError(words)
    except RuntimeError:
        structlog.get_logger().exception("worker.failed")

    logged = plain(stream.getvalue())
    assert logged.count("***") >= 3
    for secret in (PASSWORD, "p%22ss", "unknown-pw", "w0rd"):
        assert secret not in logged
    if log_format == "json":
        assert [json.loads(line)["level"] for line in logged.splitlines()] == [
            "info",
            "warning",
            "error",
        ]


def test_what_is_no_secret_is_told_as_it_is() -> None:
    stream = io.StringIO()
    settings = Settings.model_validate({"kafka_sasl_password": "abc"})  # in many a word
    set_up_logs("json", "info", stream, secrets=secrets_of(settings))

    structlog.get_logger().info("said", words="abcd http://shop.example:80/a@b user@host")

    assert json.loads(stream.getvalue())["words"] == "abcd http://shop.example:80/a@b user@host"
