"""`reservations dead-letters`: find records that could not be read, and look at one."""

import json
from typing import TYPE_CHECKING, Annotated

import typer

from service.cli.common import database, load_settings, refuse, run
from service.cli.dead_letters_choice import (
    Limit,
    Reason,
    Since,
    Topic,
    read_named,
    read_wanted,
)
from service.cli.listing import AsJsonObject
from service.cli.output import note, say, say_json, say_table

if TYPE_CHECKING:
    from db.dead_letter_replays import Replay
    from db.dead_letters import Kept, Listed, Wanted
    from service.dead_letters.choosing import Chosen
    from service.settings import Settings

app = typer.Typer(no_args_is_help=True)


@app.command("list")
def list_(
    topic: Topic = None,
    reason: Reason = None,
    since: Since = None,
    limit: Limit = 100,
    as_json: Annotated[bool, typer.Option("--json", help="A JSON object a line.")] = False,
) -> None:
    """List dead letters, the newest first.

    Example: reservations dead-letters list --topic checkout-completed --since 2h

    Example: reservations dead-letters list --reason "not JSON" --json
    """
    from service.dead_letters.documents import COLUMNS, listed_document, listed_row
    from service.explain.lines import printable

    found = run(_list(load_settings(), read_wanted(topic, reason, since), limit + 1))
    for letter in found[:limit] if as_json else ():
        say(json.dumps(listed_document(letter), ensure_ascii=False))
    if found and not as_json:
        rows = [listed_row(letter) for letter in found[:limit]]
        say_table([row | {"reason": printable(row["reason"])} for row in rows], COLUMNS)
    if not found:
        note("no dead letters" + (" like that" if topic or reason or since else ""))
    if len(found) > limit:
        note("there are more: give a higher --limit, or say which")


@app.command()
def show(
    letter: Annotated[
        str, typer.Argument(metavar="LETTER", help="An id, or TOPIC/PARTITION/OFFSET.")
    ],
    as_json: AsJsonObject = False,
) -> None:
    """Show a dead letter: why it is one, where it was, its headers, and its value if it has one.

    Tokens are shown as their digests: `reservations explain token:DIGEST` finds their admission.

    Example: reservations dead-letters show checkout-completed/3/1042
    """
    from service.dead_letters.documents import kept_document, kept_lines
    from service.explain.lines import printable

    kept, replays = run(_show(load_settings(), read_named([letter])))
    if as_json:
        say_json(kept_document(kept, replays))
        return
    for line in kept_lines(kept, replays):
        say(printable(line))


async def _list(settings: "Settings", wanted: "Wanted", limit: int) -> "list[Listed]":
    from db.dead_letters import list_dead_letters

    async with database(settings, "dead-letters") as connection:
        return await list_dead_letters(connection, wanted, limit)


async def _show(settings: "Settings", chosen: "Chosen") -> "tuple[Kept, list[Replay]]":
    from db.dead_letter_replays import list_replays
    from db.dead_letters import find_dead_letters

    async with database(settings, "dead-letters") as connection:
        told = await find_dead_letters(connection, chosen.ids, chosen.places)
        found = list({one.listed.id: one for one in told}.values())  # a rewind tells one again
        if not found:
            refuse("no dead letter is like that: `reservations dead-letters list` has them")
        if len(found) > 1:
            note(f"there are {len(found)} of this place: this is the newest; the others by id:")
            for other in found[1:]:
                note(str(other.listed.id))
        return found[0], await list_replays(connection, found[0].listed.id)
