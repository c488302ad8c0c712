"""Holds follow the cart: additions first, then what is not wanted any more."""

from collections.abc import Collection
from dataclasses import replace
from typing import NamedTuple

from schemas.vocabulary import Reason
from tests.simulation.facts import Sku
from tests.simulation.limits import limit
from tests.simulation.row import BY_CART, Row
from tests.simulation.turn import Turn


class Tried(NamedTuple):
    row: Row
    was: Row
    more: int


def follow(turn: Turn, only: Collection[Sku]) -> None:
    """Let these rows, and all that are new, hold what the cart wants."""
    refused: dict[Sku, Reason] = {}
    held: list[Tried] = []
    for sku, want in turn.wanted.items():
        row = turn.row(sku)
        if turn.is_over and not row.held:
            _note(row, want)
        elif want > row.held and sku in only:
            _hold(turn, row, want, held, refused)
    is_whole = turn.policy.cart == "all_or_nothing"
    for one in held:
        if refused and is_whole:
            one.row.becomes(one.was.status, one.was.reason, one.was.quantity)
            _reject(one.row, one.more, "cart_incomplete")
        else:
            one.row.says("reserved", one.more)
    for row in (turn.rows[sku] for sku in turn.rows if sku in only):
        is_kept = any(sku[0] == row.sku[0] or is_whole for sku in refused)
        if not (row.held and is_kept) or limit(turn.ledger, turn.visit, row, 0):
            _give_back(turn, row)


def _hold(turn: Turn, row: Row, want: int, held: list[Tried], refused: dict[Sku, Reason]) -> None:
    more, was = want - row.held, replace(row)
    why = limit(turn.ledger, turn.visit, row, more, turn.wanted) or turn.ledger.refusal(row, more)
    if why is None:
        row.becomes("active", None, want)
        held.append(Tried(row, was, more))
    else:
        refused[row.sku] = why
        _reject(row, more, why)


def _reject(row: Row, more: int, why: Reason) -> None:
    """What it holds, a row keeps."""
    if not row.held:
        row.becomes("rejected", why, more)
    row.says("rejected", more, why)


def _note(row: Row, want: int) -> None:
    """Note what is wanted after the window: what the cart before had not wanted is refused."""
    is_another = row.reason == "window_over" and row.quantity != want
    if row.reason in (*BY_CART, "not_in_cart") or is_another:
        row.becomes("rejected", "window_over", want)
        row.says("rejected", want, "window_over")
    elif row.has_ended:
        row.quantity = want


def _give_back(turn: Turn, row: Row) -> None:
    why: Reason = "released_on_request" if turn.says.cart.emptied else "cart_changed"
    want = turn.wanted.get(row.sku, 0)
    if want == 0 and (row.held or row.has_ended):
        turn.let_end(row, "released", why)
    elif want < row.held:
        back = row.held - want
        turn.ledger.give_back(row, back)
        row.quantity = want
        row.says("released", back, why)
