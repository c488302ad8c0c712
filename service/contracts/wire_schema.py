"""JSON Schema of records as they come in: fields that have several names, in `data` or beside."""

from collections.abc import Iterator
from typing import Any

from pydantic.json_schema import JsonSchemaValue
from pydantic_core import core_schema

from service.contracts.plain_schema import PlainSchema, Schema

Path = list[str]


class WireSchema(PlainSchema):
    """Puts each field under all the names by which it is read, at the depth where it is read.

    pydantic's own knows one name a field, and no depth.
    """

    def datetime_schema(self, schema: core_schema.DatetimeSchema) -> JsonSchemaValue:
        """Allow numbers too: seconds since 1970, and above 20,000,000,000 milliseconds."""
        return {"type": ["string", "number"], "format": "date-time", "minimum": 0}

    def model_fields_schema(self, schema: core_schema.ModelFieldsSchema) -> JsonSchemaValue:
        document: Schema = {"type": "object", "properties": {}}
        for name, field in schema["fields"].items():
            paths = list(_paths(field.get("validation_alias", name)))
            for path in paths:
                _place(document, path, self.generate_inner(field["schema"]))
            if self.field_is_required(field, total=True):
                _require(document, paths)
        return document


def _paths(alias: Any) -> Iterator[Path]:
    """Give the places of a field, out of pydantic's three ways of writing them."""
    if isinstance(alias, str):
        yield [alias]
    elif alias and isinstance(alias[0], str):
        yield alias
    else:
        yield from alias


def _place(document: Schema, path: Path, schema: Schema) -> None:
    for step in path[:-1]:
        properties = document["properties"]
        document = properties.setdefault(step, {"type": "object", "properties": {}})
    document["properties"][path[-1]] = schema


def _require(document: Schema, paths: list[Path]) -> None:
    """Ask for a field: of several names, for one of them."""
    if len(paths) == 1 and len(paths[0]) == 1:
        document.setdefault("required", []).append(paths[0][0])
        return
    conditions = [_is_there(path) for path in paths]
    document.setdefault("allOf", []).append(
        {"anyOf": conditions} if len(conditions) > 1 else conditions[0]
    )


def _is_there(path: Path) -> Schema:
    here: Schema = {"required": [path[0]]}
    return here | {"properties": {path[0]: _is_there(path[1:])}} if path[1:] else here
