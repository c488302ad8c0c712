"""How many records a poll may bring: fewer after a batch that Postgres gave up."""


class BatchSize:
    """A limit that halves with every failure and comes back to its maximum batch by batch.

    Postgres may have ended the session of a batch because it took too long to decide: half of it
    takes less. An outage halves it too, once.
    """

    def __init__(self, records_max: int) -> None:
        self._records_max = records_max
        self.records = records_max
        self._kept_for = 0  # records to apply before it grows: those of the batch that failed

    def halve(self) -> None:
        """Ask for half as many, and for one at least."""
        self._kept_for = self.records
        self.records = max(1, self.records // 2)

    def grow(self, applied: int) -> None:
        """Ask for a quarter more, and for one more at least, after so many records were applied.

        Not before as many are as failed together: ticks and sweeps pass at any size, and would
        have it grow back before the next try.
        """
        self._kept_for = max(0, self._kept_for - applied)
        if self._kept_for == 0:
            self.records = min(self.records + self.records // 4 + 1, self._records_max)
