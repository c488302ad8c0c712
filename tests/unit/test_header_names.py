"""A header name may be any bytes: a batch is read whole, and as aiokafka reads it otherwise."""

from importlib import import_module
from typing import Any

import pytest
from aiokafka.consumer import fetcher
from aiokafka.errors import CorruptRecordException
from aiokafka.record.default_records import DefaultRecordBatch
from aiokafka.record.memory_records import MemoryRecords
from hypothesis import given, settings
from hypothesis import strategies as st

from consumers.header_names import TolerantRecords
from tests.raw_batches import CODECS, RawRecord, raw_batch

ORDINARY = [
    RawRecord(b"k", b"v", ((b"h", b"1"), (b"h", None), (b"", b""), ("ключ".encode(), b"\xff"))),
    RawRecord(None, None),
    RawRecord(b"", b"x" * 100_000),
]
ODD = RawRecord(b"odd", b"value", ((b"before", b"1"), (b"na\xffme", b"2"), (b"\xed\xa0\x80", None)))

CONTENT = st.none() | st.binary(max_size=300)


def read(records: Any) -> list[tuple[Any, ...]]:
    found = []
    while records.has_next():
        batch = records.next_batch()
        assert batch.validate_crc()
        found += [
            (one.offset, one.timestamp, one.key, one.value, tuple(one.headers)) for one in batch
        ]
    return found


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("place", [0, 1, 3])
def test_an_odd_name_is_read_with_its_bytes_written_out_and_so_are_its_neighbours(
    codec: str, place: int
) -> None:
    sent = [*ORDINARY[:place], ODD, *ORDINARY[place:]]
    whole = read(MemoryRecords(raw_batch(ORDINARY, codec, at_ms=1_000)))

    found = read(TolerantRecords(raw_batch(sent, codec, at_ms=1_000)))

    names = (("before", b"1"), ("na\\xffme", b"2"), ("\\xed\\xa0\\x80", None))
    assert found.pop(place) == (place, 1_000, b"odd", b"value", names)
    assert [one[1:] for one in found] == [one[1:] for one in whole]
    assert [one[0] for one in found] == [n for n in range(4) if n != place]


def test_the_reader_of_aiokafka_refuses_such_a_batch() -> None:
    with pytest.raises((UnicodeDecodeError, CorruptRecordException)):
        read(MemoryRecords(raw_batch([*ORDINARY, ODD])))


def test_a_batch_of_ordinary_names_is_read_by_aiokafka_itself() -> None:
    data = raw_batch(ORDINARY)

    (record, *_) = TolerantRecords(data).next_batch()

    assert type(record) is type(next(iter(DefaultRecordBatch(data))))


def test_batches_before_and_after_one_with_an_odd_name_are_read() -> None:
    fetched = raw_batch(ORDINARY) + raw_batch([ODD, *ORDINARY]) + raw_batch(ORDINARY)

    values = [record[3] for record in read(TolerantRecords(fetched))]

    ordinary = [record.value for record in ORDINARY]
    assert values == [*ordinary, b"value", *ordinary, *ordinary]


def test_a_batch_that_a_fetch_has_cut_off_is_left_for_the_next_one() -> None:
    whole, cut = raw_batch([ODD]), raw_batch(ORDINARY)[:-1]

    assert len(read(TolerantRecords(whole + cut))) == 1
    assert not TolerantRecords(cut).has_next()


@pytest.mark.parametrize("count", [0b01, 0b10, 0x7F])  # -1, 1, -64
def test_a_corrupt_batch_is_refused(count: int) -> None:
    data = bytearray(raw_batch([ODD, *ORDINARY]))
    assert data[-1] == 0  # the last record's number of headers
    data[-1] = count

    batch = TolerantRecords(bytes(data)).next_batch()

    assert not batch.validate_crc()
    with pytest.raises(CorruptRecordException):
        list(batch)


@settings(max_examples=200, deadline=None)
@given(
    st.lists(
        st.builds(
            RawRecord,
            CONTENT,
            CONTENT,
            st.lists(st.tuples(st.binary(max_size=20), CONTENT), max_size=4).map(tuple),
        ),
        min_size=1,
        max_size=6,
    ),
    st.sampled_from(sorted(CODECS)),
)
def test_whatever_the_names_are_all_else_comes_as_it_was_sent(
    sent: list[RawRecord], codec: str
) -> None:
    found = read(TolerantRecords(raw_batch(sent, codec, at_ms=7)))

    assert [(one[2], one[3]) for one in found] == [(one.key, one.value) for one in sent]
    for (*_, headers), record in zip(found, sent, strict=True):
        assert [value for _, value in headers] == [value for _, value in record.headers]
        for (name, _), (raw, _) in zip(headers, record.headers, strict=True):
            assert name == raw.decode("utf-8", "backslashreplace")
            name.encode()


def test_all_consumers_of_the_process_read_so() -> None:
    import_module("service.clients")

    assert fetcher.MemoryRecords is TolerantRecords
