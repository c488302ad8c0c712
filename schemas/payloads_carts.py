"""Payloads of our own types: what a cart holds now, and what shall be done with a hold.

They come in Fanfare's envelope. A shop or a support desk sends them: Fanfare has no carts.
"""

from typing import Any

from pydantic import Field, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError

from schemas.events import (
    AnyEvent,
    CartUpdated,
    ExtendRequested,
    ReleaseRequested,
    TransferRequested,
    event_of,
)
from schemas.fields import REFUSED, ExtensionSeconds, Happened, Name, in_data, time_of
from schemas.payloads import Items, Shopper


class Cart(Shopper):
    """What is in a cart, whole. No items are an empty cart, and none named are a mistake."""

    updated_at: Happened = Field(validation_alias=time_of("updatedAt"))
    items: Items = Field(validation_alias=in_data("items"))

    def events(self, told: dict[str, Any]) -> list[AnyEvent]:
        return [event_of(CartUpdated, vars(self) | told)]


class Command(Shopper):
    """Something shall be done with what a shopper holds."""

    requested_at: Happened = Field(validation_alias=time_of("requestedAt"))


class Extension(Command):
    """The hold shall end later."""

    seconds: ExtensionSeconds = Field(validation_alias=in_data("seconds"))

    def events(self, told: dict[str, Any]) -> list[AnyEvent]:
        return [event_of(ExtendRequested, vars(self) | told)]


class Release(Command):
    """The hold shall end now."""

    def events(self, told: dict[str, Any]) -> list[AnyEvent]:
        return [event_of(ReleaseRequested, vars(self) | told)]


class Transfer(Command):
    """The hold shall be another consumer's."""

    to_consumer_id: Name = Field(validation_alias=in_data("toConsumerId"))

    @field_validator("to_consumer_id")
    @classmethod
    def _to_another(cls, to_consumer_id: str, info: ValidationInfo) -> str:
        if to_consumer_id == info.data.get("consumer_id"):
            raise PydanticCustomError(REFUSED, "must be another consumer")
        return to_consumer_id

    def events(self, told: dict[str, Any]) -> list[AnyEvent]:
        return [event_of(TransferRequested, vars(self) | told)]
