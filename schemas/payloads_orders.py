"""Payloads that tell of orders: paid, settled, cancelled."""

from typing import Any

from pydantic import Field

from schemas.events import AnyEvent, CheckoutCompleted, OrderCancelled
from schemas.fields import Happened, IdOrNone, Name, in_data, time_of
from schemas.payloads import Items, Shopper


class Completion(Shopper):
    """A shopper has paid. A product beside the items is not read: it has no quantity."""

    completed_at: Happened = Field(validation_alias=time_of("completedAt", "settledAt"))
    order_id: IdOrNone = Field(None, validation_alias=in_data("orderId"))
    items: Items = Field((), validation_alias=in_data("items"))

    @staticmethod
    def events(fields: dict[str, Any]) -> list[AnyEvent]:
        return [CheckoutCompleted(**fields)]


class Settlement(Completion):
    """An auction is settled: its winner has paid, where somebody has won."""

    consumer_id: Name = Field("", validation_alias=in_data("consumerId", "winnerId"))

    @staticmethod
    def events(fields: dict[str, Any]) -> list[AnyEvent]:
        """Give the completion of the winner, if there is one."""
        return Completion.events(fields) if fields["consumer_id"] else []


class Cancellation(Shopper):
    """An order was cancelled. Which items it had, it does not say."""

    cancelled_at: Happened = Field(validation_alias=time_of("cancelledAt"))
    order_id: Name = Field(validation_alias=in_data("orderId"))

    @staticmethod
    def events(fields: dict[str, Any]) -> list[AnyEvent]:
        return [OrderCancelled(**fields)]
