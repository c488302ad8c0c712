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
#   active   -> released    the shopper left, was denied, or bought something else
#   active   -> expired     the window is over
#   rejected, released, expired -> converted   a late checkout found the units there
# Only an active reservation holds units.
Status = Literal["active", "rejected", "converted", "released", "expired"]

# How Fanfare ended an admission without a checkout.
AdmissionEnd = Literal["expired", "left", "denied"]

OutcomeType = Literal[
    "reserved",  # units are held until expiresAt
    "rejected",  # units are not held; reason says why
    "converted",  # held units are sold; late: true when the hold had ended before
    "released",  # held units went back before the window was over
    "expired",  # held units went back because the window is over
    "unfulfilled",  # paid for, but the units are gone: somebody has to refund
    "orphaned",  # a completion or an end whose admission never came
]

# What became of an event.
Result = Literal[
    "applied",
    "duplicate",  # it was known already: it changed nothing
    "early",  # kept until its admission comes
    "passed_over",  # known, and means nothing here
    "stale",  # a tick that is not newer than the last one
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
    # released, expired
    "admission_expired",  # Fanfare said so
    "consumer_left",  # Fanfare said so
    "consumer_denied",  # Fanfare said so
    "hold_elapsed",  # a tick passed the hold's end
    "not_purchased",  # the order has fewer units than were held
    # unfulfilled: insufficient_stock, unknown_stock_line, unknown_pool, pool_exhausted
    # orphaned
    "admission_unknown",  # no admission came within the fact's time to live
]

# The streams of the journal, each with a gapless sequence of its own per lane.
Stream = Literal["outcomes", "dead_letters"]

# The input topics by what they carry; settings give each its name in Kafka.
Topic = Literal["admitted", "checkout-completed", "admission-expired", "expiry-ticks"]

# The type of our own records in the timer stream; all other types are Fanfare's.
TICK_TYPE: Final = "expiry.tick"
