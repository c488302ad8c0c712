"""The catalogue: every metric once, with its unit, its labels, its meaning and what to do about it.

README's table is made from it (`make readme`). How to read several workers: see `Together`.
"""

from typing import Final

from service.metrics.metric import LONG_SECONDS, SECONDS, SIZES, Metric

EVENTS: Final = Metric(
    "events_total", "counter", "events", ("topic", "result"), "sum",
    "events read, by what became of them",
    "`dead_letter`: `reservations dead-letters list`, and mend the sender",
)  # fmt: skip
MISROUTED: Final = Metric(
    "misrouted_total", "counter", "records", (), "sum",
    "records under another key than their consumer: applied rightly, but lanes wait for lanes",
    "key the sender's records by consumer id",
)  # fmt: skip
BATCH_SIZE: Final = Metric(
    "batch_size", "histogram", "records", (), "sum",
    "records in a batch; it grows with the backlog by itself",
    "at its maximum for long: add workers, up to one a lane",
    SIZES,
)  # fmt: skip
BATCH_SECONDS: Final = Metric(
    "batch_seconds", "histogram", "seconds", ("phase",), "sum",
    "how long a batch takes to `load`, to `decide` and to `save`",
    "`load` grows with locks that others hold, `decide` with admissions of one shopper, `save` with"
    " the disk",
    SECONDS,
)  # fmt: skip
EVENT_AGE_SECONDS: Final = Metric(
    "event_age_seconds", "histogram", "seconds", (), "sum",
    "from a record's time until its effect is committed, of a batch's oldest",
    "see `lag_seconds` and `batch_seconds`",
    LONG_SECONDS,
)  # fmt: skip
LAG_RECORDS: Final = Metric(
    "lag_records", "gauge", "records", ("topic", "lane"), "sum",
    "records that wait to be applied",
    "rising while batches are at their maximum: add workers",
)  # fmt: skip
LAG_SECONDS: Final = Metric(
    "lag_seconds", "gauge", "seconds", ("lane",), "max",
    "for how long the lane's oldest unapplied record has waited; 0: none waits",
    "rising: see the worker's log for `postgres.away`, `publish.waits`, `batch.conflict`",
)  # fmt: skip
OUTCOMES: Final = Metric(
    "outcomes_total", "counter", "outcomes", ("type", "reason"), "sum",
    "what happened to holds, committed",
    "`rejected` grows when stock is scarce; `unfulfilled`: refund; `at_risk`: an operator took away"
    " what is held; `ambiguous`: name admissions in events",
)  # fmt: skip
PUBLISHED: Final = Metric(
    "published_total", "counter", "entries", (), "sum",
    "outcomes and dead letters that others can read by now",
    "less than what is committed: see `unpublished_outcomes`",
)  # fmt: skip
PUBLISH_SECONDS: Final = Metric(
    "publish_seconds", "histogram", "seconds", (), "sum",
    "how long a Kafka transaction takes",
    "long ones: look at the brokers",
    SECONDS,
)  # fmt: skip
UNPUBLISHED: Final = Metric(
    "unpublished_outcomes", "gauge", "entries", (), "sum",
    "outcomes and dead letters that are committed and not readable yet",
    "rising: Kafka is away or slow",
)  # fmt: skip
TICK_AGE_SECONDS: Final = Metric(
    "tick_age_seconds", "gauge", "seconds", (), "each",
    "from the last tick's instant until this worker's ticker read it",
    "long: the brokers are slow",
)  # fmt: skip
SINCE_TICK_SECONDS: Final = Metric(
    "since_tick_seconds", "gauge", "seconds", ("lane",), "max",
    "since the lane last accepted a tick",
    "rises when holds stop expiring: see the log for `tick.failed` and `ticker.failed`",
)  # fmt: skip
EXPIRY_LAG_SECONDS: Final = Metric(
    "expiry_lag_seconds", "histogram", "seconds", (), "sum",
    "how late a tick ended a hold: from the hold's end until it was expired",
    "longer than a few ticks: see `since_tick_seconds` and `lag_seconds`",
    LONG_SECONDS,
)  # fmt: skip
HOLDS_ACTIVE: Final = Metric(
    "holds_active", "gauge", "reservations", ("lane",), "sum",
    "holds made in the lane minus holds ended in it: only the sum over all lanes means something",
    "nothing by itself",
)  # fmt: skip
LANES_OWNED: Final = Metric(
    "lanes_owned", "gauge", "lanes", (), "sum",
    "lanes that this worker owns",
    "fewer in all than `lanes`: one is nobody's, start a worker",
)  # fmt: skip
LANES: Final = Metric(
    "lanes", "gauge", "lanes", (), "max",
    "lanes that there are: partitions of each topic",
    "more than `lanes_owned` of all workers: one is nobody's, start a worker",
)  # fmt: skip
LANE_EPOCH: Final = Metric(
    "lane_epoch", "gauge", "owners", ("lane",), "max",
    "the count of the lane's owners so far, told by its owner: who tells it owns the lane",
    "rising by itself: the lane changes hands, see `group.left` and `lanes.taken` in the logs",
)  # fmt: skip
REJOINS: Final = Metric(
    "rejoins_total", "counter", "times", ("cause",), "sum",
    "how often the group was left and joined again",
    "more than a few an hour is a fault: see `group.left` in the log",
)  # fmt: skip
DATABASE_CONNECTIONS: Final = Metric(
    "database_connections", "gauge", "connections", ("state",), "sum",
    "the pool: `used`, `idle` and `unopened` connections; together what the setting allows",
    "none but `used` for long: raise `DATABASE_CONNECTIONS_MAX`",
)  # fmt: skip
BUILD_INFO: Final = Metric(
    "build_info", "gauge", "1", ("version", "python"), "each",
    "always 1; its labels tell what runs",
    "several versions for longer than a roll-out: finish it",
)  # fmt: skip

CATALOGUE: Final = tuple(value for value in list(globals().values()) if isinstance(value, Metric))
