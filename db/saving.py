"""Changes into rows: new rows by COPY, changed rows by one UPDATE a table."""

from db.adjustments import end_adjustments
from db.saving_admissions import add_admissions, update_admissions
from db.saving_counters import move_stock, update_pools
from db.saving_facts import add_facts, end_facts, update_facts
from db.saving_reservations import add_reservations, update_reservations

__all__ = [
    "add_admissions",
    "add_facts",
    "add_reservations",
    "end_adjustments",
    "end_facts",
    "move_stock",
    "update_admissions",
    "update_facts",
    "update_pools",
    "update_reservations",
]
