"""What was said of an admission, and how its lines stand, in plain words. No I/O."""

from schemas.outcomes import Outcome
from schemas.reservation import Reservation
from service.explain.words import Clock, of_order, units


def outcome_in_words(outcome: Outcome, clock: Clock) -> str:
    """Say what followed from an event; what its reason means is in `REASONS`."""
    return _said(outcome, clock) + (f": {outcome.reason}" if outcome.reason else "")


def _said(outcome: Outcome, clock: Clock) -> str:
    what = units(outcome.quantity, outcome.product_id, outcome.variant_id)
    until = clock(outcome.expires_at) if outcome.expires_at is not None else "?"
    order = of_order(outcome.order_id)
    match outcome.type:
        case "reserved":
            return f"held {what} until {until}"
        case "rejected":
            return f"refused {what}"
        case "converted":
            late = ", late: it was not held when it was paid" if outcome.late else ""
            oversold = ", oversold: it is not in stock" if outcome.oversold else ""
            return f"sold {what}{order}{late}{oversold}"
        case "released" | "expired":
            return f"gave back {what}"
        case "unfulfilled":
            owed = f"{what}{order}" if outcome.product_id else f"order {outcome.order_id or '-'}"
            return f"cannot deliver {owed}, refund it"
        case "returned":
            return f"took back {what}{order}"
        case "extended":
            return f"the hold now ends at {until}"
        case "transferred":
            return f"it is {outcome.consumer_id}'s now, and was {outcome.from_consumer_id}'s"
        case "refused":
            return "refused"
        case "at_risk":
            return f"{what} may not be there when it is paid"
        case "ambiguous":
            return "kept until it fits only one"
        case "orphaned":
            return "given up"


def line_in_words(line: Reservation, clock: Clock) -> str:
    """Say how a line stands now."""
    what = units(line.quantity, line.product_id, line.variant_id)
    reason = f": {line.reason}" if line.reason else ""
    ended = f" at {clock(line.ended_at)}" if line.ended_at is not None else ""
    missing = f", {line.missing} more were paid and are not there" if line.missing else ""
    match line.status:
        case "active":
            at_risk = f", {line.at_risk} of them at risk" if line.at_risk else ""
            return f"{what}: held until {clock(line.expires_at)}{at_risk}"
        case "rejected":
            return f"{what}: not held{reason}"
        case "converted":
            return f"{what}: sold{ended}{of_order(line.order_id)}{missing}"
        case "released" | "expired":
            return f"{what}: given back{ended}{reason}"
        case "unfulfilled":
            what = units(line.missing or line.quantity, line.product_id, line.variant_id)
            return f"{what}: to be refunded{of_order(line.order_id)}{reason}"
        case "returned":
            return f"{what}: sold{of_order(line.order_id)}, taken back{ended}{reason}"
