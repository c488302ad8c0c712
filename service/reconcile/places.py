"""The counters of a stock line and of its pools, by where they are: locked, written, compared."""

from collections.abc import Mapping
from typing import Final, NamedTuple

from db import reconciling
from db.connect import Connection
from reservations.drift import Mended, Place
from schemas.adjusted import Counter, CounterChange
from schemas.stock import StockKey

_OF_LINE: Final[tuple[Counter, ...]] = (
    *("received", "on_hand", "reserved"),
    *("allocated", "sold", "short"),
)
_OF_POOL: Final[tuple[Counter, ...]] = ("pool_filled", "pool_available", "pool_allocated")


class Locked(NamedTuple):
    """A line that this transaction has locked, with its pools."""

    tracked: bool
    units: dict[Place, int]


async def lock(connection: Connection, key: StockKey) -> Locked | None:
    """Lock a line, then its pools; None where the line is not there."""
    line = await reconciling.lock_line(connection, key)
    if line is None:
        return None
    units: dict[Place, int] = {(name, None): line[name] for name in _OF_LINE}
    for pool in await reconciling.lock_pools_of(connection, key):
        units |= {(name, pool["experience_id"]): pool[name] for name in _OF_POOL}
    return Locked(line["tracked"], units)


async def write(
    connection: Connection, key: StockKey, before: Mapping[Place, int], mended: Mended
) -> None:
    """Write what differs; units that are lacking as if they had been received."""
    after = dict(mended.units)
    after["received", None] += mended.lacking
    after["on_hand", None] += mended.lacking
    await reconciling.write_line(connection, key, {name: after[name, None] for name in _OF_LINE})
    experiences = {at for (name, at), units in after.items() if units != before[name, at]}
    for experience_id in sorted(at for at in experiences if at is not None):
        counters = {name: after[name, experience_id] for name in _OF_POOL}
        await reconciling.write_pool(connection, key, experience_id, counters)


def changes_of(
    before: Mapping[Place, int], after: Mapping[Place, int]
) -> tuple[CounterChange, ...]:
    """Give the counters that differ."""
    return tuple(
        CounterChange(counter=counter, before=before[counter, at], after=units, experience_id=at)
        for (counter, at), units in after.items()
        if units != before[counter, at]
    )
