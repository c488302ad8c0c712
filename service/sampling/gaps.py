"""The journal walked through, again and again: pure, by the stretches that were looked at."""

from dataclasses import dataclass
from typing import Final

from db.journal_gaps import Stretch

ENTRIES_AT_ONCE: Final = 10_000  # of a stream, in a round of samples
CYCLE_SECONDS_MIN: Final = 600.0  # between; meanwhile what is new is looked at


@dataclass(slots=True)
class Walk:
    """A walk through one stream: first its end, where trouble is new, then all of it in cycles."""

    after: int = -ENTRIES_AT_ONCE
    missing: int = 0  # in this cycle so far
    missing_before: int = 0  # in the cycle before
    began_at: float | None = None  # None: it is at the end, and was not at the front yet

    def see(self, now: float, stretch: Stretch) -> None:
        """Note what was looked at, and go on after it."""
        self.missing += stretch.missing
        self.after = stretch.until
        is_rested = self.began_at is None or now - self.began_at >= CYCLE_SECONDS_MIN
        if stretch.is_end and is_rested:
            self.missing_before, self.missing = self.missing, 0
            self.after, self.began_at = 0, now

    @property
    def gaps(self) -> int:
        """Give how many entries are missing, as far as is known."""
        return max(self.missing, self.missing_before)
