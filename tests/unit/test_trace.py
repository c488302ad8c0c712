"""Which headers are a place in a trace, by W3C Trace Context, and what of them is passed on."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.trace import STATE_LENGTH_MAX, Trace, trace_of

TRACE_ID, SPAN_ID = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
PARENT = f"00-{TRACE_ID}-{SPAN_ID}-01"


@pytest.mark.parametrize(
    "parent",
    [
        PARENT,
        f"00-{TRACE_ID}-{SPAN_ID}-00",
        f"00-{TRACE_ID}-{SPAN_ID}-ff",
        f"cc-{TRACE_ID}-{SPAN_ID}-01",
        f"cc-{TRACE_ID}-{SPAN_ID}-01-what-comes-later",
        f"00-{'0' * 31}1-{'0' * 15}1-01",
    ],
)
def test_a_traceparent_is_passed_on_as_it_is(parent: str) -> None:
    assert trace_of([("traceparent", parent.encode())]) == Trace(parent)


@pytest.mark.parametrize(
    "parent",
    [
        "",
        "short",
        f"ff-{TRACE_ID}-{SPAN_ID}-01",
        f"00-{TRACE_ID}-{SPAN_ID}-01-more",
        f"cc-{TRACE_ID}-{SPAN_ID}-01.more",
        f"cc-{TRACE_ID}-{SPAN_ID}-01-{'x' * 201}",
        f"00-{TRACE_ID.upper()}-{SPAN_ID}-01",
        f"00-{TRACE_ID}-{SPAN_ID.upper()}-01",
        f"00-{'0' * 32}-{SPAN_ID}-01",
        f"00-{TRACE_ID}-{'0' * 16}-01",
        f"00-{TRACE_ID}-{SPAN_ID}-0g",
        f"00_{TRACE_ID}_{SPAN_ID}_01",
        f" {PARENT}",
        f"{PARENT}\n",
        "\0" * 55,
        "ÿ" * 55,
    ],
)
def test_what_is_no_traceparent_is_left_out_with_its_state(parent: str) -> None:
    assert trace_of([("traceparent", parent.encode()), ("tracestate", b"shop=1")]) is None


def test_a_header_without_a_value_is_none() -> None:
    assert trace_of([("traceparent", None)]) is None
    assert trace_of([("traceparent", None), ("traceparent", PARENT.encode())]) == Trace(PARENT)
    assert trace_of([]) is None


def test_a_state_is_passed_on_and_several_are_one() -> None:
    parent = ("traceparent", PARENT.encode())
    states = [("tracestate", b"a=1"), ("tracestate", None), ("tracestate", b"b=2,c=3")]

    assert trace_of([*states[:1], parent]) == Trace(PARENT, "a=1")
    assert trace_of([parent, *states]) == Trace(PARENT, "a=1,b=2,c=3")


@pytest.mark.parametrize("state", [b"", b"a=\n", b"a=\xff", b"a=" + b"x" * (STATE_LENGTH_MAX - 1)])
def test_a_state_that_is_none_is_left_out_alone(state: bytes) -> None:
    assert trace_of([("traceparent", PARENT.encode()), ("tracestate", state)]) == Trace(PARENT)


def test_the_longest_state_that_has_to_be_passed_on_is() -> None:
    state = "a=" + "x" * (STATE_LENGTH_MAX - 2)

    headers = [("traceparent", PARENT.encode()), ("tracestate", state.encode())]

    assert trace_of(headers) == Trace(PARENT, state)


@given(st.lists(st.tuples(st.sampled_from(["traceparent", "tracestate"]), st.binary(max_size=60))))
def test_whatever_the_headers_are_they_are_read(headers: list[tuple[str, bytes | None]]) -> None:
    found = trace_of(headers)

    assert found is None or (found.parent + found.state).isprintable()
