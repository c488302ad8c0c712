"""Payloads of our own types: what a cart holds now, and what shall be done with a hold.

They come in Fanfare's envelope. A shop or a support desk sends them: Fanfare has no carts.
"""

from collections.abc import Mapping
from typing import Any

from pydantic import Field, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError

from schemas.events import (
    AnyEvent,
    CartUpdated,
    ExtendRequested,
    ReleaseRequested,
    TransferRequested,
)
from schemas.fields import REFUSED, ExtensionSeconds, Happened, Name, in_data, time_of
from schemas.payloads import Items, Shopper


class Cart(Shopper):
    """What is in a cart, whole. No items are an empty cart, and none named are a mistake."""

    updated_at: Happened = Field(validation_alias=time_of("updatedAt"))
    items: Items = Field(validation_alias=in_data("items"))

    @staticmethod
    def events(fields: dict[str, Any]) -> list[AnyEvent]:
        return [CartUpdated(**fields)]


class Command(Shopper):
    """Something shall be done with what a shopper holds."""

    requested_at: Happened = Field(validation_alias=time_of("requestedAt"))


class Extension(Command):
    """The hold shall end later."""

    seconds: ExtensionSeconds = Field(validation_alias=in_data("seconds"))

    @staticmethod
    def events(fields: dict[str, Any]) -> list[AnyEvent]:
        return [ExtendRequested(**fields)]


class Release(Command):
    """The hold shall end now."""

    @staticmethod
    def events(fields: dict[str, Any]) -> list[AnyEvent]:
        return [ReleaseRequested(**fields)]


class Transfer(Command):
    """The hold shall be another consumer's."""

    to_consumer_id: Name = Field(validation_alias=in_data("toConsumerId"))

    @staticmethod
    def agree(fields: Mapping[str, Any]) -> bool:
        return bool(fields["to_consumer_id"] != fields.get("consumer_id"))

    @field_validator("to_consumer_id")
    @classmethod
    def _to_another(cls, to_consumer_id: str, info: ValidationInfo) -> str:
        if not Transfer.agree(info.data | {"to_consumer_id": to_consumer_id}):
            raise PydanticCustomError(REFUSED, "must be another consumer")
        return to_consumer_id

    @staticmethod
    def events(fields: dict[str, Any]) -> list[AnyEvent]:
        return [TransferRequested(**fields)]
