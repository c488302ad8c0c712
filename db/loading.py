"""Rows into the book: each function is one statement, whatever the number of keys.

What a batch may change is locked, always in key order and one table after the other: shoppers,
admissions, early facts, reservations, stock lines, pools. So two workers that meet on a row wait
for each other and do not deadlock, but where a transfer leads to a further shopper, whom a second
round loads: there a deadlock is a conflict, and the batch is decided anew.

Stock lines, on which all workers meet, are only read here, and locked when all else is saved (see
`reservations.stock_moves`), but where pools come after them. Two lanes that bring one new admission
at once, one of them with pools, may deadlock there: a conflict, too.
"""

from db.adjustments import due_adjustments
from db.loading_admissions import lock_admissions, lock_facts, lock_reservations
from db.loading_counters import lock_pools, lock_stock, read_stock
from db.loading_due import DueHold, due_facts, due_holds
from db.loading_shoppers import lock_shoppers

__all__ = [
    "DueHold",
    "due_adjustments",
    "due_facts",
    "due_holds",
    "lock_admissions",
    "lock_facts",
    "lock_pools",
    "lock_reservations",
    "lock_shoppers",
    "lock_stock",
    "read_stock",
]
