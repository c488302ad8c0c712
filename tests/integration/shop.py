"""A small shop whose operator takes stock away: holds by the worker's own transactions."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, NamedTuple

import msgspec
from asyncpg import Pool

from db.connect import Connection
from db.importing import Imported, Refusal, Shortage
from db.policies import PolicyRow, import_policies
from db.pool_fill import PoolRow, fill_pools
from db.pools import show_pools
from db.stock import show_stock
from db.stock_import import StockRow, import_stock
from db.taking_lanes import take_lanes
from db.verify import verify_database
from schemas.events import AdmissionEnded, AnyEvent, ExpiryTick, event_of
from schemas.policy import Policy
from tests.integration.sale import BEGAN, LANES, Sale, admitted, paid

LAMP = "moon-lamp"


class Line(NamedTuple):
    """The counters of a stock line; `pooled` is what its pools have."""

    received: int
    on_hand: int
    reserved: int = 0
    allocated: int = 0
    pooled: int = 0
    sold: int = 0
    short: int = 0


@dataclass
class Shop:
    db: Connection
    sale: Sale

    async def hold(self, shopper: str, quantity: int, *, minute: int = 0, to: str = "soft") -> None:
        """Admit a shopper to an experience; the names of experiences are those of strategies."""
        event = admitted(shopper, (LAMP, quantity), to=to, minutes=30)
        at = BEGAN + timedelta(minutes=minute)
        await self.apply([msgspec.structs.replace(event, admitted_at=at)])

    async def pay(self, shopper: str, *, minute: int = 5) -> None:
        await self.apply([paid(shopper, minute=minute)])

    async def leave(self, shopper: str, *, minute: int = 5) -> None:
        await self.apply([left(shopper, minute=minute)])

    async def apply(self, events: Iterable[AnyEvent]) -> None:
        await self.sale.apply([(0, event) for event in events])

    async def receive(self, units: int | None, **options: Any) -> Imported | list[Refusal]:
        """Import how many lamps were brought in altogether."""
        return await import_stock(self.db, [StockRow(2, "acme", LAMP, "", units)], **options)

    async def take_away(self, units: int) -> Shortage:
        """Import a number that makes the shop short."""
        imported = await self.receive(units, allow_shortage=True)
        assert isinstance(imported, Imported)
        assert imported.shortage is not None
        return imported.shortage

    async def tick(self, minute: float) -> None:
        await self.apply([ExpiryTick(at=BEGAN + timedelta(minutes=minute))])

    async def line(self) -> Line:
        (shown,) = await show_stock(self.db, product_id=LAMP)
        return Line(*(getattr(shown, name) for name in Line._fields))

    async def pools(self) -> dict[str, tuple[int, int, int, int]]:
        """Give filled, available, allocated, sold of each pool, by experience."""
        return {pool.experience_id: pool[4:8] for pool in await show_pools(self.db)}

    async def at_risk(self) -> dict[str, int]:
        """Give the units at risk of each shopper who has any."""
        rows = await self.db.fetch(
            "SELECT admission_id, at_risk FROM reservations WHERE at_risk > 0 ORDER BY 1"
        )
        return dict(map(tuple, rows))

    def said(self, shopper: str) -> list[tuple[str, int | None, str | None]]:
        """Give type, quantity and reason of all that was said of a shopper's hold."""
        return [
            (type_, body.get("quantity"), body.get("reason"))
            for type_, body in bodies_of(self.sale)
            if body["consumerId"] == shopper
        ]

    async def verify(self) -> None:
        """Assert what `reservations verify` does."""
        await add_up(self.db)


def left(shopper: str, *, minute: int = 5) -> AdmissionEnded:
    """Give the end of an admission that the shopper left."""
    at = BEGAN + timedelta(minutes=minute)
    names = {"organization_id": "acme", "consumer_id": shopper, "admission_id": shopper}
    return event_of(
        AdmissionEnded, {"event_id": f"left-{shopper}", "ended_at": at, "end": "left", **names}
    )


def bodies_of(sale: Sale) -> list[tuple[str, dict[str, Any]]]:
    """Give type and body of all that was said in a sale."""
    said = sale.entries
    return [(one.type.rpartition(".")[2], json.loads(one.value or b"")) for one in said]


async def add_up(db: Connection) -> None:
    """Assert what `reservations verify` does."""
    checks = (await verify_database(db)).checks
    assert [check for check in checks if check.differences] == []


async def open_shop(pool: Pool, db: Connection, units: int, **pools: int) -> Shop:
    """Receive lamps and set some aside, for experiences of this name."""
    policies = [PolicyRow("acme", name, Policy(strategy="pool")) for name in pools]
    policies.append(PolicyRow("acme", "hard", Policy(strategy="hard")))
    await import_stock(db, [StockRow(2, "acme", LAMP, "", units)])
    await import_policies(db, policies)
    rows = [
        PoolRow(line, "acme", name, LAMP, "", filled)
        for line, (name, filled) in enumerate(pools.items(), start=2)
    ]
    assert isinstance(await fill_pools(db, rows), Imported)
    return Shop(db, Sale(pool, await take_lanes(db, range(LANES), ["events"], "test")))
