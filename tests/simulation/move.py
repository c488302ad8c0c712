"""What an admission has moves to another policy: of which experience it is was told late."""

from tests.simulation.row import SOLD, Row
from tests.simulation.turn import Turn


def can_move(turn: Turn) -> bool:
    """Tell whether all that was paid for is there where it would be taken anew."""
    return all(_is_there(turn, row) for row in turn.rows.values() if row.status in SOLD)


def let_go(turn: Turn) -> None:
    """Let nothing be held any more. What was sold is held again by now, or is not."""
    for row in turn.rows.values():
        if row.held:
            turn.ledger.give_back(row, row.held)
            row.becomes("expired", "hold_elapsed")
        turn.row(row.sku)


def _is_there(turn: Turn, row: Row) -> bool:
    anew = Row(row.sku, turn.visit.front.experience_id, turn.strategy(row.sku))
    is_whole = row.status != "unfulfilled" and not (row.missing or row.restocked)
    is_same = anew.pool == row.pool and not turn.ledger.short.get(row.sku)
    is_free = turn.ledger.refusal(anew, row.quantity + row.missing) is None
    return row.status == "unfulfilled" or (is_whole and is_same) or is_free
