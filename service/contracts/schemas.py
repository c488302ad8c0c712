"""The schemas of what comes in and what goes out, each of one model in `schemas`."""

from typing import Any, Final, Literal

from pydantic import BaseModel
from pydantic.json_schema import JsonSchemaMode, models_json_schema

from schemas.payloads import Payload, Tick
from schemas.payloads_admissions import Admission, Denial, End, Winners
from schemas.payloads_carts import Cart, Extension, Release, Transfer
from schemas.payloads_orders import Cancellation, Completion, Settlement
from schemas.vocabulary import Topic
from schemas.wire import MEANINGS
from service.contracts.headers import DeadLetterHeaders, OutcomeHeaders
from service.contracts.models import ADJUSTED, OUTCOME
from service.contracts.plain_schema import PlainSchema, Schema
from service.contracts.wire_schema import WireSchema

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"

# Where each payload belongs. A worker reads it from any of its topics; a shopper's events are in
# order only within one.
TOPICS: Final[dict[type[Payload], Topic]] = {
    Admission: "admitted",
    Winners: "admitted",
    Cart: "cart-updated",
    Completion: "checkout-completed",
    Settlement: "checkout-completed",
    Cancellation: "checkout-completed",
    Extension: "hold-commands",
    Release: "hold-commands",
    Transfer: "hold-commands",
    End: "admission-expired",
    Denial: "admission-expired",
    Tick: "expiry-ticks",
}

_EVENTS_ARE: Final = (
    "Records that the worker reads. null is an absent field. Of several names of a field the first"
    " that is there counts, and one is enough. Beside what is written here: an id has at most 512"
    " bytes, an instant has an offset from UTC and is no more than an hour ahead of its record, a"
    " window ends after it begins. A type that nobody knows makes a dead letter."
)
_OUTCOME_IS: Final = (
    "Pass over fields, types and reasons that you do not know: more of them may come."
)


def outcome_schema() -> Schema:
    """Give the schema of an outcome's JSON body: of a hold, or of a repair of a stock line."""
    models = (OUTCOME, ADJUSTED)
    return {
        "$schema": DIALECT,
        "title": "AnyOutcome",
        "description": _OUTCOME_IS,
        "if": {"properties": {"type": {"const": "adjusted"}}},
        "then": {"$ref": "#/$defs/Adjusted"},
        "else": {"$ref": "#/$defs/Outcome"},
        "$defs": _definitions(models, "serialization", PlainSchema, "#/$defs/{model}"),
    }


def events_schema() -> Schema:
    """Give the schema of a record of an input topic, whichever it is."""
    definitions = payload_schemas("#/$defs/{model}")
    return {
        "$schema": DIALECT,
        "title": "Event",
        "description": _EVENTS_ARE,
        "anyOf": [{"$ref": f"#/$defs/{name}"} for name in (*map(_name, TOPICS), "PassedOver")],
        "$defs": definitions | {"PassedOver": _passed_over()},
    }


def payload_schemas(ref_template: str) -> dict[str, Schema]:
    """Give the schemas of all payloads, and of what they are made of, by name."""
    found = _definitions(TOPICS, "validation", WireSchema, ref_template)
    for payload in TOPICS:
        schema = found[_name(payload)]
        types = [name for name, meaning in MEANINGS.items() if meaning.payload is payload]
        schema["properties"] = {"type": {"enum": types}, **schema["properties"]}
        schema["required"] = ["type", *schema.get("required", [])]
    return found


def published_schemas(ref_template: str) -> dict[str, Schema]:
    """Give the schemas of outcomes, and of the headers of both topics out, by name."""
    models = (OUTCOME, ADJUSTED, OutcomeHeaders, DeadLetterHeaders)
    return _definitions(models, "serialization", PlainSchema, ref_template)


def _definitions(
    models: Any,
    mode: JsonSchemaMode,
    generator: type[PlainSchema],
    ref_template: str,
) -> dict[str, Schema]:
    asked: list[tuple[type[BaseModel], Literal["validation", "serialization"]]]
    asked = [(model, mode) for model in models]
    _, found = models_json_schema(asked, ref_template=ref_template, schema_generator=generator)
    definitions: dict[str, Schema] = found["$defs"]
    for schema in definitions.values():
        if "description" in schema:
            schema["description"] = " ".join(schema["description"].split())
    return definitions


def _passed_over() -> Schema:
    types = [name for name, meaning in MEANINGS.items() if meaning.payload is None]
    return {
        "title": "PassedOver",
        "description": "Known, and means nothing to the worker.",
        "type": "object",
        "properties": {"type": {"enum": types}},
        "required": ["type"],
    }


def _name(payload: type[Payload]) -> str:
    return payload.__name__
