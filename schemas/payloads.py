"""What payloads have in common: a record's envelope, whose it is, and its items.

Each class lists the fields that an event is made of, under the event's own names.
`schemas.wire` says which type has which payload.
"""

from abc import abstractmethod
from collections.abc import Mapping
from typing import Annotated, Any, Final

from pydantic import AfterValidator, AliasChoices, AliasPath, BaseModel, ConfigDict, Field

from schemas.events import AnyEvent, ExpiryTick, Item
from schemas.fields import (
    DISTRIBUTIONS,
    TOKENS,
    Id,
    IdOrNone,
    Instant,
    Mechanism,
    Name,
    Quantity,
    Token,
    in_data,
    named,
)

LINES_MAX: Final = 1_000


class Part(BaseModel):
    """An object in a record.

    Its validator is made when a record needs it, and not at every start: few records do, for
    `schemas.plain` reads the others, and few types come to one worker.
    """

    model_config = ConfigDict(defer_build=True)


class Line(Part):
    """An entry of `items`, as Fanfare's order.created has them."""

    product_id: Name = Field(validation_alias=named("productId"))
    variant_id: Id | None = Field(None, validation_alias=named("variantId"))
    quantity: Quantity


def _as_items(lines: tuple[Line, ...]) -> tuple[Item, ...]:
    return tuple([Item(line.product_id, line.variant_id or "", line.quantity) for line in lines])


Items = Annotated[tuple[Line, ...], Field(max_length=LINES_MAX), AfterValidator(_as_items)]


class Payload(Part):
    """What a record holds."""

    @staticmethod
    @abstractmethod
    def events(fields: dict[str, Any]) -> list[AnyEvent]:
        """Give the events of a payload's fields, which are the caller's no more."""

    @staticmethod
    def agree(fields: Mapping[str, Any]) -> bool:
        """Tell whether fields that are right each by itself may be there together."""
        return True


class Tick(Payload):
    """Up to which instant holds shall expire. Our own, so it has no envelope.

    Its instant may be of any time: the database's clock holds it back.
    """

    at: Instant

    @staticmethod
    def events(fields: dict[str, Any]) -> list[AnyEvent]:
        return [ExpiryTick(**fields)]


class Envelope(Payload):
    """Which delivery this is, and whose, in all the shapes of Fanfare's envelope."""

    event_id: Name = Field(validation_alias="id")
    organization_id: Name = Field(
        validation_alias=AliasChoices(
            "organizationId", "organization_id", AliasPath("organization", "id")
        )
    )
    experience_id: Id = Field(
        "", validation_alias=in_data("experienceId", else_envelope=("experienceId",))
    )
    distribution_id: Id = Field("", validation_alias=in_data(*DISTRIBUTIONS))
    distribution_type: Mechanism | None = Field(None, validation_alias=in_data("distributionType"))


class Shopper(Envelope):
    """Whose admission it is about, as well as the event says."""

    consumer_id: Name = Field(validation_alias=in_data("consumerId", "winnerId"))
    admission_id: IdOrNone = Field(None, validation_alias=in_data("admissionId"))
    token_digest: Token = Field(None, validation_alias=in_data(*TOKENS))
