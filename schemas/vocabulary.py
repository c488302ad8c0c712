"""The closed lists of this project: every word here is the same word everywhere.

A reader of outcomes may switch on each of these, so adding a word is a change of contract.
"""

from typing import Final, Literal

# Fanfare's mechanisms of access; "other" is a mechanism that Fanfare adds after this was written.
DistributionType = Literal["queue", "draw", "auction", "timed_release", "other"]

# Where held units are kept: see reservations/strategies.py for what each does to the counters.
Strategy = Literal["soft", "hard", "pool"]

# A cart is held line by line, or whole or not at all.
CartRule = Literal["per_line", "all_or_nothing"]

# There is one reservation for each stock line that an admission wants.
#   active   -> converted   the shopper paid
#   active   -> released    the shopper left, was denied, changed the cart, or bought something else
#   active   -> expired     the window is over
#   rejected, released, expired -> active      the cart wants the line (again)
#   rejected, released, expired -> converted   a late checkout found the units there
#   all but converted -> unfulfilled           paid for, and the units are gone
#   converted -> returned                      the order was cancelled
# Only an active reservation holds units; only a converted one is sold, and a returned one of which
# the policy puts nothing back into stock. An event that comes late may correct an end.
Status = Literal[
    "active", "rejected", "converted", "released", "expired", "unfulfilled", "returned"
]

# Whose units are at risk first when an operator takes stock away that is held.
AtRiskFirst = Literal["newest", "oldest"]

# How Fanfare ended an admission without a checkout.
AdmissionEnd = Literal["expired", "left", "denied"]

OutcomeType = Literal[
    "reserved",  # units are held until expiresAt
    "rejected",  # units are not held; reason says why
    "converted",  # held units are sold; late: true when the hold had ended before
    "released",  # held units went back before the window was over
    "expired",  # held units went back because the window is over
    "unfulfilled",  # paid for, but the units are gone: somebody has to refund
    "returned",  # the order was cancelled: sold units went back, or were written off
    "extended",  # the hold's end has moved to expiresAt
    "transferred",  # the admission belongs to another consumer now
    "refused",  # a command or a cart could not be obeyed; reason says why
    "at_risk",  # an operator took stock away: the units may not be there at payment
    "ambiguous",  # it fits several admissions, and is kept until only one is left
    "orphaned",  # an event whose admission never came
]

# What became of an event.
Result = Literal[
    "applied",
    "duplicate",  # it was known already: it changed nothing
    "early",  # kept until its admission comes
    "ambiguous",  # kept until only one of the admissions that it fits is left
    "refused",  # a command that the policy does not allow
    "passed_over",  # known, and means nothing here
    "stale",  # a tick or a cart that is not newer than the last one
    "dead_letter",
]

Reason = Literal[
    # rejected
    "insufficient_stock",  # fewer units available than wanted
    "unknown_stock_line",  # nothing was imported for this product and variant
    "unknown_pool",  # strategy "pool", and no pool was filled for this experience
    "pool_exhausted",  # fewer units in the pool than wanted
    "cart_incomplete",  # all_or_nothing, and another line of the cart was refused
    "window_over",  # the hold would have ended before it began
    "not_in_cart",  # a completion names what the admission had not wanted
    "limit_per_sku",  # the consumer has as many units of this line as the policy allows
    "limit_per_experience",  # ... as many units of the experience
    "limit_open_holds",  # ... as many open holds
    # released, expired
    "admission_expired",  # Fanfare said so
    "consumer_left",  # Fanfare said so
    "consumer_denied",  # Fanfare said so
    "hold_elapsed",  # a tick passed the hold's end
    "not_purchased",  # the order has fewer units than were held
    "cart_changed",  # the cart does not want them any more
    "released_on_request",  # a command emptied the cart
    # unfulfilled: insufficient_stock, unknown_stock_line, unknown_pool, pool_exhausted,
    # too_many_facts, and
    "grace_over",  # paid longer after the hold's end than the policy allows
    "already_paid",  # a second order for an admission that was paid
    "nothing_in_cart",  # an order that names no items, for an empty cart
    "stock_withdrawn",  # an operator took the units away while they were held (also: at_risk)
    # returned
    "order_cancelled",  # the units are in stock again
    "order_cancelled_not_restocked",  # the policy keeps them out of stock
    # refused
    "extension_not_allowed",  # the policy has no extensions
    "extension_limit",  # as many extensions as the policy allows were made
    "extension_too_long",  # the total length or the hard cap is reached
    "release_not_allowed",  # the policy has no releases on request
    "transfer_not_allowed",  # the policy has no transfers
    "already_transferred",  # the admission was transferred to somebody else
    "hold_over",  # it came after the admission's end
    "too_many_facts",  # more of a kind than one admission can have
    # ambiguous, orphaned
    "several_admissions",  # it fits several admissions
    # orphaned
    "admission_unknown",  # no admission came within the fact's time to live
    "too_old",  # it is from before what is kept: it may have been applied, and forgotten
]

# The streams of the journal, each with a gapless sequence of its own per lane.
Stream = Literal["outcomes", "dead_letters"]

# The input topics by what they carry; settings give each its name in Kafka.
Topic = Literal[
    "admitted",
    "cart-updated",
    "checkout-completed",
    "hold-commands",
    "admission-expired",
    "expiry-ticks",
]

# The type of our own records in the timer stream; all other types are Fanfare's.
TICK_TYPE: Final = "expiry.tick"
