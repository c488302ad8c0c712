"""`reservations explain`: what happened to an admission, and why."""

import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Final

import typer

from service.cli.common import database, load_settings, refuse, run
from service.cli.listing import AsJsonObject
from service.cli.output import progress, say, say_json

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from schemas.reservation import AdmissionKey
    from service.explain.lines import Line, Role
    from service.explain.story import Story
    from service.explain.strays import Strays
    from service.settings import Settings

_STYLES: Final[Mapping["Role", str]] = {
    "heading": "bold",
    "event": "cyan",
    "refusal": "red",
    "outcome": "",
    "note": "",
}


def explain(
    admission_or_reservation: Annotated[
        str,
        typer.Argument(
            metavar="ADMISSION_OR_RESERVATION",
            help="An admission's id, token:DIGEST, or a reservation's id.",
        ),
    ],
    organization: Annotated[
        str | None,
        typer.Option("--organization", "-o", help="Where several organizations have the id."),
    ] = None,
    as_json: AsJsonObject = False,
) -> None:
    """Tell what happened to an admission and why, event by event, in plain lines.

    Of a refusal it tells who had the units at that moment. An outcome has the ids in its
    admissionId and reservationId. The journal is read from the admission's time on, and for a
    refusal from its front: in a large one that takes a while. Changes nothing, and may run beside
    the workers.

    Example: reservations explain adm_1234

    Example: reservations explain adm_1234 --organization org_1 --json
    """
    from service.explain.documents import document
    from service.explain.strays import Strays, strays_document, tell_strays
    from service.explain.text import tell

    found = run(_explain(load_settings(), admission_or_reservation, organization))
    if isinstance(found, list) or not found:
        refuse(_which(admission_or_reservation, organization, found))
    if as_json:
        say_json(strays_document(found) if isinstance(found, Strays) else document(found))
    else:
        _say_lines(tell_strays(found) if isinstance(found, Strays) else tell(found))


async def _explain(
    settings: "Settings", id_: str, organization: str | None
) -> "Story | Strays | list[AdmissionKey]":
    from service.explain.reading import explain as explain_admission

    async with database(settings, "explain") as connection:
        with progress() as report:
            return await explain_admission(
                connection, settings.input_topics, id_, organization, on_progress=report
            )


def _which(
    id_: str, organization: str | None, found: "Story | Strays | Sequence[AdmissionKey]"
) -> str:
    """Say why an id does not lead to one admission."""
    if not isinstance(found, list):
        where = "" if organization is None else f" of organization {organization}"
        return (
            f"{id_}: no admission and no reservation{where} has this id: "
            "an outcome has them as admissionId and reservationId" + _pruned(found)
        )
    choices = " or ".join(f"--organization {key.organization_id}" for key in found)
    return f"{id_}: several organizations have this id: say {choices}"


def _pruned(found: object) -> str:
    before = getattr(found, "pruned_before", None)
    return f"; what was over before {before:%Y-%m-%d %H:%M} UTC was pruned" if before else ""


def _say_lines(lines: "Iterable[Line]") -> None:
    if not sys.stdout.isatty():
        from service.explain.lines import plain

        say(plain(lines).rstrip())
        return
    from rich.console import Console
    from rich.padding import Padding
    from rich.text import Text

    from service.explain.lines import printable

    console = Console(highlight=False)
    for line in lines:
        text = Text(printable(line.text), style=_STYLES[line.role], overflow="fold")
        console.print(Padding(text, (0, 0, 0, line.indent), expand=False) if line.text else "")
