"""A payment is carried out, undone, and taken back."""

from collections.abc import Iterable

from schemas.vocabulary import Reason
from tests.simulation.facts import Lines, Sku
from tests.simulation.row import Row
from tests.simulation.turn import Turn


def sell(turn: Turn) -> None:
    """Sell what was bought, and end what was held and not bought."""
    bought = _bought(turn)
    if turn.is_late:
        turn.end({} if turn.is_too_late else bought)
    for sku in [*turn.rows, *(sku for sku in bought if sku not in turn.rows)]:
        row, many = turn.row(sku), bought.get(sku, 0)
        is_unsold = row.held or (row.has_ended and row.reason != "not_purchased")
        if many and turn.is_too_late:
            _lack(turn, row, many, "grace_over")
        elif many:
            _sell(turn, row, many)
        elif is_unsold and not turn.is_late:
            turn.let_end(row, "released", "not_purchased")


def undo(turn: Turn, skus: Iterable[Sku]) -> None:
    """Let what was sold be held again, and what was not in the cart be refused again."""
    for row in [turn.rows[sku] for sku in skus]:
        if turn.payment is not None and row.order_id == turn.payment.order_id:
            got = row.quantity if row.status != "unfulfilled" else 0
            turn.paid_before[row.sku] = got + row.missing
        real = row.sold - row.oversold
        turn.ledger.give_back(row, row.oversold)
        if row.sku not in turn.wanted:
            turn.ledger.give_back(row, real)
            row.becomes("rejected", "not_in_cart")
        elif real > 0:
            row.becomes("active", None, real)
        else:
            row.becomes("expired", "hold_elapsed")


def take_back(turn: Turn) -> None:
    """The order was cancelled: its units come back, unless the policy writes them off."""
    is_back = turn.policy.restock_cancelled
    why: Reason = "order_cancelled" if is_back else "order_cancelled_not_restocked"
    for row in turn.rows.values():
        is_otherwise = row.restocked and not is_back
        is_free = turn.ledger.refusal(row, row.quantity) is None
        if row.status == "converted" or (is_otherwise and is_free):
            turn.ledger.give_back(row, row.quantity if is_back else 0)
            row.status, row.reason, row.restocked = "returned", why, is_back
            row.oversold = 0 if is_back else row.oversold
            row.says("returned", row.quantity, why)


def _bought(turn: Turn) -> Lines:
    """Give the payment's items, else what was held, else what was wanted."""
    if turn.payment is not None and turn.payment.items:
        return turn.payment.items
    held = {
        sku: row.quantity
        for sku, row in turn.rows.items()
        if (row.held and not turn.is_late)
        or (sku in turn.wanted and (row.held or row.would_be_held))
    }
    for sku in turn.paid_before.keys() & turn.wanted.keys():
        held[sku] = max(held.get(sku, 0), min(turn.paid_before[sku], turn.wanted[sku]))
    return held or turn.wanted


def _sell(turn: Turn, row: Row, many: int) -> None:
    was_refused = row.status == "rejected" and row.reason != "window_over"
    blocked = _let_go(turn, row, many)
    held, want, ledger = row.held, turn.wanted.get(row.sku, 0), turn.ledger
    why = ledger.refusal(row, many - held) if many > held else None
    oversold = 0
    if why is not None and ledger.oversell(row, many - held, turn.policy.oversell_units):
        oversold, why = many - held, None
    if why is not None and blocked:
        why = "stock_withdrawn"
    got = many if why is None else held
    if got == 0 and why is not None:
        return _lack(turn, row, many, why)
    late = turn.is_late or got > max(held, want) or was_refused
    row.becomes("converted", None if want else "not_in_cart", got)
    row.order_id = turn.payment.order_id if turn.payment else None
    row.late, row.oversold, row.missing = late, oversold, many - got
    row.says("converted", got, None, late, oversold > 0)
    if why is not None:
        row.says("unfulfilled", many - got, why)
    return None


def _let_go(turn: Turn, row: Row, many: int) -> int:
    """Give back what was not bought, and what an operator took away: how much is that?"""
    if row.held > many:
        turn.ledger.give_back(row, row.held - many)
        row.quantity = many
    blocked = min(row.at_risk, turn.ledger.short.get(row.sku, 0))
    if blocked:
        turn.ledger.give_back(row, blocked)
        row.quantity -= blocked
    return blocked


def _lack(turn: Turn, row: Row, many: int, why: Reason) -> None:
    row.becomes("unfulfilled", why, many)
    row.order_id = turn.payment.order_id if turn.payment else None
    row.missing, row.late = many, turn.is_late
    row.says("unfulfilled", many, why)
