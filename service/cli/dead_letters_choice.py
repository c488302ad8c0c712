"""Which dead letters a command is about: what is typed, and what the database has of it."""

from collections import Counter
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

from service.cli.common import refuse

if TYPE_CHECKING:
    from collections.abc import Sequence

    from db.connect import Connection
    from db.dead_letters import Listed, Wanted
    from service.dead_letters.choosing import Chosen

Topic: TypeAlias = Annotated[str | None, typer.Option(help="Only of this topic.")]
Reason: TypeAlias = Annotated[str | None, typer.Option(help="Only with this in the reason.")]
Since: TypeAlias = Annotated[
    str | None, typer.Option(help="Only since then: 15m, 2h, 7d, or an ISO 8601 time.")
]
Limit: TypeAlias = Annotated[int, typer.Option(min=1, max=100_000, help="So many, at most.")]


def read_wanted(topic: str | None, reason: str | None, since: str | None) -> "Wanted":
    """Read what is looked for, or end the command."""
    from db.dead_letters import Wanted
    from service.dead_letters.choosing import read_since

    try:
        return Wanted(topic, reason, read_since(since, datetime.now(UTC)) if since else None)
    except (ValueError, OverflowError) as error:
        refuse(str(error))


def read_named(names: list[str]) -> "Chosen":
    """Read ids and places, or end the command."""
    from service.dead_letters.choosing import read_chosen

    try:
        return read_chosen(names)
    except ValueError as error:
        refuse(str(error))


async def find(
    connection: "Connection", chosen: "Chosen", wanted: "Wanted | None", limit: int
) -> "list[Listed]":
    """Give what was chosen, the oldest first."""
    from db.dead_letters import find_dead_letters, list_dead_letters

    if wanted:
        found = await list_dead_letters(connection, wanted, limit + 1)
        if len(found) > limit:
            refuse(f"there are more than {limit:,}: give a higher --limit, or say which")
        return _each_once(found[::-1])
    kept = await find_dead_letters(connection, chosen.ids, chosen.places)
    found = _each_once([one.listed for one in reversed(kept)])
    _refuse_unclear(chosen, found)
    return found


def _each_once(found: "Sequence[Listed]") -> "list[Listed]":
    """Leave out what a rewind has told again, with the id that it had."""
    return list({one.id: one for one in found}.values())


def _refuse_unclear(chosen: "Chosen", found: "Sequence[Listed]") -> None:
    """End the command where a name is nobody's, or several dead letters are of one place."""
    ids = Counter(str(one.id) for one in found)
    places = Counter(place_name(one.place) for one in found)
    named = [*map(str, chosen.ids), *map(place_name, chosen.places)]
    if missing := [name for name in named if not ids[name] + places[name]]:
        refuse(*(f"{name}: no dead letter is like that" for name in missing))
    if several := [name for name in named if places[name] > 1]:
        refuse(*(f"{name}: {places[name]} dead letters are: say an id" for name in several))


def place_name(place: "tuple[str, int, int]") -> str:
    """Write a place as it is typed."""
    return "/".join(map(str, place))
