"""Lines of text that stand deeper or less deep, and what each of them is."""

from collections.abc import Iterable
from typing import Final, Literal, NamedTuple

# What follows from an event stands under its words, behind its time.
UNDER_EVENT: Final = 10

Role = Literal["heading", "event", "outcome", "refusal", "note"]


class Line(NamedTuple):
    """A line, its indent in columns, and its role. The text alone tells everything."""

    text: str
    indent: int = 0
    role: Role = "note"


def printable(text: str) -> str:
    """Give a text without what a terminal would obey: ids are whatever somebody sent."""
    return "".join(each if each.isprintable() else "?" for each in text)


def plain(lines: Iterable[Line]) -> str:
    """Give lines as text."""
    return "".join(f"{' ' * line.indent}{printable(line.text)}".rstrip() + "\n" for line in lines)
