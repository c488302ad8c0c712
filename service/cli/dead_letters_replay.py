"""`reservations dead-letters replay`: send records to their topics once more."""

from collections import Counter
from typing import TYPE_CHECKING, Annotated

import typer

from service.cli.common import (
    database,
    kafka_errors,
    load_settings,
    misconfigured,
    refuse,
    run,
)
from service.cli.dead_letters_choice import (
    Limit,
    Reason,
    Since,
    Topic,
    find,
    place_name,
    read_named,
    read_wanted,
)
from service.cli.output import note, progress, say

if TYPE_CHECKING:
    from db.connect import Connection
    from db.dead_letters import Listed, Wanted
    from service.dead_letters.choosing import Chosen
    from service.settings import Settings
    from service.topics import TopicsOk

    Refused = tuple[Listed, str]  # and why it is not sent


def replay(
    letters: Annotated[
        list[str] | None,
        typer.Argument(metavar="LETTER", help="Ids, or TOPIC/PARTITION/OFFSET."),
    ] = None,
    topic: Topic = None,
    reason: Reason = None,
    since: Since = None,
    limit: Limit = 1_000,
    again: Annotated[
        bool, typer.Option("--again", help="Also those that were replayed before.")
    ] = False,
    yes: Annotated[
        bool, typer.Option("--yes", help="Send them; without it they are only named.")
    ] = False,
) -> None:
    """Send dead letters to the topic and partition that they came from, the oldest first.

    Choose them by name, or by what `list` takes. Each is sent as it was, with its key and its
    headers and one more, `dlq.replay`. What still cannot be read becomes a new dead letter.

    Example: reservations dead-letters replay checkout-completed/3/1042 --yes

    Example: reservations dead-letters replay --topic admitted --reason "is not known" --since 2h
    """
    wanted = read_wanted(topic, reason, since)
    chosen = read_named(letters or [])
    if bool(letters) == any(wanted):
        refuse("say which: LETTER..., or --topic, --reason or --since, and not both")
    run(_replay(load_settings(), chosen, wanted if any(wanted) else None, limit, again, yes))


async def _replay(
    settings: "Settings",
    chosen: "Chosen",
    wanted: "Wanted | None",
    limit: int,
    again: bool,
    yes: bool,
) -> None:
    from service.dead_letters.replaying import refusal_of

    async with database(settings, "dead-letters replay") as connection:
        found = await find(connection, chosen, wanted, limit)
        topics = await _topics(settings)
        refusals = {one.id: refusal_of(one, settings, topics, again=again) for one in found}
        sending = [one for one in found if not refusals[one.id]]
        refused = [(one, refusals[one.id]) for one in found if refusals[one.id]]
        if yes:
            unsent = await _send(settings, connection, sending, again)
            say(f"replayed {len(sending) - len(unsent)} of {len(found)}")
            refused += unsent
        else:
            _say_plan(sending)
    _say_refused(refused, named=wanted is None)


async def _topics(settings: "Settings") -> "TopicsOk":
    from service.topics import TopicsOk, check_topics

    with kafka_errors(settings):
        found = await check_topics(settings)
    if not isinstance(found, TopicsOk):
        misconfigured(*found)
    return found


async def _send(
    settings: "Settings", connection: "Connection", letters: "list[Listed]", again: bool
) -> "list[Refused]":
    """Send, say where each is now, and give those that could not be sent."""
    from service.dead_letters.replaying import replay as replay_letters

    with kafka_errors(settings), progress() as report:
        done = await replay_letters(settings, connection, letters, again=again, on_progress=report)
    for one in done:
        topic, partition, _ = one.letter.place
        if one.offset is not None:
            say(f"{_name(one.letter)} sent to {topic}[{partition}] at offset {one.offset}")
    return [(one.letter, one.refusal) for one in done if one.refusal]


def _say_refused(refused: "list[Refused]", *, named: bool) -> None:
    """Say what was not sent: an error for what was named, else a count for each reason."""
    if named and refused:
        refuse(*(f"{_name(letter)} {why}" for letter, why in refused))
    for why, count in Counter(why for _, why in refused).items():
        note(f"{count} not sent: {why}")


def _say_plan(letters: "list[Listed]") -> None:
    for letter in letters:
        say(f"{_name(letter)} would be sent: {letter.reason}")
    note(f"nothing was sent: --yes sends {len(letters)}" if letters else "nothing would be sent")


def _name(letter: "Listed") -> str:
    return f"{letter.id} ({place_name(letter.place)})"
