"""Outcomes as pydantic models, for their schema: they are made and written as msgspec's structs."""

from typing import Any, Final

from msgspec import NODEFAULT, Struct
from msgspec.structs import fields
from pydantic import BaseModel, ConfigDict, create_model
from pydantic.alias_generators import to_camel

from schemas.adjusted import Adjusted, CounterChange
from schemas.outcomes import HEADERS, Outcome, OutcomeCause

_CONFIG: Final = ConfigDict(alias_generator=to_camel, populate_by_name=True)


def _model_of(struct: type[Struct], **instead: Any) -> type[BaseModel]:
    """Make a model of what a struct has in its JSON; of some fields the types are told."""
    found: dict[str, Any] = {
        field.name: (
            instead.get(field.name, field.type),
            ... if field.default is NODEFAULT else field.default,
        )
        for field in fields(struct)
        if field.name not in HEADERS
    }
    return create_model(struct.__name__, __config__=_CONFIG, __doc__=struct.__doc__, **found)


_CAUSE: Final = _model_of(OutcomeCause)
_CHANGES: Final = tuple[_model_of(CounterChange), ...]  # type: ignore[misc] # pydantic reads it

OUTCOME: Final = _model_of(Outcome, cause=_CAUSE)
ADJUSTED: Final = _model_of(Adjusted, cause=_CAUSE, changes=_CHANGES)
