"""Each kind of poison is refused for its own reason, or means what it says."""

from collections.abc import Sequence

import pytest
from aiokafka.structs import TopicPartition

from consumers.header_names import TolerantRecords
from consumers.record import Record
from consumers.records import Batch, read_batch
from schemas.decode import MalformedRecord, decode
from schemas.events import Admitted
from tests.poison import GOOD, POISON, Poison
from tests.raw_batches import CODECS, RawRecord, raw_batch, readable
from tests.unit.test_records import TOPICS, lane, shoppers


@pytest.mark.parametrize("poison", POISON, ids=lambda poison: poison.name)
def test_a_kind_is_refused_for_its_reason_or_means_what_it_says(poison: Poison) -> None:
    reason, units = outcome(poison.record("ada").value)

    assert bool(reason) == bool(poison.reason)
    assert reason.startswith(poison.reason)
    assert reason or units == [poison.units]


@pytest.mark.parametrize("codec", CODECS)
def test_all_kinds_in_one_batch_leave_the_good_ones_between_them_alone(codec: str) -> None:
    batch = read_all(mixed(), codec)

    wanted = [f"s-{n}" for n in range(2 * len(POISON)) if n % 2 or not POISON[n // 2].reason]
    assert shoppers(batch) == wanted
    assert batch.next_offsets == {(0, "admitted"): 2 * len(POISON)}


def test_a_dead_letter_is_its_record_byte_for_byte() -> None:
    sent = mixed()

    letters = read_all(sent, "none").dead_letters

    assert len(letters) == sum(bool(poison.reason) for poison in POISON)
    for letter in letters:
        record = sent[letter.offset]
        assert (letter.key, letter.value) == (record.key, record.value)
        assert letter.headers == readable(record.headers)


def outcome(value: bytes | None) -> tuple[str, list[int]]:
    """Give the reason of a refusal, or the units that are wanted."""
    try:
        (event,) = decode(value)  # type: ignore[misc]
    except MalformedRecord as malformed:
        return malformed.reason, []
    assert isinstance(event, Admitted)
    return "", [item.quantity for item in event.items or ()]


def mixed() -> list[RawRecord]:
    """Give every kind of poison, with a good record after each."""
    good = Poison("good", GOOD)
    return [(good if n % 2 else POISON[n // 2]).record(f"s-{n}") for n in range(2 * len(POISON))]


def read_all(sent: Sequence[RawRecord], codec: str) -> Batch:
    """Read records as one poll that brought them in one batch."""
    batch = TolerantRecords(raw_batch(sent, codec)).next_batch()
    polled = [
        Record("admitted", 0, one.offset, one.timestamp, one.key, one.value, tuple(one.headers))
        for one in batch
    ]
    return read_batch({TopicPartition("admitted", 0): polled}, {0: lane(0)}, TOPICS)
