"""What the facts of an admission amount to. It is asked of the set, so order decides nothing."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final, Literal

from msgspec import Struct

from reservations.cart_in_force import EMPTY, Cart, cart_in_force, digest
from reservations.commands import Answers, extended_end, hold_end, owner_of
from reservations.payments import Payment, payments_of, that_counts
from schemas.events import AdmissionEnded, CheckoutCompleted, ExtendRequested, TransferRequested
from schemas.facts import MIGRATED, KnownFact, in_order
from schemas.policy import Policy
from schemas.reservation import Admission
from schemas.vocabulary import Reason, Status

Verdict = Literal["returned", "paid", "elapsed", "expired", "left", "denied", "open"]


class Standing(Struct, gc=False):
    """An admission as its facts have it, up to the last tick of its lane."""

    expires_at: datetime  # the hold's end, with extensions
    first_end: AdmissionEnded | None
    over_at: datetime  # no cart and no command counts after this
    payment: Payment | None  # the one that counts
    window_is_over: bool  # a tick has passed the hold's end
    elapsed: bool  # time ended the hold, and not Fanfare
    late: bool = False  # paid after the hold was over
    too_late: bool = False  # ... for longer than the policy bears
    owner: str = ""
    cart: Cart = EMPTY  # the one in force
    answers: Answers = {}
    surplus: Sequence[Payment] = ()
    verdict: Verdict = "open"  # what decides

    @property
    def ending(self) -> Verdict:
        """Give what ends the hold where no payment does."""
        return _first_that_holds(self, PRECEDENCE[_ENDINGS:])

    @property
    def sale_mark(self) -> str:
        """Name what the sales follow; "" where nothing was paid."""
        if self.payment is None:
            return ""
        if all(known.cause.topic == MIGRATED for known in self.payment.facts):
            return MIGRATED
        ending = self.ending if self.late else ""
        how = (
            self.payment.order_id,
            self.payment.paid_at.isoformat(),
            self.late,
            self.too_late,
            ending,
        )
        return digest((how, self.payment.items, self.cart.mark))


# The precedence of facts: the first line that is so decides, whatever came first. Money outranks
# an end; of two ends the earlier counts; a payment after the end is late, and money all the same.
Precedence = Sequence[tuple[Verdict, Callable[[Standing], bool]]]
PRECEDENCE: Final[Precedence] = (
    ("returned", lambda it: it.payment is not None and it.payment.cancelled_at is not None),
    ("paid", lambda it: it.payment is not None),
    ("elapsed", lambda it: it.elapsed),
    ("expired", lambda it: it.first_end is not None and it.first_end.end == "expired"),
    ("left", lambda it: it.first_end is not None and it.first_end.end == "left"),
    ("denied", lambda it: it.first_end is not None and it.first_end.end == "denied"),
    ("open", lambda _: True),
)
_ENDINGS: Final = 2

_UNPAID: Final[tuple[None, Sequence[Payment]]] = (None, ())

# How holds end where nobody paid. Source: Cart Reservation Guide, "On Abandonment"; Fanfare's pages
# on leaving and denying.
ENDS: Final[Mapping[Verdict, tuple[Status, Reason]]] = {
    "elapsed": ("expired", "hold_elapsed"),
    "expired": ("expired", "admission_expired"),
    "left": ("released", "consumer_left"),
    "denied": ("released", "consumer_denied"),
}


def standing(admission: Admission, last_tick: datetime) -> Standing:
    """Say what the facts of an admission amount to, under its policy."""
    facts = in_order(admission.facts)
    # Nearly all have few kinds of facts: of what is not there, nothing has to be asked.
    kinds = {type(known.fact) for known in facts}
    first_end = _first_end(facts) if AdmissionEnded in kinds else None
    payment, surplus = that_counts(payments_of(facts)) if CheckoutCompleted in kinds else _UNPAID
    answers: Answers = {}
    if ExtendRequested in kinds:
        closing = _closing(first_end, payment)
        expires_at = extended_end(admission, facts, closing, answers)
    else:
        expires_at = hold_end(admission)
    it = _closed(expires_at, first_end, payment, last_tick, admission.policy)
    it.answers = answers
    it.surplus = surplus
    if TransferRequested in kinds:
        it.owner = owner_of(admission, facts, it.over_at, answers)
    else:
        it.owner = admission.admitted_consumer_id
    closed_at = it.over_at if payment is None else min(it.over_at, payment.paid_at)
    it.cart = cart_in_force(facts, closed_at, admission.policy, answers)
    return it


def _closed(
    expires_at: datetime,
    first_end: AdmissionEnded | None,
    payment: Payment | None,
    last_tick: datetime,
    policy: Policy,
) -> Standing:
    over_at = expires_at if first_end is None else min(expires_at, first_end.ended_at)
    over_by_tick = last_tick >= expires_at
    elapsed = over_by_tick if first_end is None else expires_at <= first_end.ended_at
    it = Standing(expires_at, first_end, over_at, payment, over_by_tick, elapsed)
    if payment is not None:
        it.late = payment.paid_at > over_at
        it.too_late = payment.paid_at > over_at + timedelta(seconds=policy.late_seconds)
        it.elapsed = elapsed or (over_at == expires_at and it.late)
    if payment is not None or first_end is not None or elapsed:  # else it is the last line
        it.verdict = _first_that_holds(it, PRECEDENCE)
    return it


def _first_that_holds(it: Standing, lines: Precedence) -> Verdict:
    for verdict, holds in lines:
        if holds(it):
            return verdict
    return "open"


def _first_end(facts: Sequence[KnownFact]) -> AdmissionEnded | None:
    ends = [known.fact for known in facts if isinstance(known.fact, AdmissionEnded)]
    return min(ends, key=lambda end: (end.ended_at, _END_RANK[end.end])) if ends else None


_END_RANK: Final = {"expired": 0, "left": 1, "denied": 2}


def _closing(first_end: AdmissionEnded | None, payment: Payment | None) -> datetime | None:
    """Give the instant of the first of these that there is."""
    ended_at = first_end.ended_at if first_end is not None else None
    paid_at = payment.paid_at if payment is not None else None
    if ended_at is None or paid_at is None:
        return ended_at or paid_at
    return min(ended_at, paid_at)
