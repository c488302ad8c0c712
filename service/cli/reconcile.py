"""`reservations reconcile`: find counters that differ from their rows, and put them right."""

import getpass
import socket
from contextlib import suppress
from typing import TYPE_CHECKING, Annotated, Any

import typer

from service.cli.common import database, load_settings, refuse, run
from service.cli.listing import AsJson, Organization, Product
from service.cli.output import note, progress, say_json, say_table

if TYPE_CHECKING:
    from service.reconcile.repairing import Options
    from service.reconcile.rows import Row
    from service.reconcile.run import Run
    from service.settings import Settings

_COLUMNS = ["stock_line", "drift", "cause", "verdict"]
_HISTORY_MAX = 1000
_HISTORY = ["adjusted_at", "adjusted_by", "stock_line", "drift", "cause", "lane", "sequence"]


def reconcile(
    apply: Annotated[
        bool, typer.Option("--apply", help="Repair; else only say what is wrong.")
    ] = False,
    organization: Organization = None,
    product: Product = None,
    allow_shortage: Annotated[
        bool,
        typer.Option(
            "--allow-shortage", help="Also where more is held than is there: puts holds at risk."
        ),
    ] = False,
    accept_rows: Annotated[
        bool,
        typer.Option("--accept-rows", help="Also where the journal contradicts a reservation."),
    ] = False,
    history: Annotated[
        bool, typer.Option("--history", help="Show what was repaired before, the newest first.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Find stock lines whose counters differ from their rows, say why, and repair them.

    Reservations are the truth for what is held and sold, imports for what was received and set
    aside; on_hand, and available of a pool, are what is left over. Without --apply nothing is
    changed and nothing is locked.

    With --apply each line is a short transaction beside workers that go on. It leaves a row that
    says who changed what (--history), and an outcome `adjusted` at the next tick of a lane. Where
    more is held than is there the line is left, unless --allow-shortage is given: then the newest
    holds are at risk, as by `stock set --allow-shortage`. Where a reservation is not what the
    journal says of it, its row is what is wrong: look at it with `reservations explain`.

    Nothing is repaired while the journal itself is damaged (see `reservations verify`).

    Exit code 0 where nothing differs any more; 1 where something does; 2 for wrong settings.

    Example: reservations reconcile && reservations reconcile --apply --product moon-lamp
    """
    from service.reconcile.repairing import Options

    settings = load_settings()
    if history:
        if apply or allow_shortage or accept_rows or organization or product:
            refuse("--history shows all that was repaired: give it no other choice than --json")
        _print(run(_history(settings)), _HISTORY, as_json, "nothing was repaired yet")
        return
    options = Options(_who(), allow_shortage, accept_rows)
    done = run(_reconcile(settings, options, organization, product, apply=apply))
    rows = [row.document() if as_json else row.table() for row in done.rows]
    _print(rows, _COLUMNS, as_json, "nothing differs")
    _end(done, apply=apply)


async def _reconcile(
    settings: "Settings",
    options: "Options",
    organization: str | None,
    product: str | None,
    *,
    apply: bool,
) -> "Run":
    from service.reconcile.run import Busy, reconcile_all

    async with database(settings, "reconcile") as connection:
        with progress() as report:
            try:
                return await reconcile_all(
                    connection, options, (organization, product), apply=apply, on_progress=report
                )
            except Busy:
                refuse("another `reservations reconcile --apply` runs: nothing was changed")


def _print(rows: list[dict[str, Any]], columns: list[str], as_json: bool, empty: str) -> None:
    if as_json:
        say_json(rows)
    elif rows:
        say_table(rows, columns)
    else:
        note(empty)


def _end(done: "Run", *, apply: bool) -> None:
    """Say what is left to do, and choose the exit code."""
    if done.journal_damage:
        refuse(
            *done.journal_damage,
            "the journal itself is damaged: nothing is repaired before that is; see the runbook",
        )
    left: list[Row] = [row for row in done.rows if row.state != "repaired"]
    if apply and done.still:
        refuse(f"{done.still} still differ: run it again, and look for who changes counters")
    if left and apply:
        refuse(*(f"{row.name}: {row.words}" for row in left))
    if left:
        refuse("nothing was changed: --apply repairs what can be")


async def _history(settings: "Settings") -> list[dict[str, Any]]:
    from db.adjustments import list_adjustments
    from service.reconcile.rows import row_of_kept

    async with database(settings, "reconcile") as connection:
        return [row_of_kept(kept) for kept in await list_adjustments(connection, _HISTORY_MAX)]


def _who() -> str:
    with suppress(OSError, KeyError):  # a container's user may have no name
        return f"{getpass.getuser()}@{socket.gethostname()}"
    return "somebody"
