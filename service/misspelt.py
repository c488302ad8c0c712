"""Variables that look like a setting and are none: a default would count, and nobody would know."""

from collections.abc import Iterable
from difflib import get_close_matches
from typing import Final

from service.secret_files import SUFFIX, is_secret
from service.settings import PREFIX, Settings

# Kubernetes sets variables of its own where a service is called `reservations`: they pass.
_ALIKE: Final = 0.75


def misspelt(variables: Iterable[str]) -> list[str]:
    """Give a line for each variable whose name is nearly a setting's."""
    names = {f"{PREFIX}{name.upper()}": field for name, field in Settings.model_fields.items()}
    known = [*names, *(f"{name}{SUFFIX}" for name, field in names.items() if is_secret(field))]
    ours = {name.removeprefix(PREFIX): name for name in known}
    lines = []
    for variable in sorted(variables):
        name = variable.upper()  # pydantic takes either
        if name.startswith(PREFIX) and name not in known:
            for close in get_close_matches(name.removeprefix(PREFIX), ours, 1, _ALIKE):
                lines.append(f"{variable} is no setting; did you mean {ours[close]}?")
    return lines
