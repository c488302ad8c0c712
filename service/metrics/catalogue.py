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
CONFLICTS: Final = Metric(
    "conflicts_total", "counter", "conflicts", (), "sum",
    "times that a batch was decided in vain: another worker had moved its stock lines meanwhile so"
    " far that it would have been decided otherwise, or had rows that it needed",
    "some, where stock comes to its end or shoppers are transferred, are ordinary; many: see the"
    " worker's log for `batch.conflict`",
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
    " the disk and with stock lines that others are writing",
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
    "less than what is committed: see `unpublished_age_seconds`",
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
UNPUBLISHED_AGE_SECONDS: Final = Metric(
    "unpublished_age_seconds", "gauge", "seconds", ("lane",), "max",
    "since the oldest unpublished entry of the lane was committed; 0: none waits",
    "rising: readers wait; see the log for `publish.failed` and `publish.waits`, and the brokers",
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
OVERDUE_SECONDS: Final = Metric(
    "overdue_seconds", "gauge", "seconds", ("lane",), "max",
    "for how long the lane's most overdue hold should have ended; 0: none is overdue",
    "rising: units are kept from others; see `since_tick_seconds` and `lag_seconds`",
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
UNITS_HELD: Final = Metric(
    "units_held", "gauge", "units", ("strategy",), "one",
    "units of active holds",
    "nothing by itself",
)  # fmt: skip
STOCK_UNITS: Final = Metric(
    "stock_units", "gauge", "units", ("state",), "one",
    "units of all stock lines: `available` for a hold, `pooled` for one experience, `held`, `sold`",
    "`available` and `pooled` at 0: sold out, or all of it is held",
)  # fmt: skip
STOCK_LINE_UNITS: Final = Metric(
    "stock_line_units", "gauge", "units", ("organization", "product", "variant", "state"), "one",
    "the same of the tracked lines that sell most, `STOCK_LINES_MEASURED` of them",
    "fill what sells out; `reservations stock show` has all lines",
)  # fmt: skip
SHORT_UNITS: Final = Metric(
    "short_units", "gauge", "units", (), "one",
    "units held or sold that are not there: withdrawn, or oversold as the policy allows",
    "bring units in, or be ready to refund: `reservations stock show`",
)  # fmt: skip
OVERSOLD_UNITS: Final = Metric(
    "oversold_units", "gauge", "units", (), "one",
    "units by which counters are below zero, or more is reserved than is on hand: 0, always",
    "stop the sale of that line, then `reservations verify`",
)  # fmt: skip
DRIFT_UNITS: Final = Metric(
    "drift_units", "gauge", "units", (), "one",
    "units by which counters of stock differ from their rows: 0, always",
    "`reservations verify` names the lines",
)  # fmt: skip
JOURNAL_GAPS: Final = Metric(
    "journal_gaps", "gauge", "entries", ("lane", "stream"), "sum",
    "entries that are missing in the journal, as far as it was looked through: 0, always",
    "`reservations verify` names the first",
)  # fmt: skip
UNDERSOLD_SECONDS: Final = Metric(
    "undersold_seconds_total", "counter", "seconds", (), "max",
    "time in which as many units lay free as were refused, before and meanwhile",
    "see whether `reservations stock show` and the outcomes agree, then `reservations verify`",
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
SERVER_REACHABLE: Final = Metric(
    "server_reachable", "gauge", "1 or 0", ("server",), "each",
    "whether `postgres` and `kafka` answered this worker when it last asked, beside its work",
    "0 at all workers: the server is away; at one: its network",
)  # fmt: skip
SAMPLE_AGE_SECONDS: Final = Metric(
    "sample_age_seconds", "gauge", "seconds", ("sample",), "max",
    "since the background last asked the database for this; a worker tells of what it has to ask",
    "long: what is told of lanes, stock and drift is old; see `sample.failed` in the log",
)  # fmt: skip
BUILD_INFO: Final = Metric(
    "build_info", "gauge", "1", ("version", "python"), "each",
    "always 1; its labels tell what runs",
    "several versions for longer than a roll-out: finish it",
)  # fmt: skip

CATALOGUE: Final = tuple(value for value in list(globals().values()) if isinstance(value, Metric))
