"""`reservations send`: put events where the worker reads them."""

import json
from collections import Counter
from typing import TYPE_CHECKING, Annotated

import typer

from service.cli.common import kafka_errors, load_settings, misconfigured, read_input, refuse, run
from service.cli.output import progress, say

if TYPE_CHECKING:
    from collections.abc import Sequence

    from service.sending import Outgoing, Sent
    from service.settings import Settings


def send(
    file: Annotated[str | None, typer.Argument(help="Envelopes, or - for stdin.")] = None,
    example: Annotated[
        bool, typer.Option("--example", help="An admission of the example of `reservations up`.")
    ] = False,
) -> None:
    """Send Fanfare's envelopes, as JSON one after the other, to the topics where they belong.

    Carts and commands (`cart.updated`, `hold.extend`, ...) come in the same envelope. The type of
    each decides its topic, its consumer is the key. All are checked before the first is sent.

    Example: reservations send --example
    """
    from service.admin.problems import BadFile
    from service.sending import read_envelopes

    if example == (file is not None):
        refuse("give a file, - for stdin, or --example")
    source, data = read_input(file) if file else ("the example", _example())
    try:
        records = read_envelopes(source, data)
    except BadFile as error:
        refuse(*error.problems, "nothing was sent")
    sent = run(_send(load_settings(), records))
    if example:
        say(data.decode())
    _say_sent(sent)


def _example() -> bytes:
    from service.example import example_admission

    return json.dumps(example_admission(), indent=2).encode()


async def _send(settings: "Settings", records: "Sequence[Outgoing]") -> "list[Sent]":
    from service.sending import send as send_all
    from service.topics import TopicsOk, check_topics

    with kafka_errors(settings):
        found = await check_topics(settings)
        if not isinstance(found, TopicsOk):
            misconfigured(*found)
        with progress() as report:
            return await send_all(settings, records, progress=report)


def _say_sent(sent: "Sequence[Sent]") -> None:
    if len(sent) == 1:
        (one,) = sent
        say(f"sent to {one.topic}[{one.lane}] at offset {one.offset}, under the key {one.key}")
    else:
        topics = Counter(one.topic for one in sent)
        counts = ", ".join(f"{count} to {topic}" for topic, count in topics.items())
        say(f"sent {len(sent)} records: {counts}")
