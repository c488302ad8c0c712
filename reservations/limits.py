"""What one consumer may have of an experience. Decided in the transaction that holds the units."""

from collections.abc import Mapping
from typing import NamedTuple

from reservations.book import Book
from reservations.cart_in_force import Sku
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


class Allowance:
    """What a consumer has of an experience and may still have, counted once and kept.

    With a `cart`, what it gives back of this admission is not counted: "one for each, change the
    size" is no second.
    """

    def __init__(
        self,
        book: Book,
        admission: Admission,
        cart: Mapping[Sku, int] | None = None,
        *,
        owner: str | None = None,  # the admission's, unless told
    ) -> None:
        self.policy = admission.policy
        self.of_line: dict[StockKey, int] = {}
        self.units = self.open = 0
        if self.policy.has_limits:
            for one in _counted(_has(book, admission, owner), admission, cart):
                self._add(one.stock_key, one.units, is_open=one.is_open)

    def refuses(self, reservation: Reservation, quantity: int) -> Reason | None:
        """Say which limit forbids to hold `quantity` more units, if any does."""
        policy = self.policy
        if not policy.has_limits:
            return None
        of_line = self.of_line.get(reservation.stock_key, 0)
        if _exceeds(of_line + quantity, policy.units_per_sku_max):
            return "limit_per_sku"
        if _exceeds(self.units + quantity, policy.units_per_experience_max):
            return "limit_per_experience"
        opens = quantity > 0 and reservation.status != "active"
        return "limit_open_holds" if _exceeds(self.open + opens, policy.open_holds_max) else None

    def use(self, reservation: Reservation, quantity: int, *, opens: bool) -> None:
        """Count units that are held now."""
        if self.policy.has_limits:
            self._add(reservation.stock_key, quantity, is_open=opens)

    def _add(self, stock_key: StockKey, units: int, *, is_open: bool) -> None:
        self.of_line[stock_key] = self.of_line.get(stock_key, 0) + units
        self.units += units
        self.open += is_open


def limit_of_transfer(book: Book, admission: Admission, owner: str) -> Reason | None:
    """Say which limit forbids another consumer to take over what an admission has."""
    theirs = Allowance(book, admission, owner=owner)
    taken = [one for one in book.reservations[admission.key] if one.status in COUNTED]
    for one in taken:
        theirs.use(one, one.quantity, opens=one.status == "active")
    reasons = (theirs.refuses(one, 0) for one in taken)
    return next((reason for reason in reasons if reason is not None), None)


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


def _exceeds(units: int, most: int | None) -> bool:
    return most is not None and units > most
