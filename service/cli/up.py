"""`reservations up`: everything on this machine, from one command."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from service.cli.common import load_settings, refuse, run

if TYPE_CHECKING:
    from service.settings import Settings


def up(
    directory: Annotated[
        Path | None, typer.Option(help="Where the data is kept; else RESERVATIONS_DATA_DIRECTORY.")
    ] = None,
) -> None:
    """Run an embedded Postgres, an embedded Kafka and a worker, until Ctrl-C.

    The first time it makes the tables and the topics, and imports a little stock to try it with.
    Data is kept between runs.

    Example: reservations up --directory /tmp/reservations
    """
    settings = load_settings()
    if directory is not None:
        settings = settings.model_copy(update={"data_directory": directory})
    _run(settings)


def _run(settings: "Settings") -> None:
    from rich.console import Console

    from service.embedded import EmbeddedServerError
    from service.local import WorkerEnded
    from service.topics import TopicsRefused
    from service.until_signal import until_signal
    from service.up import CannotRun, run_up

    console = Console(highlight=False)
    plain = not console.is_terminal or console.is_dumb_terminal
    try:
        run(until_signal(run_up(settings, console, plain=plain)))
    except (CannotRun, EmbeddedServerError, TopicsRefused, WorkerEnded) as error:
        refuse(str(error))
