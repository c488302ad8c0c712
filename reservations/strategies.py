"""The three strategies: what each movement of a unit does to the counters, as one table."""

from typing import Final, Literal, NamedTuple

from reservations.book import Book
from schemas.reservation import Reservation
from schemas.stock import Pool, StockLine
from schemas.vocabulary import Reason, Strategy

Movement = Literal["hold", "convert", "give_back", "take_back", "oversell"]


class Effect(NamedTuple):
    """What moving one unit adds to each counter."""

    on_hand: int = 0
    reserved: int = 0
    allocated: int = 0
    sold: int = 0
    short: int = 0
    pool_available: int = 0
    pool_allocated: int = 0
    pool_filled: int = 0


# Source: Cart Reservation Guide, "Reservation Strategies" 1 to 3.
EFFECTS: Final[dict[tuple[Strategy, Movement], Effect]] = {
    ("soft", "hold"): Effect(reserved=+1),
    ("soft", "convert"): Effect(reserved=-1, on_hand=-1, sold=+1),
    ("soft", "give_back"): Effect(reserved=-1),
    ("soft", "take_back"): Effect(sold=-1, on_hand=+1),
    ("soft", "oversell"): Effect(sold=+1, short=+1),
    ("hard", "hold"): Effect(on_hand=-1, allocated=+1),
    ("hard", "convert"): Effect(allocated=-1, sold=+1),
    ("hard", "give_back"): Effect(allocated=-1, on_hand=+1),
    ("hard", "take_back"): Effect(sold=-1, on_hand=+1),
    ("hard", "oversell"): Effect(sold=+1, short=+1),
    ("pool", "hold"): Effect(pool_available=-1, pool_allocated=+1),
    ("pool", "convert"): Effect(pool_allocated=-1, sold=+1),
    ("pool", "give_back"): Effect(pool_allocated=-1, pool_available=+1),
    ("pool", "take_back"): Effect(sold=-1, pool_available=+1),
    ("pool", "oversell"): Effect(sold=+1, short=+1, pool_filled=+1),
}

# Movements that bring units back, of which a shortage takes its part first.
_COMING_BACK: Final = ("give_back", "take_back")


def refusal(book: Book, reservation: Reservation, quantity: int) -> Reason | None:
    """Say why `quantity` units cannot be held, or None when they can."""
    line = book.stock.get(reservation.stock_key)
    if line is None:
        return "unknown_stock_line"
    if not line.tracked:
        return None
    if reservation.strategy != "pool":
        return None if book.asked.has_available(line, quantity) else "insufficient_stock"
    pool = book.pools.get(reservation.pool_key)
    if pool is None:
        return "unknown_pool"
    return None if pool.available >= quantity else "pool_exhausted"


def can_oversell(book: Book, reservation: Reservation, quantity: int, budget: int) -> bool:
    """Tell whether the policy's budget bears selling units that are not there."""
    line = book.stock.get(reservation.stock_key)
    if line is None or not line.tracked or book.asked.short(line) + quantity > budget:
        return False
    return reservation.strategy != "pool" or reservation.pool_key in book.pools


def move(book: Book, reservation: Reservation, movement: Movement, quantity: int) -> None:
    """Move units of a reservation. The caller has asked `refusal` before a hold.

    A negative quantity undoes the movement.
    """
    effect = EFFECTS[reservation.strategy, movement]
    line = book.stock[reservation.stock_key]
    if line.tracked:
        line.on_hand += effect.on_hand * quantity
        line.short += effect.short * quantity
    line.reserved += effect.reserved * quantity
    line.allocated += effect.allocated * quantity
    line.sold += effect.sold * quantity
    book.changes.stock[line.key] = line
    pool = book.pools[reservation.pool_key] if reservation.strategy == "pool" else None
    if pool is not None:
        pool.available += effect.pool_available * quantity
        pool.allocated += effect.pool_allocated * quantity
        pool.filled += effect.pool_filled * quantity
        book.changes.pools[pool.key] = pool
    if line.short and movement in _COMING_BACK:
        _make_good(line, pool, min(quantity, line.short))


def _make_good(line: StockLine, pool: Pool | None, quantity: int) -> None:
    """Let units that came back make the shortage smaller: nobody else may have them."""
    line.short -= quantity
    if pool is None:
        line.on_hand -= quantity
    else:
        pool.available -= quantity
        pool.filled -= quantity
