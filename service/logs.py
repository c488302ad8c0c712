"""Logs: one JSON object a line, or something for eyes on a terminal; libraries' lines included."""

import logging
import sys
from collections.abc import Callable, Collection
from typing import Any, TextIO

import structlog

from service.masking import masking

# What a library says at these levels is about itself; an operator is told what follows from it.
_LIBRARY_LEVELS = {
    "aiokafka": logging.CRITICAL,  # without a broker: 60 lines a second; ours say it once
    "asyncpg": logging.ERROR,
    "faust": logging.ERROR,
    "mode": logging.ERROR,
    "producers.ticks": logging.WARNING,  # Faust speaks under the name of its app's module
    "aiohttp.access": logging.WARNING,
    "asyncio": logging.WARNING,
    "opentelemetry": logging.ERROR,  # a collector that is away: every try again is a warning
}

# Without the locals of a frame: one may be a password, a token, a shopper's data.
_tracebacks = structlog.processors.ExceptionRenderer(
    structlog.tracebacks.ExceptionDictTransformer(show_locals=False)
)


class _Formatter(structlog.stdlib.ProcessorFormatter):
    """Masks the finished line: an exception's text and a library's words included."""

    def __init__(self, mask: Callable[[str], str], **options: Any) -> None:
        super().__init__(**options)
        self._mask = mask

    def format(self, record: logging.LogRecord) -> str:
        return self._mask(super().format(record))


def set_up_logs(
    log_format: str,
    level: str,
    stream: TextIO = sys.stdout,
    *,
    secrets: Collection[str] = (),
) -> None:
    """Set structlog and the standard library's loggers up, through one chain of processors.

    No line has any of `secrets` in it, nor a password in a URL, nor Postgres' DETAIL of a row.
    """
    as_json = log_format == "json" or (log_format == "auto" and not stream.isatty())
    before: list[structlog.types.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
    ]
    structlog.configure(
        processors=[*before, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelName(level.upper())),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        _Formatter(
            masking(set(secrets), as_json=as_json),
            foreign_pre_chain=[*before, structlog.stdlib.add_logger_name],
            processors=_last_steps(as_json),
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level.upper())
    for name, library_level in _LIBRARY_LEVELS.items():
        logging.getLogger(name).setLevel(library_level)


def _last_steps(as_json: bool) -> list[structlog.types.Processor]:
    without_meta = structlog.stdlib.ProcessorFormatter.remove_processors_meta
    if as_json:
        return [
            without_meta,
            _tracebacks,
            structlog.processors.JSONRenderer(),
        ]
    return [
        without_meta,
        structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback),
    ]
