"""`reservations demo`: a sale on a real Postgres and a real Kafka, to watch."""

import errno
from contextlib import suppress
from typing import TYPE_CHECKING, Annotated, Final

import typer

from service.cli.common import load_settings, refuse, run
from service.cli.output import note

if TYPE_CHECKING:
    from rich.console import Console

    from service.demo.run import Options

_NOBODY_WATCHES: Final = 129  # as after SIGHUP


def demo(
    shoppers: Annotated[int, typer.Option(min=60, max=10_000, help="How many come.")] = 300,
    seconds: Annotated[float, typer.Option(min=8, max=600, help="How long the sale is.")] = 25.0,
    seed: Annotated[int, typer.Option(help="Another seed, another sale.")] = 7,
    plain: Annotated[bool, typer.Option("--plain", help="Lines only, nothing drawn.")] = False,
) -> None:
    """Play a sale on embedded servers, and watch it; then verify that everything adds up.

    A queue, a draw and an auction have fewer units than shoppers, who pay, leave, come late, come
    twice, or never come back. Nothing is left behind. Exit code 0 where `verify` is satisfied.

    Example: reservations demo --shoppers 1000 --seconds 40
    """
    from rich.console import Console

    from service.demo.run import Options

    console = Console(highlight=False)
    if plain or not console.is_terminal or console.is_dumb_terminal:
        plain, console = True, Console(highlight=False, force_terminal=False, color_system=None)
    options = Options(shoppers=shoppers, seed=seed, seconds=seconds, plain=plain)
    raise typer.Exit(_run(options, console))


def _run(options: "Options", console: "Console") -> int:
    import signal

    from service.demo.play import NotSettled
    from service.demo.run import run_demo
    from service.embedded import EmbeddedServerError
    from service.local import WorkerEnded
    from service.topics import TopicsRefused
    from service.until_signal import until_signal

    try:
        ended = run(until_signal(run_demo(options, load_settings(), console)))
    except (EmbeddedServerError, TopicsRefused, WorkerEnded, NotSettled) as error:
        refuse(str(error))
    except OSError as error:
        if error.errno not in (errno.EIO, errno.EPIPE):  # the terminal went away
            raise
        return _NOBODY_WATCHES
    if isinstance(ended, signal.Signals):
        with suppress(OSError):  # the terminal may be gone
            note("Stopped. Nothing is left behind.")
        return 128 + ended
    return ended
