"""`reservations contracts`: what others may rely on, as JSON Schema and AsyncAPI."""

from pathlib import Path
from typing import Annotated

import typer

from service.cli.common import refuse
from service.cli.output import say


def contracts(
    directory: Annotated[Path, typer.Argument(metavar="DIRECTORY", help="Where the files are.")],
    check: Annotated[
        bool,
        typer.Option(
            "--check", help="Write nothing; exit code 1 where a reader or a sender would break."
        ),
    ] = False,
) -> None:
    """Write the schemas of events and outcomes, and the AsyncAPI document, of this version.

    With --check the files there are an older version's: says what would break for those who rely
    on them.

    Example: reservations contracts --check deploy/contracts/released
    """
    from service.contracts.documents import Unusable, breaks_with, write_contracts

    try:
        if not check:
            write_contracts(directory)
        elif problems := breaks_with(directory):
            refuse(*problems)
    except Unusable as error:
        expected = ": --check takes a directory that `reservations contracts` has written"
        refuse(f"{error}{expected if check else ''}")
    say("nothing breaks" if check else f"written to {directory}")
