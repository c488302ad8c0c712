"""Every reason, as one would tell it to somebody who does not know the word."""

from collections.abc import Mapping
from typing import Final

from schemas.vocabulary import Reason

REASONS: Final[Mapping[Reason, str]] = {
    # rejected
    "insufficient_stock": "fewer units were available than wanted",
    "unknown_stock_line": "no stock was imported for this product and variant",
    "unknown_pool": "no pool was filled with it for this experience",
    "pool_exhausted": "fewer units were left in the pool than wanted",
    "cart_incomplete": "the cart is held whole or not at all, and another line was refused",
    "window_over": "the hold would have ended before it began",
    "not_in_cart": "it was paid for, and was in no cart",
    "limit_per_sku": "the shopper would have more units of it than the policy allows",
    "limit_per_experience": "the shopper would have more units here than the policy allows",
    "limit_open_holds": "the shopper would have more open holds here than the policy allows",
    # released, expired
    "admission_expired": "Fanfare said that the admission had expired",
    "consumer_left": "the shopper left",
    "consumer_denied": "the shopper was denied",
    "hold_elapsed": "the hold's time was over",
    "not_purchased": "it was not in the order",
    "cart_changed": "the cart did not want it any more",
    "released_on_request": "somebody asked for it",
    # unfulfilled, at_risk
    "grace_over": "it was paid too long after the hold's end",
    "already_paid": "the admission was paid by another order",
    "nothing_in_cart": "the order names no items, and the cart was empty",
    "stock_withdrawn": "an operator took units away that were held",
    # returned
    "order_cancelled": "the units are in stock again",
    "order_cancelled_not_restocked": "the policy keeps the units out of stock",
    # refused
    "extension_not_allowed": "the policy has no extensions",
    "extension_limit": "as many extensions as the policy allows were made",
    "extension_too_long": "the hold was as long as the policy allows",
    "release_not_allowed": "the policy has no releases on request",
    "transfer_not_allowed": "the policy has no transfers",
    "already_transferred": "it was transferred to somebody else before",
    "hold_over": "it came from after the hold's end",
    "too_many_facts": "more events of its kind came than one admission can have",
    # ambiguous, orphaned
    "several_admissions": "it fits several admissions of the shopper",
    "admission_unknown": "no admission came for it in time",
    "too_old": "it is from before what is kept: it may have been applied, and pruned since",
}


def reason_in_words(reason: str) -> str:
    """Give the word of the closed list, and what it means."""
    words = REASONS.get(reason)  # type: ignore[call-overload]
    return f"{reason}: {words}" if words else reason
