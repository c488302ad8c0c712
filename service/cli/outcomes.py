"""`reservations outcomes`: read what became of holds, as any other reader of the topic does."""

import json
import os
import sys
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from service.cli.common import kafka_errors, load_settings, misconfigured, run
from service.cli.output import note, say

if TYPE_CHECKING:
    from collections.abc import Iterable

    from service.outcome_reader import Published, PublishedReader
    from service.settings import Settings

_LAST: Final = 20
_COLOURS: Final = {
    "reserved": 36,
    "converted": 32,
    "released": 34,
    "expired": 33,
    "rejected": 90,
    "unfulfilled": 31,
    "orphaned": 35,
}


def outcomes(
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Go on with what comes, until Ctrl-C.")
    ] = False,
    from_beginning: Annotated[
        bool, typer.Option("--from-beginning", help=f"All, not only the last {_LAST}.")
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print each as it is: a JSON object a line.")
    ] = False,
) -> None:
    """Print outcomes from the topic, read committed, a line each.

    Example: reservations outcomes --follow
    """
    settings = load_settings()
    run(_print_outcomes(settings, follow, from_beginning, as_json))


async def _print_outcomes(
    settings: "Settings", follow: bool, from_beginning: bool, as_json: bool
) -> None:
    from service.outcome_reader import published_reader
    from service.topics import TopicsOk, check_topics

    with kafka_errors(settings):
        found = await check_topics(settings)
        if not isinstance(found, TopicsOk):
            misconfigured(*found)
        topics = [settings.outcomes_topic]
        async with published_reader(settings, topics, found.lanes) as reader:
            await _print_what_is_there(reader, from_beginning, as_json, follow)
            if follow:
                async for records in reader.endless():
                    _print(records, as_json)


async def _print_what_is_there(
    reader: "PublishedReader", from_beginning: bool, as_json: bool, follow: bool
) -> None:
    count = 0
    if from_beginning:
        await reader.from_beginning()
        async for records in reader.until_end():
            _print(records, as_json)
            count += len(records)
    else:
        await reader.from_shortly_before_end(_LAST)
        last = [record async for records in reader.until_end() for record in records]
        _print(sorted(last, key=lambda record: record.timestamp_ms)[-_LAST:], as_json)
        count = len(last)
    if not count:
        note("no outcomes yet" + ("" if follow else ": --follow waits for them"))


def _print(records: "Iterable[Published]", as_json: bool) -> None:
    try:
        for record in records:
            text = (record.value or b"{}").decode()
            say(text if as_json else _line(json.loads(text)))
        sys.stdout.flush()
    except BrokenPipeError:  # a reader such as `head` has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise typer.Exit from None


def _line(outcome: dict[str, Any]) -> str:
    """Put an outcome into a line: when, what, of what, whose, and what else applies."""
    product = "/".join(filter(None, (outcome.get("productId"), outcome.get("variantId"))))
    details = [
        outcome.get("reason"),
        f"until {_clock(outcome['expiresAt'])}" if "expiresAt" in outcome else None,
        "late" if outcome.get("late") else None,
        outcome.get("orderId"),
    ]
    return "  ".join(
        (
            _clock(outcome["occurredAt"]),
            _coloured(outcome["type"]),
            f"{outcome.get('quantity', '-')} × {product or '-'}",
            outcome["consumerId"],
            *filter(None, details),
            f"[lane {outcome['lane']} #{outcome['sequence']}]",
        )
    )


def _clock(instant: str) -> str:
    from datetime import datetime

    return datetime.fromisoformat(instant).astimezone().strftime("%H:%M:%S")


def _coloured(kind: str) -> str:
    padded = f"{kind:<11}"
    if not sys.stdout.isatty() or os.environ.get("NO_COLOR"):
        return padded
    return f"\x1b[{_COLOURS.get(kind, 0)}m{padded}\x1b[0m"
