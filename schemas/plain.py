"""Plain records: what nearly all of them are, read in one pass over their fields.

A payload says what a record may be; here its fields are read where each is there under one name
and is what it is most of the time. Nothing is refused here, and no rule is kept twice: of what is
not plain, be it rare or wrong, None is given, and the payload itself has the word.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final, get_type_hints

from msgspec import ValidationError, convert
from pydantic import AliasChoices, AliasPath
from pydantic.fields import FieldInfo

from schemas.events import Item
from schemas.fields import (
    EARLIEST,
    EXTENSION_SECONDS_MAX,
    FUTURE_MAX,
    ID_BYTES_MAX,
    LATEST,
    QUANTITY_MAX,
    ExtensionSeconds,
    Happened,
    Id,
    IdOrNone,
    Instant,
    Mechanism,
    Name,
    Token,
    known_or_other,
)
from schemas.identity import token_digest
from schemas.payloads import LINES_MAX, Items, Payload

Read = Callable[[Any], Any]  # gives None of what is not plain

_ID_LENGTH_MAX: Final = ID_BYTES_MAX // 4  # in characters: none has more bytes in UTF-8
_INSTANT_LENGTH_MAX: Final = len("2026-11-23T04:33:09.801914Z")
_NO_DATA: Final[dict[str, Any]] = {}


class Plain:
    """Reads the plain records of one payload."""

    def __init__(self, payload: type[Payload]) -> None:
        self._agree = payload.agree
        self._in_data: dict[str, tuple[str, Read]] = {}
        self._in_envelope: list[tuple[str, str, Read]] = []  # what is first counts
        hints = get_type_hints(payload, include_extras=True)
        for field, info in payload.model_fields.items():
            read = _read_of(hints[field])
            for path in _paths(field, info):
                if path[0] == "data":
                    self._in_data[path[1]] = field, read
                else:
                    self._in_envelope.append((path[0], field, _within(path[1:], read)))
        fields = payload.model_fields.items()
        self._required = {field for field, info in fields if info.is_required()}
        self._defaults = {field: info.default for field, info in fields if not info.is_required()}
        self._happened = next((field for field in hints if hints[field] == Happened), None)

    def fields(
        self, document: Mapping[str, Any], recorded_at: datetime | None
    ) -> dict[str, Any] | None:
        """Give the fields as the payload would, or None where the record is not plain."""
        found: dict[str, Any] = {}
        if not (self._find_in_data(document, found) and self._find_in_envelope(document, found)):
            return None
        if not found.keys() >= self._required or not self._agree(found):
            return None
        if self._is_of_the_future(found, recorded_at):
            return None
        return self._defaults | found

    def _is_of_the_future(self, found: dict[str, Any], recorded_at: datetime | None) -> bool:
        if recorded_at is None or self._happened is None:
            return False
        return bool(found[self._happened] - recorded_at > FUTURE_MAX)

    def _find_in_data(self, document: Mapping[str, Any], found: dict[str, Any]) -> bool:
        data = document.get("data", _NO_DATA)
        if type(data) is not dict:
            return False
        for name, part in data.items():
            if name in self._in_data:
                field, read = self._in_data[name]
                if field in found or (value := read(part)) is None:  # it may be under two names
                    return False
                found[field] = value
        return True

    def _find_in_envelope(self, document: Mapping[str, Any], found: dict[str, Any]) -> bool:
        for name, field, read in self._in_envelope:
            if field not in found and name in document:
                if (value := read(document[name])) is None:
                    return False
                found[field] = value
        return True


def _paths(field: str, info: FieldInfo) -> list[list[Any]]:
    """Give where a field may be, the first place first."""
    alias = info.validation_alias or field
    choices = alias.choices if isinstance(alias, AliasChoices) else [alias]
    return [choice.path if isinstance(choice, AliasPath) else [choice] for choice in choices]


def _read_of(hint: Any) -> Read:
    return next((read for kind, read in _READS if kind == hint), _never)


def _within(path: list[Any], read: Read) -> Read:
    """Give how to read what is inside of an object, at most one deep: whose it is."""
    if not path:
        return read
    (name,) = path
    return lambda part: read(part[name]) if type(part) is dict and name in part else None


def _text(value: Any) -> str | None:
    plain = type(value) is str and 0 < len(value) <= _ID_LENGTH_MAX and "\0" not in value
    return value if plain else None


def _digest(token: Any) -> str | None:
    return token_digest(token) if type(token) is str and token else None


def _mechanism(word: Any) -> str | None:
    return known_or_other(word) if type(word) is str else None


def _instant(text: Any) -> datetime | None:
    """Read what all senders write: RFC 3339, of UTC, to the microsecond at most."""
    if type(text) is not str or len(text) > _INSTANT_LENGTH_MAX or text[-1:] != "Z":
        return None
    if "\0" in text:  # there msgspec takes it to end
        return None
    try:
        at = convert(text, datetime)
    except ValidationError:
        return None
    return at if EARLIEST <= at < LATEST else None


def _items(lines: Any) -> tuple[Item, ...] | None:
    if type(lines) is not list or len(lines) > LINES_MAX:
        return None
    items = tuple([_item(line) for line in lines])
    return None if None in items else items  # type: ignore[return-value]


def _item(line: Any) -> Item | None:
    if type(line) is not dict:
        return None
    product_id, quantity = _text(line.get("productId")), line.get("quantity")
    if product_id is None or type(quantity) is not int or not 1 <= quantity <= QUANTITY_MAX:
        return None
    variant_id = line.get("variantId", line.get("variant_id"))
    if variant_id is None:
        return Item(product_id, "", quantity)
    return Item(product_id, variant_id, quantity) if _text(variant_id) else None


def _seconds(value: Any) -> int | None:
    return value if type(value) is int and 1 <= value <= EXTENSION_SECONDS_MAX else None


def _never(_: Any) -> None:
    """Of what is rare, nothing is plain."""


_READS: Final[tuple[tuple[Any, Read], ...]] = (
    (Id, _text),
    (Name, _text),
    (IdOrNone, _text),
    (Token, _digest),
    (Mechanism, _mechanism),
    (Mechanism | None, _mechanism),
    (Instant, _instant),
    (Instant | None, _instant),
    (Happened, _instant),
    (Items, _items),
    (ExtensionSeconds, _seconds),
)
