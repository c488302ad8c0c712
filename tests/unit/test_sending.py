"""What is sent by hand goes where it belongs, or says why not, before anything is sent."""

import json
from pathlib import Path

import pytest

from schemas.decode import PassedOver, decode
from service.admin.problems import BadFile
from service.example import example_admission
from service.sending import read_envelopes
from tests.unit.records import encode, record

FIXTURES = Path(__file__).parents[1] / "fixtures" / "fanfare"


@pytest.mark.parametrize(
    ("fixture", "topic", "key"),
    [
        ("c.admission.created.queue", "admitted", "consumer_123"),
        ("a.auction.settled", "checkout-completed", "cons_01HXYZ123456789"),
        ("a.order.cancelled", "checkout-completed", "cons_01HXYZ123456789"),
        ("cart.updated", "cart-updated", "consumer_123"),
        ("hold.extend", "hold-commands", "consumer_123"),
        ("hold.release", "hold-commands", "consumer_123"),
        ("hold.transfer", "hold-commands", "consumer_123"),
        ("b.queue.consumer_left", "admission-expired", "consumer_123"),
        ("b.draw.winners_selected", "admitted", "draw_789"),  # of many: no one's in particular
    ],
)
def test_the_type_decides_the_topic_and_the_consumer_is_the_key(
    fixture: str, topic: str, key: str
) -> None:
    value = (FIXTURES / f"{fixture}.json").read_bytes()

    (record,) = read_envelopes(fixture, value)

    assert (record.topic, record.key) == (topic, key)
    assert record.value == value.strip()


@pytest.mark.parametrize("path", sorted(FIXTURES.glob("*.json")), ids=lambda path: path.stem)
def test_every_event_that_means_something_can_be_sent(path: Path) -> None:
    value = path.read_bytes()
    events = decode(value)
    means_nothing = isinstance(events, PassedOver) or not events or path.stem == "expiry.tick"

    if not means_nothing:
        assert len(read_envelopes(path.name, value)) == 1
    else:
        with pytest.raises(BadFile):
            read_envelopes(path.name, value)


def test_the_example_can_be_sent_and_is_somebody_new_each_time() -> None:
    (one,), (other,) = (
        read_envelopes("example", json.dumps(example_admission()).encode()) for _ in range(2)
    )

    assert one.topic == other.topic == "admitted"
    assert one.key != other.key


def test_documents_follow_each_other_on_one_line_or_on_many() -> None:
    admission = json.dumps(example_admission())
    indented = json.dumps(example_admission(), indent=2)

    records = read_envelopes("stdin", f"{admission}\n{indented}\n\n{admission}{admission}".encode())

    assert len(records) == 4


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"", "file: there is no envelope in it"),
        (b"\n{oops", "file:2:2: not JSON: Expecting property name enclosed in double quotes"),
        (b"\n\xff", "file:2: byte 0xff is not UTF-8; save the file as UTF-8"),
        (b'\n\n{"type": "queue.opened"}', "file:3: type: 'queue.opened' is not known"),
        (b"[1, 2]", "file:1: not a JSON object"),
        (
            b'{"type": "order.created"}',
            "file:1: type: 'order.created' is known, and means nothing to the worker",
        ),
        (
            encode(record("draw.winners_selected", data={"winners": []})),
            "file:1: what nobody has won means nothing to the worker",
        ),
        (
            encode(record(timestamp="2999-01-01T00:00:00Z")),
            "file:1: timestamp: is more than an hour after the record's own time",
        ),
        (
            b'{"type": "expiry.tick", "at": "2026-01-01T00:00:00Z"}',
            "file:1: a tick is not sent by hand: the workers tick",
        ),
    ],
)
def test_what_cannot_be_sent_says_where_and_why(data: bytes, problem: str) -> None:
    with pytest.raises(BadFile) as refused:
        read_envelopes("file", data)

    assert refused.value.problems == [problem]


def test_all_problems_are_told_and_one_stops_all() -> None:
    admission = json.dumps(example_admission())

    with pytest.raises(BadFile) as refused:
        read_envelopes("file", f'{admission}\n{{"type": 1}}\n{{}}'.encode())

    assert refused.value.problems == [
        "file:2: type: must be a string",
        "file:3: type: is missing",
    ]
