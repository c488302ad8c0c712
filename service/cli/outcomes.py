"""`reservations outcomes`: read what became of holds, as any other reader of the topic does."""

import json
import os
import sys
from typing import TYPE_CHECKING, Annotated, Final

import typer

from service.cli.common import kafka_errors, load_settings, misconfigured, run
from service.cli.outcome_line import outcome_line
from service.cli.output import note, say

if TYPE_CHECKING:
    from collections.abc import Iterable

    from service.outcome_reader import Published, PublishedReader
    from service.settings import Settings

_LAST: Final = 20


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
    coloured = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
    try:
        for record in records:
            text = (record.value or b"{}").decode()
            say(text if as_json else outcome_line(json.loads(text), coloured=coloured))
        sys.stdout.flush()
    except BrokenPipeError:  # a reader such as `head` has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise typer.Exit from None
