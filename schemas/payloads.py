"""Fanfare's payloads, and the events that they are: `schemas.wire` says which type has which.

Each class lists the fields that an event is made of, under the event's own names. `told` is what
the record's type has said already, such as the distribution type: it stands above the payload.
"""

from abc import abstractmethod
from typing import Annotated, Any, Final

from pydantic import AfterValidator, AliasChoices, AliasPath, BaseModel, BeforeValidator, Field

from schemas.events import AdmissionEnded, Admitted, AnyEvent, CheckoutCompleted, ExpiryTick, Item
from schemas.fields import (
    DISTRIBUTIONS,
    TOKENS,
    WINDOW_ENDS,
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
from schemas.vocabulary import AdmissionEnd

LINES_MAX: Final = 1_000
_ENVELOPE_TIMES: Final = ("timestamp", "created")


class Line(BaseModel):
    """An entry of `items`, as Fanfare's order.created has them."""

    product_id: Name = Field(validation_alias=named("productId"))
    variant_id: Id | None = Field(None, validation_alias=named("variantId"))
    quantity: Quantity


def _as_items(lines: tuple[Line, ...]) -> tuple[Item, ...]:
    return tuple([Item(line.product_id, line.variant_id or "", line.quantity) for line in lines])


Items = Annotated[tuple[Line, ...], Field(max_length=LINES_MAX), AfterValidator(_as_items)]


class Payload(BaseModel):
    """What a record holds."""

    @abstractmethod
    def events(self, told: dict[str, Any]) -> list[AnyEvent]:
        """Give the events that this is, with what its type has `told` of them."""


class Tick(Payload):
    """Up to which instant holds shall expire. Our own, so it has no envelope."""

    at: Instant

    def events(self, told: dict[str, Any]) -> list[AnyEvent]:
        return [ExpiryTick.model_validate({**vars(self), **told})]


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


class Admission(Shopper):
    """One shopper is admitted."""

    distribution_type: Mechanism = Field("other", validation_alias=in_data("distributionType"))
    admitted_at: Instant = Field(
        validation_alias=in_data("admittedAt", "wonAt", else_envelope=_ENVELOPE_TIMES)
    )
    window_ends_at: Instant | None = Field(None, validation_alias=in_data(*WINDOW_ENDS))
    items: Items = Field((), validation_alias=in_data("items"))
    product_id: IdOrNone = Field(None, validation_alias=in_data("productId"))

    def events(self, told: dict[str, Any]) -> list[AnyEvent]:
        """Give one event. A product beside the items counts where there are none: one unit."""
        fields = {**vars(self), **told}
        if self.product_id and not self.items:
            fields["items"] = (Item(self.product_id, "", 1),)
        return [Admitted.model_validate(fields)]


class Winner(BaseModel):
    """One of the winners of a draw."""

    consumer_id: Name = Field(validation_alias=named("consumerId"))
    token_digest: Token = Field(None, validation_alias=named(*TOKENS))
    window_ends_at: Instant | None = Field(None, validation_alias=named(*WINDOW_ENDS))


class Winners(Envelope):
    """Many shoppers are admitted at once."""

    admitted_at: Instant = Field(validation_alias=in_data("wonAt", else_envelope=_ENVELOPE_TIMES))
    winners: list[Winner] = Field(validation_alias=in_data("winners"))

    def events(self, told: dict[str, Any]) -> list[AnyEvent]:
        """Give one event per winner, in the order of the payload."""
        shared = {**vars(self), **told}
        return [Admitted.model_validate({**shared, **vars(winner)}) for winner in self.winners]


class Completion(Shopper):
    """A shopper has paid. A product beside the items is not read: it has no quantity."""

    completed_at: Instant = Field(
        validation_alias=in_data("completedAt", "settledAt", else_envelope=_ENVELOPE_TIMES)
    )
    order_id: IdOrNone = Field(None, validation_alias=in_data("orderId"))
    items: Items = Field((), validation_alias=in_data("items"))

    def events(self, told: dict[str, Any]) -> list[AnyEvent]:
        return [CheckoutCompleted.model_validate({**vars(self), **told})]


class End(Shopper):
    """An admission ended without a checkout; how, its type says."""

    ended_at: Instant = Field(
        validation_alias=in_data("expiredAt", "leftAt", "deniedAt", else_envelope=_ENVELOPE_TIMES)
    )

    def events(self, told: dict[str, Any]) -> list[AnyEvent]:
        return [AdmissionEnded.model_validate({**vars(self), **told})]


def _end_of_denial(reason: object) -> AdmissionEnd:
    return "expired" if reason == "ADMISSION_EXPIRED" else "denied"


class Denial(End):
    """An admission ended, and the reason says how. Reasons are an open list.

    Source: Fanfare's reference has no event for an expired admission; it has a reason to deny.
    """

    end: Annotated[AdmissionEnd, BeforeValidator(_end_of_denial)] = Field(
        "denied", validation_alias=in_data("reason")
    )
