"""What became of each experience: an example of a reader of outcomes, in one file and SQLite.

It knows the contract (deploy/contracts) and nothing else of the worker. It reads committed records
only, checks by `ce_sequence` that none is missing, and keeps its offsets in the transaction of what
it made of the records: killed at any point, it goes on where it was, and counts nothing twice.

    python deploy/examples/analytics.py analytics.db            # to the end, and print the table
    python deploy/examples/analytics.py analytics.db --follow   # and go on, until Ctrl-C
"""

import argparse
import asyncio
import json
import os
import sqlite3
import sys
from datetime import datetime
from pathlib import Path
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaConnectionError

SERVERS = os.environ.get("RESERVATIONS_KAFKA_BOOTSTRAP_SERVERS", "localhost:9092")
TOPIC = os.environ.get("RESERVATIONS_OUTCOMES_TOPIC", "reservation-outcomes")


def open_database(path: str) -> sqlite3.Connection:
    """Open a file, and make the tables that are missing."""
    database = sqlite3.connect(path)
    database.executescript(Path(__file__).with_suffix(".sql").read_text())
    return database


def take(database: sqlite3.Connection, lane: int, offset: int, sequence: int, body: bytes) -> None:
    """Fold one outcome in, unless it was; its transaction is the caller's."""
    found = database.execute("SELECT sequence FROM lanes WHERE lane = ?", (lane,)).fetchone()
    last = found[0] if found else 0
    if sequence > last + 1:
        database.execute("INSERT INTO gaps VALUES (?, ?, ?)", (lane, last, sequence))
    if sequence > last:
        fold(database, json.loads(body))
    database.execute(
        "INSERT INTO lanes VALUES (?, ?, ?) ON CONFLICT (lane) DO UPDATE"
        " SET next_offset = excluded.next_offset, sequence = excluded.sequence",
        (lane, offset + 1, max(sequence, last)),
    )


def fold(database: sqlite3.Connection, outcome: dict[str, Any]) -> None:
    """Let a reservation's last outcome tell its end; what is not known is passed over."""
    type_, experience = outcome["type"], outcome.get("experienceId", "-")
    if type_ in ("rejected", "refused"):
        database.execute(
            "INSERT INTO refusals VALUES (?, ?, 1)"
            " ON CONFLICT (experience_id, reason) DO UPDATE SET count = count + 1",
            (experience, outcome.get("reason", "-")),
        )
    if (change := CHANGES.get(type_)) and "reservationId" in outcome:
        facts = {
            "id": outcome["reservationId"],
            "at": datetime.fromisoformat(outcome["occurredAt"]).timestamp(),
            "type": type_,
            "units": outcome["quantity"],
            "cause": json.dumps(outcome["cause"], sort_keys=True),
        }
        database.execute(
            "INSERT INTO reservations (reservation_id, experience_id) VALUES (?, ?)"
            " ON CONFLICT DO NOTHING",
            (facts["id"], experience),
        )
        database.execute(f"UPDATE reservations SET {change} WHERE reservation_id = :id", facts)


CHANGES = {
    # After an end it is held anew.
    "reserved": "units = CASE WHEN ended IS NULL THEN units + :units ELSE :units END,"
    " held_at = coalesce(held_at, :at), ended = NULL",
    # A part may be released: in one event with `converted` the rest is sold, else it is held.
    "released": "units = max(units - :units, 0), ended = CASE"
    " WHEN units <= :units OR ended = 'expired' THEN :type WHEN paid_by = :cause THEN ended END",
    "expired": "ended = :type",
    "converted": "units = max(units, :units), paid_at = :at, paid_by = :cause, ended = :type",
    "returned": "ended = :type",
    # What is held stays so when more is refused; what has ended was wanted again, in vain.
    "rejected": "ended = CASE WHEN ended IS NOT NULL THEN :type END",
    # In one event with `converted` it is of the units beyond; later it takes the sale back.
    "unfulfilled": "ended = CASE WHEN paid_by = :cause THEN ended ELSE :type END",
}


async def read(database: sqlite3.Connection, *, follow: bool) -> None:
    """Fold in what the topic has by now, or whatever comes; each poll is one transaction."""
    partitions = await partitions_of_topic()
    consumer = AIOKafkaConsumer(
        bootstrap_servers=SERVERS,
        isolation_level="read_committed",  # else outcomes of aborted transactions are read too
        enable_auto_commit=False,
        auto_offset_reset="earliest",  # what retention has taken shows as a gap
    )
    await consumer.start()
    try:
        consumer.assign(partitions)
        await consumer.seek_to_beginning(*partitions)
        for lane, offset in database.execute("SELECT lane, next_offset FROM lanes").fetchall():
            consumer.seek(TopicPartition(TOPIC, lane), offset)
        ends = await consumer.end_offsets(partitions)
        while follow or any([await consumer.position(one) < ends[one] for one in partitions]):
            polled = await consumer.getmany(timeout_ms=500)
            with database:
                for record in (record for records in polled.values() for record in records):
                    sequence = int(dict(record.headers)["ce_sequence"])
                    take(database, record.partition, record.offset, sequence, record.value)
            if follow and polled:
                show(database)
    finally:
        await consumer.stop()


async def partitions_of_topic() -> list[TopicPartition]:
    """Ask which lanes there are. Raises SystemExit where there is no such topic."""
    admin = AIOKafkaAdminClient(bootstrap_servers=SERVERS)
    await admin.start()
    [found] = await admin.describe_topics([TOPIC])
    await admin.close()
    if not found["partitions"]:
        raise SystemExit(f"there is no topic {TOPIC}: RESERVATIONS_OUTCOMES_TOPIC names it")
    return [TopicPartition(TOPIC, one["partition"]) for one in found["partitions"]]


def show(database: sqlite3.Connection) -> None:
    """Print the table, and on stderr which outcomes are missing."""
    found = database.execute("SELECT * FROM experiences")
    rows = [[name for name, *_ in found.description], *found]
    widths = [max(len(str(cell)) for cell in column) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = ("-" if cell is None else str(cell) for cell in row)
        print("  ".join(map(str.rjust, cells, widths)))
    for lane, after, before in gaps(database):
        print(f"lane {lane}: outcomes {after + 1} to {before - 1} are missing", file=sys.stderr)


def gaps(database: sqlite3.Connection) -> list[tuple[int, int, int]]:
    """Give what is missing: lane, and the sequence numbers before and after it."""
    return database.execute("SELECT lane, after, before FROM gaps ORDER BY lane, after").fetchall()


def main() -> None:
    """Run the command line; exit code 1 where an outcome is missing."""
    parser = argparse.ArgumentParser(description="Fold outcomes into a table per experience.")
    parser.add_argument("database", help="an SQLite file; made where there is none")
    parser.add_argument("--follow", action="store_true", help="go on with what comes")
    arguments = parser.parse_args()
    database = open_database(arguments.database)
    try:
        asyncio.run(read(database, follow=arguments.follow))
    except KeyboardInterrupt:
        return
    except KafkaConnectionError:
        raise SystemExit(
            f"no Kafka at {SERVERS}: RESERVATIONS_KAFKA_BOOTSTRAP_SERVERS is its address"
        ) from None
    show(database)
    raise SystemExit(1 if gaps(database) else 0)


if __name__ == "__main__":
    main()
