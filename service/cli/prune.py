"""`reservations prune`: forget what is over."""

from contextlib import nullcontext
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from service.cli.common import database, kafka_errors, load_settings, refuse, run
from service.cli.listing import AsJsonObject
from service.cli.output import note, progress, say_json, say_table

if TYPE_CHECKING:
    from db.connect import Connection
    from service.pruning import Counts
    from service.settings import Settings


def prune(
    older_than: Annotated[
        str | None,
        typer.Option(help="Over for so long: 72h, 30d, 12w. RETENTION_DAYS, unless told."),
    ] = None,
    apply: Annotated[
        bool, typer.Option("--apply", help="Do it; else only count what it would be.")
    ] = False,
    no_topics: Annotated[
        bool,
        typer.Option("--no-topics", help="Do not ask Kafka how long topics keep their records."),
    ] = False,
    as_json: AsJsonObject = False,
) -> None:
    """Forget admissions that are over, with their reservations, and what was published of them.

    Without --apply it only counts. Nothing goes that is held, that a payment may still be in time
    for, or that is not published; what was sold goes on counting in its stock line. An event from
    before, should it come again, holds and sells nothing: it is `orphaned`, `too_old`. That is
    why the time has to be two days longer than the input topics keep their records.

    May run beside the workers, which wait for none of its steps. It rests as long as it works. Run
    it daily, or set RESERVATIONS_RETENTION_DAYS and the workers do so by themselves.

    Example: reservations prune --older-than 90d

    Example: reservations prune --older-than 90d --apply --json
    """
    settings = load_settings()
    kept = _read(older_than, settings)
    before, counts = run(_prune(settings, kept, apply=apply, topics=not no_topics))
    if as_json:
        say_json({"before": before.isoformat(), "applied": apply, **asdict(counts)})
    else:
        rows = [{"rows": name, "count": count} for name, count in asdict(counts).items()]
        say_table(rows, ["rows", "count"])
        of = f"of before {before:%Y-%m-%d %H:%M} UTC"
        note(f"pruned: {of}" if apply else f"{of}: --apply prunes them")


def _read(older_than: str | None, settings: "Settings") -> timedelta:
    from service.retention import read_long

    if older_than is None:
        if not settings.retention_days:
            refuse("say --older-than, for instance 90d, or set RESERVATIONS_RETENTION_DAYS")
        return timedelta(days=settings.retention_days)
    try:
        return read_long(older_than)
    except ValueError as error:
        refuse(f"--older-than {error}")


async def _prune(
    settings: "Settings", kept: timedelta, *, apply: bool, topics: bool
) -> "tuple[datetime, Counts]":
    from service.retention import too_short, topics_keep

    with kafka_errors(settings):
        found = await topics_keep(settings) if topics else {}
    if refusal := too_short(kept, found):
        refuse(refusal)
    async with database(settings, "prune") as connection:
        return await _walk(connection, kept, apply=apply)


async def _walk(
    connection: "Connection", kept: timedelta, *, apply: bool
) -> "tuple[datetime, Counts]":
    from db.pruning import instant_before, may_prune, raise_horizon
    from service.pruning import MAY_NOT, Busy, Pass

    if apply and not await may_prune(connection):
        refuse(MAY_NOT)
    before = await instant_before(connection, kept.total_seconds())
    if apply:
        await raise_horizon(connection, before)
    with progress() as report:
        walk = Pass(
            lambda: nullcontext(connection), before, apply=apply, rest=apply, on_progress=report
        )
        try:
            return before, await walk.run()
        except Busy:
            done = (
                f"{walk.counts.pruned} rows are gone" if walk.counts.pruned else "nothing is gone"
            )
            refuse(f"somebody else prunes, or verifies: {done}: try again")
