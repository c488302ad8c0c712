"""Payloads that begin an admission, and those that end one without a checkout."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError

from schemas.events import AdmissionEnded, Admitted, AnyEvent, Item
from schemas.fields import (
    REFUSED,
    TOKENS,
    WINDOW_ENDS,
    Happened,
    IdOrNone,
    Instant,
    Mechanism,
    Name,
    Token,
    in_data,
    named,
    time_of,
)
from schemas.payloads import Envelope, Items, Part, Shopper
from schemas.vocabulary import AdmissionEnd


class Admission(Shopper):
    """One shopper is admitted."""

    distribution_type: Mechanism = Field("other", validation_alias=in_data("distributionType"))
    admitted_at: Happened = Field(validation_alias=time_of("admittedAt", "wonAt"))
    window_ends_at: Instant | None = Field(None, validation_alias=in_data(*WINDOW_ENDS))
    items: Items = Field((), validation_alias=in_data("items"))
    product_id: IdOrNone = Field(None, validation_alias=in_data("productId"))

    @field_validator("window_ends_at")
    @classmethod
    def _begins_before_it_ends(cls, ends_at: datetime, info: ValidationInfo) -> datetime:
        if _is_over_before(info.data, ends_at):
            raise PydanticCustomError(REFUSED, "is before the admission")
        return ends_at

    @staticmethod
    def agree(fields: Mapping[str, Any]) -> bool:
        named = "window_ends_at" in fields
        return not (named and _is_over_before(fields, fields["window_ends_at"]))

    @staticmethod
    def events(fields: dict[str, Any]) -> list[AnyEvent]:
        """Give one event. A product beside the items counts where there are none: one unit."""
        product_id = fields.pop("product_id")
        if product_id and not fields["items"]:
            fields["items"] = (Item(product_id, "", 1),)
        return [Admitted(**fields)]


class Winner(Part):
    """One of the winners of a draw."""

    consumer_id: Name = Field(validation_alias=named("consumerId"))
    token_digest: Token = Field(None, validation_alias=named(*TOKENS))
    window_ends_at: Instant | None = Field(None, validation_alias=named(*WINDOW_ENDS))


class Winners(Envelope):
    """Many shoppers are admitted at once."""

    admitted_at: Happened = Field(validation_alias=time_of("wonAt"))
    winners: list[Winner] = Field(validation_alias=in_data("winners"))

    @field_validator("winners")
    @classmethod
    def _begin_before_they_end(cls, winners: list[Winner], info: ValidationInfo) -> list[Winner]:
        for number, winner in enumerate(winners):
            if _is_over_before(info.data, winner.window_ends_at):
                raise PydanticCustomError(REFUSED, f"the window of [{number}] ends before the draw")
        return winners

    @staticmethod
    def events(fields: dict[str, Any]) -> list[AnyEvent]:
        """Give one event per winner, in the order of the payload."""
        winners = fields.pop("winners")
        return [Admitted(**fields | vars(winner)) for winner in winners]


def _is_over_before(fields: Mapping[str, Any], ends_at: datetime | None) -> bool:
    """Tell whether a window ends before its admission; a time that was refused is no time."""
    admitted_at = fields.get("admitted_at")
    return admitted_at is not None and ends_at is not None and ends_at < admitted_at


class End(Shopper):
    """An admission ended without a checkout; how, its type says."""

    ended_at: Happened = Field(validation_alias=time_of("expiredAt", "leftAt", "deniedAt"))

    @staticmethod
    def events(fields: dict[str, Any]) -> list[AnyEvent]:
        return [AdmissionEnded(**fields)]


def _end_of_denial(reason: object) -> AdmissionEnd:
    return "expired" if reason == "ADMISSION_EXPIRED" else "denied"


class Denial(End):
    """An admission ended, and the reason says how. Reasons are an open list.

    Source: Fanfare's reference has no event for an expired admission; it has a reason to deny.
    """

    end: Annotated[AdmissionEnd, BeforeValidator(_end_of_denial, json_schema_input_type=str)] = (
        Field("denied", validation_alias=in_data("reason"))
    )
