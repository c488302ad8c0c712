"""`reservations verify`: find out whether everything adds up."""

from typing import TYPE_CHECKING, Annotated

import typer

from service.cli.common import database, kafka_errors, load_settings, misconfigured, refuse, run
from service.cli.listing import AsJson
from service.cli.output import note, progress, say_json, say_table

if TYPE_CHECKING:
    from db.verify import Check
    from service.settings import Settings

_COLUMNS = ["check", "looked_at", "differences", "verdict"]


def verify(
    no_topics: Annotated[
        bool, typer.Option("--no-topics", help="Check the database only; needs no Kafka.")
    ] = False,
    wait: Annotated[
        float, typer.Option(min=0, max=3600, help="Seconds for running workers to publish.")
    ] = 10.0,
    as_json: AsJson = False,
) -> None:
    """Recompute every counter from the rows, and compare the topics with the journal id by id.

    Changes nothing, and may run beside the workers. Everything is looked at, nothing is sampled:
    that takes a minute or so for a million reservations. Exit code 0 where all is as it should
    be; 1 where something differs, with the first difference of each check on stderr; 2 for wrong
    settings.

    Example: reservations verify --no-topics --json
    """
    settings = load_settings()
    checks = run(_verify(settings, topics=not no_topics, wait_seconds=wait))
    rows = [_row(check) for check in checks]
    if as_json:
        say_json(rows)
    else:
        say_table(rows, _COLUMNS)
        for check in checks:
            if check.note is not None:
                note(f"note: {check.name}: {check.note}")
    if differing := [check for check in checks if check.differences]:
        refuse(*(f"{check.name}: {check.first_difference}" for check in differing))


async def _verify(settings: "Settings", *, topics: bool, wait_seconds: float) -> "list[Check]":
    from service.verify import verify as verify_all

    with kafka_errors(settings):
        lanes = await _lanes(settings) if topics else None
        async with database(settings, "verify") as connection:
            with progress() as report:
                return await verify_all(
                    settings,
                    connection,
                    lanes=lanes,
                    wait_seconds=wait_seconds,
                    on_progress=report,
                )


async def _lanes(settings: "Settings") -> int:
    """Give the number of lanes, or say what is wrong with the topics."""
    from service.topics import TopicsOk, check_topics

    found = await check_topics(settings)
    return found.lanes if isinstance(found, TopicsOk) else misconfigured(*found)


def _row(check: "Check") -> dict[str, object]:
    return {
        "check": check.name,
        "looked_at": check.looked_at,
        "differences": check.differences,
        "verdict": "differs" if check.differences else "ok",
        "first_difference": check.first_difference,
        "note": check.note,
    }
