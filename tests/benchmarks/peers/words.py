"""What a peer reads and says: an admission and its outcomes, as pydantic models and JSON."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from uuid import UUID, uuid4

from pydantic import BaseModel, Field

HOLD = timedelta(seconds=660)  # the window of a queue, and the buffer, as by the default policy


class Line(BaseModel):
    """A line of a cart."""

    product_id: str = Field(alias="productId")
    quantity: int = Field(ge=1)


class Data(BaseModel):
    """Who is admitted, and with which cart."""

    consumer_id: str = Field(alias="consumerId")
    experience_id: str = Field(alias="experienceId")
    queue_id: str = Field(alias="queueId")
    token: str = Field(alias="admissionToken")
    admitted_at: datetime = Field(alias="admittedAt")
    items: list[Line]


class Admitted(BaseModel):
    """The event, as far as a peer reads it."""

    id: str
    organization_id: str = Field(alias="organizationId")
    data: Data

    @property
    def admission_id(self) -> str:
        """Give the digest of the token, as the worker does."""
        return sha256(self.data.token.encode()).hexdigest()


@dataclass(frozen=True)
class Said:
    """An outcome to publish."""

    id: UUID
    type: str
    body: bytes

    @property
    def headers(self) -> list[tuple[str, bytes]]:
        """Give the headers of CloudEvents' binary mode."""
        return [
            ("ce_specversion", b"1.0"),
            ("ce_id", str(self.id).encode()),
            ("ce_type", self.type.encode()),
            ("content-type", b"application/json"),
        ]


_HELD, _REFUSED = "fanfare.reservation.reserved", "fanfare.reservation.rejected"


def outcome_of(
    event: Admitted, admission_id: str, reservation_id: UUID, line: Line, *, is_held: bool
) -> Said:
    """Say what became of a line."""
    data = event.data
    more = {"expiresAt": _iso(data.admitted_at + HOLD)} if is_held else {}
    body = {
        "type": "reserved" if is_held else "rejected",
        "organizationId": event.organization_id,
        "experienceId": data.experience_id,
        "distributionId": data.queue_id,
        "distributionType": "queue",
        "consumerId": data.consumer_id,
        "admissionId": admission_id,
        "reservationId": str(reservation_id),
        "productId": line.product_id,
        "quantity": line.quantity,
        "strategy": "soft",
        "occurredAt": _iso(data.admitted_at),
        "cause": {"eventId": event.id},
        **(more or {"reason": "insufficient_stock"}),
    }
    return Said(uuid4(), _HELD if is_held else _REFUSED, json.dumps(body).encode())


def _iso(at: datetime) -> str:
    return at.astimezone(UTC).isoformat()
