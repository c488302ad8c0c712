"""`reservations offsets`: how far the lanes have read, and what to do where Kafka has moved."""

import getpass
import sys
from contextlib import suppress
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from service.cli.common import database, kafka_errors, load_settings, misconfigured, refuse, run
from service.cli.listing import AsJson
from service.cli.output import note, say_json, say_table

if TYPE_CHECKING:
    from db.connect import Connection
    from service.offsets import Move, Offsets
    from service.settings import Settings

app = typer.Typer(no_args_is_help=True)

_SHOWN = ["lane", "topic", "stored", "first", "end", "lag", "state", "owner", "epoch"]
_MOVED = ["lane", "topic", "state", "stored", "to", "skipped", "read_again", "gone"]


@app.command()
def show(as_json: AsJson = False) -> None:
    """Show the stored offset of each lane and topic beside what Kafka has.

    state: ok; new (nothing was ever read); lost (retention took records that were never
    applied); ahead (the stored offset is past the end: the topic was made anew). A worker
    refuses lost and ahead; `reservations offsets reset` repairs them.

    Example: reservations offsets show
    """
    settings = load_settings()
    rows = [_row(one) for one in run(_show(settings))]
    if as_json:
        say_json(rows)
    else:
        say_table(rows, _SHOWN)
    for row in rows:
        if row["state"] in ("lost", "ahead"):
            note(
                f"{row['topic']}[{row['lane']}] is {row['state']}: reservations offsets reset"
                f" --topic {row['topic']} --lane {row['lane']} --to earliest"
            )


@app.command()
def reset(
    to: Annotated[str, typer.Option(help="earliest, latest, or an offset.")],
    topic: Annotated[str | None, typer.Option(help="Only of this input topic.")] = None,
    lane: Annotated[int | None, typer.Option(min=0, help="Only of this lane.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="Of all topics and lanes.")] = False,
    apply: Annotated[
        bool, typer.Option("--apply", help="Do it; else only say what it is.")
    ] = False,
) -> None:
    """Set where lanes go on reading; without --apply it says what that would mean.

    skipped: records that Kafka has and nobody will apply. read_again: records that come a second
    time. That is safe for stock and holds, because an admission's end depends on the set of its
    events, and one that is known already adds nothing; what cannot be read, and what waited for
    an admission in vain, is told again, with the id that it had. gone: records that retention took.

    Workers need not stop: their lanes are fenced, whatever batch they have in hand is rolled
    back, and within a second or two they go on from here.

    An output topic that was made anew needs no reset: whoever takes its lanes over publishes the
    journal again. One that already has later outcomes does not: stop the workers, delete the
    topic, run `reservations topics create`, and start them.

    Example: reservations offsets reset --topic admitted --lane 3 --to earliest --apply
    """
    settings = load_settings()
    moves = run(_reset(settings, to, topic, lane, everything, apply=apply))
    if not moves:
        note("nothing to change: they are there already")
        return
    say_table([_move_row(move) for move in moves], _MOVED)
    note("done" if apply else "nothing was changed: --apply does it")


async def _show(settings: "Settings") -> "list[Offsets]":
    async with database(settings, "offsets show") as connection:
        return await _look(settings, connection)


async def _reset(
    settings: "Settings",
    to: str,
    topic: str | None,
    lane: int | None,
    everything: bool,
    *,
    apply: bool,
) -> "list[Move]":
    from db.offsets import move_offsets
    from service.offsets import OffsetsRefused, choose, plan

    async with database(settings, "offsets reset") as connection:
        found = await _look(settings, connection)
        try:
            moves = plan(choose(found, topic=topic, lane=lane, everything=everything), to)
        except OffsetsRefused as error:
            refuse(str(error))
        if apply and moves:
            places = {(move.offsets.lane, move.offsets.topic): move.to for move in moves}
            topics = list(settings.input_topics.values())
            await move_offsets(connection, places, topics=topics, by=f"offsets reset by {_who()}")
            _log(moves)
    return moves


async def _look(settings: "Settings", connection: "Connection") -> "list[Offsets]":
    from db.offsets import stored_offsets
    from service.offsets import look
    from service.topics import TopicsOk, check_topics

    with kafka_errors(settings):
        found = await check_topics(settings)
        if not isinstance(found, TopicsOk):
            misconfigured(*found)
        return await look(settings, range(found.lanes), await stored_offsets(connection))


def _log(moves: "list[Move]") -> None:
    """Leave a trace beside the answer: a line for each, as a worker logs."""
    import structlog

    from service.logs import set_up_logs

    set_up_logs("json", "info", sys.stderr)
    for move in moves:
        structlog.get_logger().info("offsets.reset", by=_who(), **_move_row(move))


def _row(one: "Offsets") -> dict[str, Any]:
    return {**asdict(one), "state": one.state, "lag": one.lag}


def _move_row(move: "Move") -> dict[str, Any]:
    counts = {name: getattr(move, name) for name in ("skipped", "read_again", "gone")}
    return {**_row(move.offsets), "to": move.to, **counts}


def _who() -> str:
    with suppress(OSError, KeyError):  # a container's user may have no name
        return getpass.getuser()
    return "somebody"
