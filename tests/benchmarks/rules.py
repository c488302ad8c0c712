"""How long the rules take for an event: processor time, of one kind of event after another.

    python -m tests.benchmarks.rules

No server and no database: batches of events are decided in a book that has their shoppers loaded.
"""

import gc
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Final

from reservations.book import Book, Changes
from reservations.decide import decide
from schemas.decode import PassedOver, decode
from schemas.events import Arrival, Cause
from schemas.stock import StockKey, StockLine
from tests.benchmarks.traffic import records
from tests.e2e.events import Sent, admitted, cart, completed, left

EVENTS: Final = 2000
RUNS: Final = 9  # of which the least counts: what else the machine does only adds
LINES: Final = ({"productId": "lamp-0", "quantity": 1}, {"productId": "lamp-1", "quantity": 2})

Batch = Sequence[Arrival]


def main() -> None:
    """Print microseconds an event: admitted, admitted again, paid, and so on."""
    admissions = _of_each(lambda shopper: admitted(shopper, "lamp-0"))
    carts = _of_each(lambda shopper: cart(shopper, {"lamp-0": 2}))
    payments, ends = _of_each(completed), _of_each(left)
    _print("admitted", admissions)
    _print("admitted with two lines", _of_each(lambda one: admitted(one, None, items=LINES)))
    _print("admitted again", admissions, after=[admissions])
    _print("cart changed", carts, after=[admissions])
    _print("paid", payments, after=[admissions])
    _print("paid again", payments, after=[admissions, payments])
    _print("left", ends, after=[admissions])
    _print("left after paying", ends, after=[admissions, payments])
    _print("paid before admitted", payments)
    _print("what a sale sends", _arrivals(records("mixed", 3 * EVENTS, 2)))


def _print(kind: str, batch: Batch, after: Sequence[Batch] = ()) -> None:
    seconds = min(_seconds(batch, after) for _ in range(RUNS))
    print(f"{kind:24}{seconds / len(batch) * 1e6:6.1f} us", flush=True)


def _seconds(batch: Batch, after: Sequence[Batch]) -> float:
    book = _book()
    for earlier in after:
        decide(book, earlier)
        book.changes = Changes()
    gc.collect()
    gc.disable()
    began = time.process_time()
    decide(book, batch)
    took = time.process_time() - began
    gc.enable()
    return took


def _book() -> Book:
    book = Book()
    for product_id in ("lamp-0", "lamp-1"):
        key = StockKey("acme", product_id, "")
        book.stock[key] = StockLine(key, True, 10**6, 0, 0, 0)
    return book


def _of_each(sent: Callable[[str], Sent]) -> Batch:
    return _arrivals(sent(f"shopper-{number}") for number in range(EVENTS))


def _arrivals(sent: Iterable[Sent]) -> Batch:
    arrivals: list[Arrival] = []
    for offset, (topic, _, value) in enumerate(sent):
        events = decode(value)
        assert not isinstance(events, PassedOver)
        for line, event in enumerate(events):
            arrivals.append(Arrival(event, 0, Cause(topic, 0, offset, line)))
    return arrivals


if __name__ == "__main__":
    main()
