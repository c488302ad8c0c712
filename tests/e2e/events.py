"""Fanfare's envelopes, for many shoppers at once: builders that name only what matters."""

import json
import random
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

Sent = tuple[str, str | None, bytes | None]  # topic, key, value

ADMITTED, CARTS, COMPLETED = "admitted", "cart-updated", "checkout-completed"
COMMANDS, EXPIRED = "hold-commands", "admission-expired"

Lines = Mapping[str, int]  # units by product


def envelope(event_id: str, event_type: str, **data: Any) -> bytes:
    return json.dumps(
        {
            "id": event_id,
            "type": event_type,
            "timestamp": _iso(datetime.now(UTC)),
            "organizationId": "acme",
            "data": data,
        }
    ).encode()


def admitted(shopper: str, product: str | None = "lamp", quantity: int = 1, **data: Any) -> Sent:
    """A queue admits a shopper, with a cart of one line, or with none."""
    items = [{"productId": product, "quantity": quantity}] if product else []
    fields = {
        "experienceId": "drop",
        "queueId": "queue",
        "consumerId": shopper,
        "admittedAt": _iso(datetime.now(UTC)),
        "admissionToken": f"secret-token-of-{shopper}",
        "items": items,
    }
    return ADMITTED, shopper, envelope(f"a-{shopper}", "queue.consumer.admitted", **fields | data)


def completed(shopper: str, **data: Any) -> Sent:
    fields = {
        "queueId": "queue",
        "experienceId": "drop",
        "consumerId": shopper,
        "completedAt": _iso(datetime.now(UTC) + timedelta(seconds=1)),
        "orderId": f"order-{shopper}",
    }
    value = envelope(f"c-{shopper}", "queue.consumer.completed", **fields | data)
    return COMPLETED, shopper, value


def left(shopper: str, **data: Any) -> Sent:
    fields = {
        "queueId": "queue",
        "experienceId": "drop",
        "consumerId": shopper,
        "leftAt": _iso(datetime.now(UTC) + timedelta(seconds=1)),
    }
    return EXPIRED, shopper, envelope(f"l-{shopper}", "queue.consumer.left", **fields | data)


def cart(shopper: str, lines: Lines, **data: Any) -> Sent:
    """A shopper's cart is now this, whole."""
    items = [{"productId": product, "quantity": units} for product, units in lines.items()]
    return CARTS, shopper, _ours("cart.updated", shopper, "updatedAt", {"items": items} | data)


def extend(shopper: str, seconds: int, **data: Any) -> Sent:
    """Somebody asks for the end of a hold to be moved."""
    fields = {"seconds": seconds} | data
    return COMMANDS, shopper, _ours("hold.extend", shopper, "requestedAt", fields)


def release(shopper: str, **data: Any) -> Sent:
    """A shopper gives back all that is held."""
    return COMMANDS, shopper, _ours("hold.release", shopper, "requestedAt", data)


def transfer(guest: str, to: str, **data: Any) -> Sent:
    """A guest is linked to an account."""
    fields = {"toConsumerId": to} | data
    return COMMANDS, guest, _ours("hold.transfer", guest, "requestedAt", fields)


def cancelled(shopper: str, **data: Any) -> Sent:
    """The order that `completed` tells of was cancelled after it was paid."""
    fields = {
        "consumerId": shopper,
        "cancelledAt": _iso(datetime.now(UTC) + timedelta(seconds=2)),
        "orderId": f"order-{shopper}",
        "reason": "customer_requested",
    }
    return COMPLETED, shopper, envelope(f"x-{shopper}", "order.cancelled", **fields | data)


def _ours(event_type: str, shopper: str, time: str, data: dict[str, Any]) -> bytes:
    """Make an event of one of our own types, which happens now."""
    fields = {
        "experienceId": "drop",
        "distributionId": "queue",
        "consumerId": shopper,
        time: _iso(datetime.now(UTC)),
    } | data
    return envelope(f"{event_type}-{uuid4().hex[:8]}", event_type, **fields)


@dataclass
class Crowd:
    """Shoppers who pay, leave, or never come back; some of what they do arrives twice."""

    shoppers: int
    seed: int
    sent: Counter[str] = field(default_factory=Counter)

    def records(self) -> Iterator[Sent]:
        """Give about twice as many records as shoppers, shuffled within a window."""
        dice = random.Random(self.seed)
        waiting: list[tuple[float, int, Sent]] = []
        for number in range(self.shoppers):
            for place, record in self._doings(f"shopper-{self.seed}-{number}", dice):
                waiting.append((number + place, len(waiting), record))
        for _, _, record in sorted(waiting):
            self.sent[record[0]] += 1
            yield record

    def _doings(self, shopper: str, dice: random.Random) -> Iterator[tuple[float, Sent]]:
        admission = admitted(shopper, f"lamp-{dice.randrange(5)}", dice.randint(1, 2))
        yield 0, admission
        if dice.random() < 0.2:
            yield dice.uniform(0, 500), admission
        fate = dice.random()
        if fate < 0.5:
            paid = completed(shopper)
            yield dice.uniform(-50, 500), paid  # now and then before the admission
            if dice.random() < 0.3:
                yield dice.uniform(0, 500), paid
        elif fate < 0.8:
            yield dice.uniform(0, 500), left(shopper)
        if dice.random() < 0.01:
            yield 0, (ADMITTED, shopper, b'{"type": "queue.consumer.admitted", "data"')


def _iso(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")
