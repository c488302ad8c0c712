"""The limits on dead letters: what reaches them, what never does, and what a restart remembers."""

from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumers.dead_letter_limit import (
    WINDOW_RECORDS,
    Limits,
    Place,
    Seen,
    TooManyDeadLetters,
    after,
    remembered,
)
from consumers.records import Batch
from schemas.journal import DeadLetter
from service.settings import Settings
from tests.unit.test_records import NOON, read, record

PLACE = (3, "admitted")
NO_LIMITS = Limits(share_max=1, run_max=0)
GOOD, BAD = ".", "x"


def batch(story: str, place: Place = PLACE) -> Batch:
    """Make a batch of a partition's records, good and bad ones."""
    made = Batch()
    made.counts[place] = len(story)
    bad = [n for n, kind in enumerate(story) if kind == BAD]
    made.unreadable = {place: [(n, letter(n)) for n in bad]} if bad else {}
    return made


def letter(offset: int) -> DeadLetter:
    return DeadLetter(3, "admitted", 3, offset, None, None, (), NOON, "not JSON: expected value")


def seen_after(*stories: str, limits: Limits = NO_LIMITS) -> Seen:
    seen: dict[Place, Seen] = {}
    for story in stories:
        seen = after(seen, batch(story), limits)
    return seen[PLACE]


def is_refused(*stories: str, limits: Limits) -> bool:
    """Tell whether the last of these batches is refused; those before it must not be."""
    seen: dict[Place, Seen] = {}
    for story in stories[:-1]:
        seen = after(seen, batch(story), limits)
    try:
        after(seen, batch(stories[-1]), limits)
    except TooManyDeadLetters:
        return True
    return False


@pytest.mark.parametrize(
    ("stories", "refused"),
    [
        (["xx"], False),
        (["xxx"], True),
        (["xx", "x"], True),
        (["xx", ".x"], False),
        (["xx.", "xx"], False),
        (["xx.", "xxx"], True),
        ([".xx.xx.xx.xxx.."], True),  # what comes after it in its batch does not help
        (["xx", "", "x"], True),
        (["." * 5_000, "xx", "x"], True),
    ],
)
def test_so_many_in_a_row_are_too_many(stories: list[str], refused: bool) -> None:
    assert is_refused(*stories, limits=Limits(share_max=1, run_max=3)) == refused


@pytest.mark.parametrize(
    ("stories", "refused"),
    [
        (["x" * 300], False),  # a window that is not full counts as good
        (["x" * 301], True),
        (["x" * 300, "." * 700, "x"], False),  # the first has left the window
        (["x" * 300, "." * 699, "x"], True),
        (["." * 699, "x." * 301], True),
        (["x..." * 1_000], False),
        (["x..." * 1_000, "xx.." * 200], True),
    ],
)
def test_more_than_a_share_of_the_last_1_000_is_too_much(stories: list[str], refused: bool) -> None:
    assert is_refused(*stories, limits=Limits(share_max=0.3, run_max=0)) == refused


@pytest.mark.parametrize("story", ["x" * 499, "x." * 1_000, ("x" * 499 + "." * 501) * 3])
def test_the_defaults_let_a_bad_hour_pass(story: str) -> None:
    assert not is_refused(story, limits=Limits())


@pytest.mark.parametrize("story", ["x" * 500, "xx." * 1_000])
def test_the_defaults_stop_a_topic_that_is_drained(story: str) -> None:
    assert is_refused(story, limits=Limits())


def test_the_defaults_are_those_of_the_settings() -> None:
    settings = Settings()

    assert Limits() == Limits(settings.dead_letters_share_max, settings.dead_letters_run_max)


def test_without_limits_nothing_is_too_much() -> None:
    assert not is_refused("x" * 5_000, "x" * 5_000, limits=NO_LIMITS)


def test_the_line_says_where_how_many_and_why() -> None:
    with pytest.raises(TooManyDeadLetters) as caught:
        after({}, batch("." * 10 + "x" * 500), Limits())

    assert caught.value.topic == "admitted"
    assert str(caught.value) == (
        "admitted[3] has 500 records in a row that cannot be read, up to offset 509: "
        "not JSON: expected value"
    )


def test_the_line_says_which_share_it_was() -> None:
    with pytest.raises(TooManyDeadLetters, match=r"admitted\[3\] has 501 of its last 1,000 rec"):
        after({}, batch("xx." * 1_000), Limits())


def test_each_partition_is_counted_for_itself() -> None:
    limits = Limits(share_max=1, run_max=3)

    seen = after({}, batch("xx", (0, "admitted")), limits)
    seen = after(seen, batch("xx", (1, "admitted")), limits)
    seen = after(seen, batch("xx", (0, "cart-updated")), limits)

    assert [one.run for one in seen.values()] == [2, 2, 2]


def test_a_refused_batch_leaves_what_was_seen_as_it_was() -> None:
    seen = {PLACE: seen_after("xx")}

    with pytest.raises(TooManyDeadLetters):
        after(seen, batch("x"), Limits(run_max=3))

    assert seen == {PLACE: seen_after("xx")}


def test_a_poll_is_counted_record_by_record() -> None:
    polled = read(
        *(record("admitted", b"?" * (n % 3 != 0), offset=n, lane=0) for n in range(6)),
        record("cart-updated", b"?", offset=7, lane=1),
    )

    assert polled.counts == {(0, "admitted"): 6, (1, "cart-updated"): 1}
    assert indices(polled, (0, "admitted")) == [0, 1, 2, 3, 4, 5]
    assert indices(polled, (1, "cart-updated")) == [0]


def test_good_records_of_a_poll_count_between_the_bad_ones() -> None:
    polled = read(
        *(record("admitted", b"?" if n % 3 else None, offset=10 + n) for n in range(7)),
    )

    assert polled.counts == {(0, "admitted"): 7}
    assert indices(polled, (0, "admitted")) == [1, 2, 4, 5]


def indices(polled: Batch, place: Place) -> list[int]:
    return [index for index, _ in polled.unreadable[place]]


@given(st.lists(st.text(alphabet=GOOD + BAD, max_size=2_000), max_size=4), st.integers(0, 10**12))
def test_dead_letters_alone_tell_a_successor_the_same(stories: list[str], first: int) -> None:
    told: dict[Place, Seen] = {PLACE: Seen(first)}
    for story in stories:
        told = after(told, batch(story), NO_LIMITS)

    successor = remembered(*place_and_offsets("".join(stories), first))

    assert (told[PLACE].bad, min(told[PLACE].run, WINDOW_RECORDS)) == (successor.bad, successor.run)
    assert told[PLACE].next_number == first + len("".join(stories))


def place_and_offsets(story: str, first: int) -> tuple[int, Iterable[int]]:
    offsets = [first + n for n, kind in enumerate(story) if kind == BAD]
    return first + len(story), offsets[-WINDOW_RECORDS:]
