"""Samples of the lanes that this worker owns."""

import time

from db.connect import Connection
from db.journal_gaps import look_for_gaps
from db.lanes import STREAMS
from db.sampling import sample_free_units, sample_lanes
from schemas.stock import PoolKey, StockKey
from schemas.vocabulary import Stream
from service.membership import Membership
from service.metrics import Metrics, catalogue
from service.sampling.gaps import ENTRIES_AT_ONCE, Walk
from service.sampling.undersold import Undersold


class LaneSamples:
    """Tells of each lane what only Postgres knows, and of refusals in all of them."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self._walks: dict[tuple[int, Stream], Walk] = {}
        self.undersold = Undersold()

    async def ages(self, connection: Connection, membership: Membership) -> None:
        """Sample for how long ends of holds, and entries of the journal, have waited."""
        marks = {
            lane: {
                stream: mark.sequence for stream, mark in membership.publisher.marks(lane).items()
            }
            for lane in membership.loop.share.lanes
        }
        found = await sample_lanes(connection, marks)
        self._metrics.forget(catalogue.OVERDUE_SECONDS, catalogue.UNPUBLISHED_AGE_SECONDS)
        for lane, overdue_seconds, unpublished_seconds in found:
            self._metrics.set(catalogue.OVERDUE_SECONDS, overdue_seconds, lane)
            self._metrics.set(catalogue.UNPUBLISHED_AGE_SECONDS, unpublished_seconds, lane)

    async def journal(self, connection: Connection, membership: Membership) -> None:
        """Look at the next stretch of each stream of the journal."""
        ours = {(lane, stream) for lane in membership.loop.share.lanes for stream in STREAMS}
        self._walks = {at: self._walks.get(at, Walk()) for at in ours}
        places = [(*at, walk.after) for at, walk in self._walks.items()]
        for stretch in await look_for_gaps(connection, places, ENTRIES_AT_ONCE):
            self._walks[stretch.lane, stretch.stream].see(time.monotonic(), stretch)
        self._metrics.forget(catalogue.JOURNAL_GAPS)
        for (lane, stream), walk in self._walks.items():
            self._metrics.set(catalogue.JOURNAL_GAPS, walk.gaps, lane, stream)

    async def refusals(self, connection: Connection, _: Membership) -> None:
        """See whether what was refused lies free."""
        refused = self.undersold.take()
        stock = [key for key in refused if isinstance(key, StockKey)]
        pools = [key for key in refused if isinstance(key, PoolKey)]
        free = await sample_free_units(connection, stock, pools) if refused else {}
        seconds = self.undersold.see(time.monotonic(), refused, free)
        self._metrics.add(catalogue.UNDERSOLD_SECONDS, seconds)

    def forget(self) -> None:
        """Tell nothing any more: the lanes are another worker's."""
        self._walks.clear()
        self._metrics.forget(
            *(catalogue.OVERDUE_SECONDS, catalogue.UNPUBLISHED_AGE_SECONDS),
            catalogue.JOURNAL_GAPS,
        )
