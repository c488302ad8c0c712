"""What is wrong with a file, said so that it can be mended: all of it at once, up to a limit."""

from collections.abc import Iterable
from difflib import get_close_matches
from typing import Final

PROBLEMS_MAX: Final = 20


class BadFile(Exception):
    """A file is refused whole; `problems` are lines to print, each with its place in the file."""

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems = list(problems)
        super().__init__("\n".join(self.problems))


class Problems:
    """Collects problems until there are enough of them."""

    def __init__(self) -> None:
        self._found: list[str] = []

    def add(self, place: str, problem: str) -> None:
        """Note a problem; raise BadFile when a reader has enough to do."""
        self._found.append(f"{place}: {problem}")
        if len(self._found) >= PROBLEMS_MAX:
            raise BadFile([*self._found, f"and perhaps more: {PROBLEMS_MAX} problems are shown"])

    def raise_if_any(self) -> None:
        """Raise BadFile if anything was noted."""
        if self._found:
            raise BadFile(self._found)


def utf8_text(source: str, data: bytes) -> str:
    """Read a file's text, with or without a byte order mark; raises BadFile."""
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        found = f"byte 0x{data[error.start]:02x} is not UTF-8; save the file as UTF-8"
        raise BadFile([f"{source}:{line}: {found}"]) from None


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Name the known word that is most like this one, or all of them."""
    known = list(known)
    close = get_close_matches(word, known, n=1)
    return f"did you mean '{close[0]}'?" if close else f"expected one of: {', '.join(known)}"
