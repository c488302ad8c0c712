"""What commands ask for, and what the policy grants: later ends, other owners."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from schemas.events import ExtendRequested, TransferRequested
from schemas.facts import KnownFact
from schemas.policy import Policy
from schemas.reservation import Admission
from schemas.vocabulary import Reason

# Refusals by what a consumer has. A transfer that one of these refused is not tried again.
LIMITS: Final[tuple[Reason, ...]] = (
    "limit_per_sku",
    "limit_per_experience",
    "limit_open_holds",
)

Answers = dict[int, tuple[KnownFact, str | None]]  # by identity: equal facts are one fact


def hold_end(admission: Admission) -> datetime:
    """Give the hold's end: the window's end plus the buffer, at most the cap after admission."""
    policy, window_ends_at = admission.policy, admission.window_ends_at
    if window_ends_at is None:
        window_ends_at = admission.admitted_at + policy.window(admission.distribution_type)
    return min(window_ends_at + policy.buffer, admission.admitted_at + policy.hold_max)


class Extensions:
    """The hold's end, and what may still be added to it.

    Capped in number, in total length, and by the hard cap after admission, so that no hold can be
    renewed for ever.
    """

    __slots__ = ("_admission", "_first_end", "_granted", "end")

    def __init__(self, admission: Admission) -> None:
        self._admission = admission
        self.end = self._first_end = hold_end(admission)
        self._granted = 0

    def ask(self, request: ExtendRequested, closed_at: datetime | None) -> Reason | None:
        """Move the end, or say why not. A request after the end, or the closing, is too late."""
        policy = self._admission.policy
        over_at = self.end if closed_at is None else min(self.end, closed_at)
        if policy.extensions_max == 0:
            return "extension_not_allowed"
        if request.requested_at > over_at:
            return "hold_over"
        if self._granted == policy.extensions_max:
            return "extension_limit"
        end = min(self.end + timedelta(seconds=request.seconds), self._end_max(policy))
        if end <= self.end:
            return "extension_too_long"
        self.end, self._granted = end, self._granted + 1
        return None

    def _end_max(self, policy: Policy) -> datetime:
        cap = self._admission.admitted_at + policy.hold_max
        return min(self._first_end + timedelta(seconds=policy.extension_seconds_max), cap)


def extended_end(
    admission: Admission,
    facts: Sequence[KnownFact],
    closed_at: datetime | None,
    answers: Answers,
) -> datetime:
    """Give the hold's end after all extensions that are granted, and answer each request."""
    extensions = Extensions(admission)
    for known in facts:
        if isinstance(known.fact, ExtendRequested):
            refused = extensions.ask(known.fact, closed_at)
            answers[id(known)] = (known, refused or "extended")
    return extensions.end


class Transfers:
    """Whose the admission is. One other consumer may have it, who asks for it while it is open."""

    __slots__ = ("_allowed", "guest", "owner")

    def __init__(self, admission: Admission) -> None:
        self.guest = self.owner = admission.admitted_consumer_id
        self._allowed = admission.policy.transfer_allowed

    def ask(
        self, request: TransferRequested, over_at: datetime, answered: str | None
    ) -> str | None:
        """Give it to another, or say why not. What a limit has `answered` is not asked again."""
        if not self._allowed:
            return "transfer_not_allowed"
        if request.requested_at > over_at:
            return "hold_over"
        if self.owner not in (self.guest, request.to_consumer_id):
            return "already_transferred"
        if answered in LIMITS:
            return answered
        self.owner = request.to_consumer_id
        return None


def owner_of(
    admission: Admission,
    facts: Sequence[KnownFact],
    over_at: datetime,
    answers: Answers,
) -> str:
    """Give whose the admission is after its transfers, and answer each of them."""
    transfers = Transfers(admission)
    for known in facts:
        if isinstance(known.fact, TransferRequested):
            refused = transfers.ask(known.fact, over_at, known.answer)
            answers[id(known)] = (known, refused or "transferred")
    return transfers.owner
