"""What `reservations up` sells where nothing was imported, and an admission that wants it."""

from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import uuid4

from db.connect import Connection
from db.policies import PolicyRow, import_policies
from db.stock import show_stock
from db.stock_import import StockRow, import_stock
from schemas.policy import Offer, Policy

ORGANIZATION: Final = "org_example"
EXPERIENCE: Final = "exp_example"
_STOCK: Final = (
    StockRow(2, ORGANIZATION, "moon-lamp", "", 100),
    StockRow(3, ORGANIZATION, "sun-lamp", "", 10),
)
_WINDOW: Final = timedelta(minutes=10)


async def bring_in_example(connection: Connection) -> None:
    """Import a little stock and one policy, unless there is stock already."""
    if await show_stock(connection, limit=1):
        return
    policy = Policy(items=(Offer(product_id="moon-lamp"),))
    await import_policies(connection, [PolicyRow(ORGANIZATION, EXPERIENCE, policy)])
    await import_stock(connection, _STOCK)


def example_admission() -> dict[str, Any]:
    """Write an admission of somebody new, as Fanfare does; the policy says what is held."""
    now, number = datetime.now(UTC), uuid4().hex[:8]
    return {
        "id": f"evt_{number}",
        "type": "admission.created",
        "timestamp": _iso(now),
        "organizationId": ORGANIZATION,
        "data": {
            "admissionId": f"adm_{number}",
            "consumerId": f"cons_{number}",
            "experienceId": EXPERIENCE,
            "distributionId": "queue_example",
            "distributionType": "queue",
            "expiresAt": _iso(now + _WINDOW),
        },
    }


def _iso(at: datetime) -> str:
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
