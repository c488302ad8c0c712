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
    fields = Settings.model_fields.items()
    known = [name.upper() for name, _ in fields]
    known += [name.upper() + SUFFIX for name, field in fields if is_secret(field)]
    ours = [name for name in sorted(variables) if name.upper().startswith(PREFIX)]
    return [
        f"{variable} is no setting; did you mean {PREFIX}{close}?"
        for variable in ours
        if (name := variable.upper().removeprefix(PREFIX)) not in known  # pydantic takes any case
        for close in get_close_matches(name, known, n=1, cutoff=_ALIKE)
    ]
