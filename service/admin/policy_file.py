"""The file of `reservations policy import`: TOML, one table [[experience]] per experience."""

import json
import re
import tomllib
from collections.abc import Iterable
from typing import Any, Final

from pydantic import ConfigDict, Field, ValidationError

from db.policies import PolicyRow
from schemas.policy import Offer, Policy, Windows
from service.admin.problems import BadFile, Problems, did_you_mean, utf8_text

_TABLE: Final = "experience"


class _Experience(Policy):
    """A table of the file: a policy, and whose it is."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    organization_id: str = Field(min_length=1, pattern=r"^[^\x00]*$")
    experience_id: str = Field(min_length=1, pattern=r"^[^\x00]*$")

    def row(self) -> PolicyRow:
        """Part the policy from its key, keeping what was left out left out."""
        key = {"organization_id", "experience_id"}
        document = self.model_dump_json(exclude_unset=True, exclude=key)
        return PolicyRow(
            self.organization_id, self.experience_id, Policy.model_validate_json(document)
        )


# The keys that are known under a key; those of the table itself are under None.
_KNOWN: Final[dict[Any, Iterable[str]]] = {
    None: ["organization_id", "experience_id", *Policy.model_fields],
    "window_seconds": Windows.model_fields,
    "items": Offer.model_fields,
}


def read_policies(source: str, data: bytes) -> list[PolicyRow]:
    """Read a policy file; raises BadFile with all problems, up to a limit."""
    text = utf8_text(source, data).replace("\r\n", "\n")
    problems = Problems()
    tables = _tables(source, _toml(source, text), problems)
    lines = _Lines(text, len(tables))
    first_places: dict[tuple[str, str], str] = {}
    rows = []
    for index, table in enumerate(tables):
        if (row := _row(source, lines, index, table, problems)) is None:
            continue
        place = lines.place(source, index, "experience_id")
        if (first := first_places.setdefault(row.key, place)) != place:
            problems.add(place, f"the same organization_id, experience_id as at {first}")
        rows.append(row)
    problems.raise_if_any()
    return rows


def _toml(source: str, text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        found = re.fullmatch(r"(.*) \(at line (\d+), column (\d+)\)", str(error))
        place = f"{source}:{found[2]}:{found[3]}" if found else source
        raise BadFile([f"{place}: not TOML: {found[1] if found else error}"]) from None


def _tables(source: str, document: dict[str, Any], problems: Problems) -> list[Any]:
    for key in document.keys() - {_TABLE}:
        problems.add(source, f"unknown key '{key}'; expected only tables [[{_TABLE}]]")
    tables = document.get(_TABLE, [])
    if not isinstance(tables, list):
        problems.add(source, f"[{_TABLE}] is one table; expected [[{_TABLE}]]")
        return []
    return tables


def _row(
    source: str, lines: "_Lines", index: int, table: Any, problems: Problems
) -> PolicyRow | None:
    """Check one table. By way of JSON, for which pydantic's strict types fit TOML's."""
    try:
        as_json = json.dumps(table, default=str)
        return _Experience.model_validate_json(as_json, strict=True).row()
    except ValidationError as error:
        for found in error.errors(include_url=False):
            place = lines.place(source, index, *found["loc"])
            problems.add(place, _problem(found["loc"], found["type"], found["msg"], found["input"]))
    return None


def _problem(path: tuple[Any, ...], kind: str, message: str, found: Any) -> str:
    if kind == "extra_forbidden":
        known = _KNOWN[path[0] if len(path) > 1 else None]
        return f"unknown key '{path[-1]}'; {did_you_mean(str(path[-1]), known)}"
    if kind == "missing":
        return "missing; expected a value"
    return f"{found!r}: {message[0].lower()}{message[1:]}"


class _Lines:
    """Finds lines: tomllib does not tell where a value was."""

    def __init__(self, text: str, tables: int) -> None:
        self._lines = text.split("\n")
        header = re.compile(rf"\s*\[\[\s*{_TABLE}\s*\]\]")
        self._headers = [at for at, line in enumerate(self._lines) if header.match(line)]
        self._known = len(self._headers) == tables  # not so where tables are written inline

    def place(self, source: str, index: int, *path: Any) -> str:
        """Name the place of a key as file:line:key, or at least its table."""
        name = ".".join(str(part) for part in path)
        if not self._known:
            return f"{source}: {_TABLE} {index + 1}: {name}"
        return f"{source}:{self._line(index, path) + 1}:{name}"

    def _line(self, index: int, path: tuple[Any, ...]) -> int:
        """Find the line that begins with the first key of a path, or with its last."""
        start, end = [*self._headers, len(self._lines)][index : index + 2]
        for key in [str(part) for part in (*path[:1], *path[-1:])]:
            for at in range(start, end):
                if re.match(rf"\s*{re.escape(key)}\s*[.=]", self._lines[at]):
                    return at
        return start
