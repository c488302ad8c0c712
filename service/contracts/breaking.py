"""What a change of a schema would break, for those who rely on what it was.

A reader of outcomes relies on what it is given: nothing may go away or change. More fields, types
and reasons may come. A sender of events relies on being read: all that was read before still is.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final, Literal

Side = Literal["reader", "sender"]
Schema = Mapping[str, Any]

_EXACT: Final = ("const", "format", "pattern")
_AT_LEAST: Final = ("minimum", "minLength", "minItems")
_AT_MOST: Final = ("maximum", "maxLength", "maxItems")


def breaks(old: Schema, new: Schema, side: Side) -> list[str]:
    """Say what of `old` does not hold in `new` any more, each with its place; [] where all does."""
    return list(dict.fromkeys(_Comparison(old, new, side).problems()))


class _Comparison:
    """Two versions of one schema, side by side."""

    def __init__(self, old: Schema, new: Schema, side: Side) -> None:
        self._roots = (old, new)
        self._is_read = side == "reader"

    def problems(self) -> Iterator[str]:
        old, new = self._roots
        yield from self._compare(old, new, "")
        gone = old.get("$defs", {}).keys() - new.get("$defs", {}).keys()
        yield from (f"{name} is gone" for name in sorted(gone))
        for name, definition in new.get("$defs", {}).items():
            if name in old.get("$defs", {}):
                yield from self._compare(old["$defs"][name], definition, name)

    def _compare(self, old: Schema, new: Schema, at: str) -> Iterator[str]:
        if "$ref" in old or "$ref" in new:
            if old.get("$ref") != new.get("$ref"):
                yield f"{at} was {old.get('$ref')}, and is {new.get('$ref')}"
            return
        yield from self._types(old, new, at)
        yield from self._words(old, new, at)
        yield from self._limits(old, new, at)
        yield from self._presence(old, new, at)
        yield from self._inside(old, new, at)

    def _types(self, old: Schema, new: Schema, at: str) -> Iterator[str]:
        before, now = _types_of(old), _types_of(new)
        kept = before == now if self._is_read else not now or (before and before <= now)
        if not kept:
            yield f"{at} was of type {_list(before)}, and is of type {_list(now)}"

    def _words(self, old: Schema, new: Schema, at: str) -> Iterator[str]:
        before, now = old.get("enum"), new.get("enum")
        if before and now and (gone := [word for word in before if word not in now]):
            yield f"{at} is never {_list(gone)} any more"
        elif (now and not before) or (before and not now and self._is_read):
            yield f"{at} {'is one of a list now' if now else 'was one of a list'}"

    def _limits(self, old: Schema, new: Schema, at: str) -> Iterator[str]:
        for word in _EXACT:
            if old.get(word) != new.get(word) and (self._is_read or word in new):
                yield f"{at}: {word} was {old.get(word)}, and is {new.get(word)}"
        if self._is_read:
            return
        for word in (*_AT_LEAST, *_AT_MOST):
            if word in new and _is_narrower(word, old.get(word), new[word]):
                yield f"{at}: {word} was {old.get(word)}, and is {new[word]}"

    def _presence(self, old: Schema, new: Schema, at: str) -> Iterator[str]:
        before, now = set(old.get("required", ())), set(new.get("required", ()))
        lost, asked = sorted(before - now), sorted(now - before)
        if self._is_read and lost:
            yield f"{at} may be without {_list(lost)}"
        if not self._is_read and asked:
            yield f"{at} needs {_list(asked)}"
        if not self._is_read:
            yield from (f"{at} needs more than before" for each in _asked_for(old, new) if each)

    def _inside(self, old: Schema, new: Schema, at: str) -> Iterator[str]:
        before, now = old.get("properties", {}), new.get("properties", {})
        for name, schema in before.items():
            place = f"{at}.{name}".removeprefix(".")
            if name not in now:
                yield f"{place} is gone"
            else:
                yield from self._compare(schema, now[name], place)
        if "items" in old and "items" in new:
            yield from self._compare(old["items"], new["items"], f"{at}[]")


def _asked_for(old: Schema, new: Schema) -> Iterator[bool]:
    """Tell of each condition of the new schema whether it asks for more than any of the old."""
    before = [_alternatives(condition) for condition in old.get("allOf", ())]
    for condition in new.get("allOf", ()):
        now = _alternatives(condition)
        yield not any(all(one in now for one in alternatives) for alternatives in before)


def _alternatives(condition: Schema) -> list[Schema]:
    return list(condition.get("anyOf", [condition]))


def _is_narrower(word: str, before: Any, now: Any) -> bool:
    if before is None:
        return True
    return bool(now > before if word in _AT_LEAST else now < before)


def _types_of(schema: Schema) -> set[str]:
    types = schema.get("type", [])
    return {types} if isinstance(types, str) else set(types)


def _list(words: Any) -> str:
    return ", ".join(sorted(map(str, words))) or "any"
