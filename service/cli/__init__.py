"""The command `reservations`. What is slow to import is imported by the command that needs it."""

import os
import sys

import typer

from service.cli import (
    contracts,
    dead_letters,
    dead_letters_replay,
    demo,
    explain,
    migrate,
    offsets,
    outcomes,
    policy,
    pool,
    prune,
    reconcile,
    send,
    stock,
    topics,
    up,
    verify,
    worker,
)
from service.cli.common import CommandError
from service.garbage import look_rarely

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    help="Holds stock for admitted shoppers. Settings come from the environment: RESERVATIONS_...",
)

app.command()(demo.demo)
app.command()(up.up)
app.command()(worker.worker)
app.command()(send.send)
app.command()(outcomes.outcomes)
app.command()(migrate.migrate)
app.add_typer(topics.app, name="topics", help="Make the topics in Kafka, and see them.")
app.add_typer(offsets.app, name="offsets", help="How far lanes have read, and how to move them.")
app.add_typer(stock.app, name="stock", help="Bring stock in, and see where it is.")
app.add_typer(pool.app, name="pool", help="Set stock aside for experiences, and give it back.")
app.add_typer(policy.app, name="policy", help="The rules by which experiences hold stock.")
app.add_typer(dead_letters.app, name="dead-letters", help="Records that could not be read.")
dead_letters.app.command()(dead_letters_replay.replay)
app.command()(explain.explain)
app.command()(verify.verify)
app.command()(reconcile.reconcile)
app.command()(contracts.contracts)
app.command()(prune.prune)


def main() -> None:
    """Run the command line."""
    look_rarely()
    # No plugin for pydantic is of use here, and to look for one reads of every package what it has.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    try:
        app()
    except CommandError as error:
        for problem in error.problems:
            sys.stderr.write(f"{problem}\n")
        sys.exit(error.exit_code)
