"""Every kind of record that nobody should send, as one table: what it is, what becomes of it.

A kind with a `reason` is a dead letter for that reason; one without is a right answer: its shopper
holds so many `units`. Unit tests decode the table, and an e2e test sends it through Kafka.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from tests.raw_batches import RawHeaders, RawRecord

ITEMS: Final = '"items":[{"productId":"lamp","quantity":1}]'


@dataclass(frozen=True, slots=True)
class Poison:
    """A kind of record; @shopper and @now in its value stand for what a test puts there."""

    name: str
    value: bytes | None
    reason: str = ""  # how the dead letter's begins
    units: int = 1  # what is held, where there is no reason
    headers: RawHeaders = ()
    key: bytes | None = b"@shopper"

    def record(self, shopper: str) -> RawRecord:
        """Give the record of one shopper, told now."""
        return RawRecord(_filled(self.key, shopper), _filled(self.value, shopper), self.headers)


def _filled(content: bytes | None, shopper: str) -> bytes | None:
    if content is None:
        return None
    now = datetime.now(UTC).isoformat().encode()
    return content.replace(b"@shopper", shopper.encode()).replace(b"@now", now)


def told(data: str = ITEMS, *, event_id: str = '"a-@shopper"') -> bytes:
    """Tell that a shopper is admitted; `data` is JSON, or not quite."""
    return (
        f'{{"id":{event_id},"type":"queue.consumer.admitted","timestamp":"@now",'
        '"organizationId":"acme","data":{"experienceId":"drop","queueId":"queue",'
        f'"consumerId":"@shopper","admittedAt":"@now",{data}}}}}'
    ).encode()


def _more(field: str) -> bytes:
    """Tell the same with a field that means nothing."""
    return told(f'{ITEMS},"extra":{field}')


NOT_JSON: Final = "not JSON: "
GOOD: Final = told()
MEGABYTE: Final = 1_000_000

VALUES: Final = (
    Poison("tombstone", None, "no value: a tombstone means nothing here"),
    Poison("empty", b"", NOT_JSON + "EOF while parsing"),
    Poison("not JSON", b"admitted: @shopper", NOT_JSON + "expected value"),
    Poison("half a record", GOOD[:-1], NOT_JSON + "EOF while parsing"),
    Poison("two records", GOOD + GOOD, NOT_JSON + "trailing characters"),
    Poison("no object", b'["@shopper"]', "not a JSON object"),
    Poison("1 MB of open arrays", b"[" * MEGABYTE, NOT_JSON + "recursion limit exceeded"),
    Poison(
        "1 MB of nested arrays",
        b"[" * (MEGABYTE // 2) + b"]" * (MEGABYTE // 2),
        NOT_JSON + "recursion limit exceeded",
    ),
    Poison("1 MB of open objects", b'{"a":' * (MEGABYTE // 5), NOT_JSON + "recursion limit"),
    Poison("deep where it means nothing", _more("[" * 300 + "]" * 300), NOT_JSON + "recursion"),
    Poison("less deep where it means nothing", _more("[" * 100 + "]" * 100)),
    Poison("1 MB where it means nothing", _more('"' + "x" * (MEGABYTE - 1_000) + '"')),
    # text
    Poison("not UTF-8", b"\xff\xfe" + GOOD, NOT_JSON + "expected value"),
    Poison("not UTF-8 in text", GOOD.replace(b"lamp", b"l\xffmp"), NOT_JSON + "invalid unicode"),
    Poison("UTF-16", GOOD.decode().encode("utf-16"), NOT_JSON + "expected value"),
    Poison("half a surrogate pair", _more('"\\ud800"'), NOT_JSON + "unexpected end of hex"),
    Poison("NUL byte", _more('"\0"'), NOT_JSON + "control character"),
    Poison("NUL bytes only", b"\0" * 100, NOT_JSON + "expected value"),
    Poison("NUL in the id", told(event_id='"\\u0000"'), "id: must not contain a NUL"),
    Poison(
        "NUL in a product",
        told('"items":[{"productId":"la\\u0000mp","quantity":1}]'),
        "data.items[0].productId: must not contain a NUL",
    ),
    Poison("NUL where it means nothing", _more('"\\u0000"')),
    # numbers
    Poison("NaN", _more("NaN"), NOT_JSON + "expected value"),
    Poison("Infinity", _more("Infinity"), NOT_JSON + "expected value"),
    Poison("-Infinity", _more("-Infinity"), NOT_JSON + "invalid number"),
    Poison("past 64 bits where it means nothing", _more("18446744073709551617")),
    Poison("past a double where it means nothing", _more("1e999")),
    Poison("5,000 digits", _more("9" * 5_000), NOT_JSON + "number out of range"),
    Poison(
        "units past 64 bits",
        told('"items":[{"productId":"lamp","quantity":18446744073709551617}]'),
        "data.items[0].quantity: must be at most 1000000000",
    ),
    Poison(
        "a time past 64 bits",
        told(f'{ITEMS},"expiresAt":18446744073709551617'),
        "data.expiresAt: must be an ISO 8601 time",
    ),
    # types
    Poison("a list for an object", told('"items":{"lamp":1}'), "data.items: must be a list"),
    Poison("text for units", GOOD.replace(b":1}", b':"1"}'), "data.items[0].quantity: must be"),
    Poison("a number for an id", told(event_id="7"), "id: must be a string"),
    Poison("a number for a type", b'{"type":7}', "type: must be a string"),
    Poison("no type", b"{}", "type: is missing"),
    Poison("a type that nobody knows", b'{"type":"queue.admitted"}', "type: 'queue.admitted' is"),
    # what is there twice: the last one counts
    Poison("units twice", GOOD.replace(b":1}", b':1,"quantity":2}'), units=2),
    Poison("a type twice", GOOD[:-1] + b',"type":"nonsense"}', "type: 'nonsense' is not known"),
    # keys
    Poison("no key", GOOD, key=None),
    Poison("a key that is not UTF-8", GOOD, key=b"\xff\0\xfe"),
    Poison("a key of 100 kB", GOOD, key=b"@shopper" * 12_500),
    Poison("no key and no value", None, "no value", key=None),
)

HEADERS: Final[dict[str, RawHeaders]] = {
    "no value": ((b"h", None),),
    "an empty value": ((b"h", b""),),
    "an empty name": ((b"", b"1"),),
    "a value that is not UTF-8": ((b"h", b"\xff\xfe\0"),),
    "one name often": tuple((b"h", str(n).encode()) for n in range(5)),
    "5,000 of them": tuple((f"h{n}".encode(), b"x") for n in range(5_000)),
    "100 kB of value": ((b"h", b"x" * 100_000),),
    "100 kB of name": ((b"h" * 100_000, b"x"),),
    "a name with a NUL": ((b"a\0b", b"1"),),
    "a name that is not UTF-8": ((b"before", b"1"), (b"na\xffme", b"2"), (b"after", None)),
    "half a surrogate pair in a name": ((b"\xed\xa0\x80", b"1"),),
    "a traceparent that is none": ((b"traceparent", b"\xff" * 55), (b"traceparent", None)),
    "names of ours": ((b"dlq.id", b"7"), (b"dlq.sequence", b"99"), (b"dlq.topic", b"elsewhere")),
}

# Each kind of header on a record that can be read, and on one that cannot.
POISON: Final = (
    *VALUES,
    *(Poison(f"headers: {name}", GOOD, headers=headers) for name, headers in HEADERS.items()),
    *(
        Poison(f"unreadable, headers: {name}", b"?", NOT_JSON, headers=headers)
        for name, headers in HEADERS.items()
    ),
)
