"""What the demo knows while it plays: everything that its views show, and nothing else."""

import time
from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from db.pools import PoolShown
from db.stock import StockShown
from db.views import CartShown, Standing
from service.demo.sale import Sale
from service.demo.tally import Said, Tally

RECENT_MAX: Final = 60
_RATE_SECONDS: Final = 2.0
_RATES_MAX: Final = 24

# Of these, many of a kind become one line that counts; the others are news each.
_COUNTED_KINDS: Final = ("rejected", "expired")
_COUNTED_WITHIN: Final = 4  # lines back
_BURST_MIN: Final = 4  # of any kind, read at once


class StockNow(NamedTuple):
    """Where the units of one product are: received = left + held + sold."""

    product_id: str
    received: int
    left: int
    held: int
    sold: int


@dataclass(slots=True)
class Board:
    """The state of a sale that is being played."""

    sale: Sale
    started: float = field(default_factory=time.monotonic)
    sent: Counter[str] = field(default_factory=Counter)  # records by topic
    stock: list[StockNow] = field(default_factory=list)
    carts: list[CartShown] = field(default_factory=list)
    standing: Standing = field(default_factory=lambda: Standing(0, {}, {}))
    tally: Tally = field(default_factory=Tally)
    recent: deque[Said] = field(default_factory=lambda: deque(maxlen=RECENT_MAX))
    rates: deque[int] = field(default_factory=lambda: deque([0], maxlen=_RATES_MAX))
    _seen: deque[tuple[float, int]] = field(default_factory=lambda: deque([(0.0, 0)]))

    @property
    def seconds(self) -> float:
        """Give the seconds since the sale began."""
        return time.monotonic() - self.started

    @property
    def chapter(self) -> str:
        """Give what happens now, in plain words."""
        begun = [text for at, text in self.sale.chapters if at <= self.seconds]
        return begun[-1] if begun else ""

    @property
    def to_come(self) -> int:
        """Give how many records are not sent yet."""
        return len(self.sale.moves) - self.sent.total()

    @property
    def applied(self) -> int:
        """Give how many of the records that were sent the worker has applied."""
        return sum(self.standing.applied.get(topic, 0) for topic in self.sent)

    @property
    def is_settled(self) -> bool:
        """Tell whether all is applied, every hold has ended, and all that is said was read."""
        return (
            self.applied >= self.sent.total()
            and self.standing.holds_active == 0
            and sum(self.standing.journaled.values()) == self.tally.read
        )

    def note_said(self, said: Sequence[Said]) -> None:
        """Add lines to show. Many of a kind become one line, so that eyes can follow."""
        kinds = Counter(line._replace(who="") for line in said)
        for line in said:
            in_burst = kinds[line._replace(who="")] >= _BURST_MIN
            self._add(line, is_counted=in_burst or line.kind in _COUNTED_KINDS)

    def _add(self, line: Said, *, is_counted: bool) -> None:
        last = range(len(self.recent) - 1, max(-1, len(self.recent) - 1 - _COUNTED_WITHIN), -1)
        for at in last if is_counted else ():
            if self.recent[at].is_like(line):
                self.recent[at] = line._replace(times=self.recent[at].times + 1)
                return
        self.recent.append(line)

    def note_stock(self, lines: Sequence[StockShown], pools: Sequence[PoolShown]) -> None:
        """Take over where the units are, those in pools included."""
        by_product = {pool.product_id: pool for pool in pools}
        now = [_stock_now(line, by_product.get(line.product_id)) for line in lines]
        self.stock = sorted(now, key=lambda line: self.sale.shop.product_ids.index(line.product_id))

    def note_standing(self, standing: Standing) -> None:
        """Take over how far the worker has come, and the speed that follows from it."""
        self.standing = standing
        now, applied = self.seconds, self.applied
        self._seen.append((now, applied))
        while len(self._seen) > 2 and now - self._seen[1][0] >= _RATE_SECONDS:
            self._seen.popleft()
        since, before = self._seen[0]
        self.rates.append(round((applied - before) / max(now - since, 0.5)))


def _stock_now(line: StockShown, pool: PoolShown | None) -> StockNow:
    left = line.available + (pool.available if pool else 0)
    held = line.reserved + line.allocated + (pool.allocated if pool else 0)
    return StockNow(line.product_id, line.received, left, held, line.sold)
