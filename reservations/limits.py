"""What one consumer may have of an experience. Decided in the transaction that holds the units."""

from collections.abc import Mapping
from typing import NamedTuple

from reservations.book import Book
from reservations.cart_in_force import Sku
from schemas.policy import Policy
from schemas.reservation import Admission, Reservation
from schemas.stock import StockKey
from schemas.vocabulary import Reason, Status

# What counts against a limit: what a consumer has bought is not free to hold again.
COUNTED: frozenset[Status] = frozenset({"active", "converted"})


class Held(NamedTuple):
    """Units of a stock line that a consumer has, and whether they are an open hold."""

    stock_key: StockKey
    units: int
    is_open: bool


def limit_reached(
    book: Book,
    admission: Admission,
    reservation: Reservation,
    quantity: int,
    policy: Policy,
    cart: Mapping[Sku, int] | None = None,
) -> Reason | None:
    """Say which limit forbids the admission's owner to hold `quantity` more units, if any does.

    With a `cart`, what it gives back is not counted: "one for each, change the size" is no second.
    """
    if not policy.has_limits:
        return None
    has = _counted(_has(book, admission), admission, cart)
    if _exceeds(_units(has, of=reservation) + quantity, policy.units_per_sku_max):
        return "limit_per_sku"
    if _exceeds(_units(has) + quantity, policy.units_per_experience_max):
        return "limit_per_experience"
    opens = quantity > 0 and reservation.status != "active"
    return "limit_open_holds" if _exceeds(_open(has) + opens, policy.open_holds_max) else None


def limit_of_transfer(
    book: Book, admission: Admission, owner: str, policy: Policy
) -> Reason | None:
    """Say which limit forbids another consumer to take over what an admission has."""
    if not policy.has_limits:
        return None
    rows = [one for one in book.reservations[admission.key] if one.status in COUNTED]
    taken = _counted(rows, admission, None)
    has = _counted(_has(book, admission, owner), admission, None) + taken
    for one in rows:
        if _exceeds(_units(has, of=one), policy.units_per_sku_max):
            return "limit_per_sku"
    if taken and _exceeds(_units(has), policy.units_per_experience_max):
        return "limit_per_experience"
    return (
        "limit_open_holds" if _open(taken) and _exceeds(_open(has), policy.open_holds_max) else None
    )


def _has(book: Book, admission: Admission, owner: str | None = None) -> list[Reservation]:
    """Give what a consumer, the admission's owner unless told, has of its experience."""
    organization_id = admission.key.organization_id
    owner = admission.consumer_id if owner is None else owner
    return [
        reservation
        for each in book.admissions_by_consumer.get((organization_id, owner), ())
        if each.consumer_id == owner and each.experience_id == admission.experience_id
        for reservation in book.reservations.get(each.key, ())
        if reservation.status in COUNTED
    ]


def _counted(
    has: list[Reservation], admission: Admission, cart: Mapping[Sku, int] | None
) -> list[Held]:
    counted = []
    for one in has:
        units = one.quantity
        if cart is not None and one.status == "active" and one.admission_key == admission.key:
            units = min(units, cart.get((one.product_id, one.variant_id), 0))
        counted.append(Held(one.stock_key, units, bool(units) and one.status == "active"))
    return counted


def _units(has: list[Held], of: Reservation | None = None) -> int:
    return sum(one.units for one in has if of is None or one.stock_key == of.stock_key)


def _open(has: list[Held]) -> int:
    return sum(one.is_open for one in has)


def _exceeds(units: int, most: int | None) -> bool:
    return most is not None and units > most
