"""How much one consumer may have of an experience."""

from collections.abc import Iterator
from typing import NamedTuple

from schemas.policy import Policy
from schemas.vocabulary import Reason
from tests.simulation.facts import Lines, Sku
from tests.simulation.ledger import Ledger
from tests.simulation.row import Row
from tests.simulation.visit import Visit


class Has(NamedTuple):
    """Units that a consumer has of a SKU, and whether they are held."""

    sku: Sku
    units: int
    is_open: bool


def limit(
    ledger: Ledger, visit: Visit, row: Row, more: int, cart: Lines | None = None
) -> Reason | None:
    """Say which limit `more` units are beyond. What a new cart gives back does not count."""
    further = Has(row.sku, more, more > 0 and not row.held)
    return _beyond(visit.front.policy, row.sku, [*_has(ledger, visit, visit.owner, cart), further])


def refuse_transfer(ledger: Ledger, visit: Visit) -> None:
    """Ask the limits whether another may own what an admission has. They answer once, for good."""
    guest, policy, said = visit.front.consumer_id, visit.front.policy, visit.says()
    if not policy.has_limits or said.owner in (visit.owner or guest, guest):
        return
    own = [Has(row.sku, row.had, row.held > 0) for row in visit.rows.values() if row.had]
    all_ = [*_has(ledger, visit, said.owner), *own]
    why = next((why for one in own if (why := _beyond(policy, one.sku, all_))), None)
    if why is not None:
        given = [place for place, answer in said.answers.items() if answer == "transferred"]
        visit.refused |= dict.fromkeys(given, why)


def _has(ledger: Ledger, visit: Visit, owner: str, cart: Lines | None = None) -> Iterator[Has]:
    for row in ledger.of(owner, visit.front.experience_id):
        units = row.had
        if cart is not None and row.held and visit.rows.get(row.sku) is row:
            units = min(units, cart.get(row.sku, 0))
        yield Has(row.sku, units, row.held > 0 and units > 0)


def _beyond(policy: Policy, sku: Sku, has: list[Has]) -> Reason | None:
    if _exceeds(sum(one.units for one in has if one.sku == sku), policy.units_per_sku_max):
        return "limit_per_sku"
    if _exceeds(sum(one.units for one in has), policy.units_per_experience_max):
        return "limit_per_experience"
    holds = sum(one.is_open for one in has)
    return "limit_open_holds" if _exceeds(holds, policy.open_holds_max) else None


def _exceeds(units: int, most: int | None) -> bool:
    return most is not None and units > most
