"""Stored offsets beside Kafka's: states, and what a move would mean."""

import pytest

from service.offsets import NEVER_READ, Move, Offsets, OffsetsRefused, choose, plan


def at(stored: int, first: int, end: int, **more: object) -> Offsets:
    return Offsets(0, "admitted", stored, first, end, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("offsets", "state", "lag"),
    [
        (at(5, 0, 9), "ok", 4),
        (at(9, 0, 9), "ok", 0),
        (at(4, 4, 9), "ok", 5),
        (at(NEVER_READ, 3, 9), "new", 6),
        (at(NEVER_READ, 0, 0), "new", 0),
        (at(3, 4, 9), "lost", 5),
        (at(3, 4, 9, is_ticks=True), "ok", 5),  # only the newest tick means anything
        (at(10, 0, 9), "ahead", 0),
        (at(10, 0, 9, is_ticks=True), "ahead", 0),
    ],
)
def test_state_and_lag(offsets: Offsets, state: str, lag: int) -> None:
    assert (offsets.state, offsets.lag) == (state, lag)


@pytest.mark.parametrize(
    ("offsets", "to", "skipped", "read_again", "gone"),
    [
        (at(5, 0, 9), "earliest", 0, 5, 0),
        (at(5, 0, 9), "latest", 4, 0, 0),
        (at(5, 0, 9), "7", 2, 0, 0),
        (at(5, 2, 9), "3", 0, 2, 0),
        (at(3, 7, 9), "earliest", 0, 0, 4),  # retention has taken 3 to 6
        (at(3, 7, 9), "latest", 2, 0, 4),
        (at(9, 0, 4), "earliest", 0, 0, 0),  # another topic of the same name: all of it is new
        (at(9, 0, 4), "latest", 4, 0, 0),
        (at(NEVER_READ, 2, 4), "latest", 2, 0, 0),
    ],
)
def test_a_move_says_what_it_skips_repeats_and_finds_gone(
    offsets: Offsets, to: str, skipped: int, read_again: int, gone: int
) -> None:
    (move,) = plan([offsets], to)

    assert (move.skipped, move.read_again, move.gone) == (skipped, read_again, gone)


def test_what_is_there_already_is_no_move() -> None:
    assert plan([at(9, 0, 9), at(5, 0, 9)], "latest") == [Move(at(5, 0, 9), 9)]


@pytest.mark.parametrize(
    ("to", "words"),
    [
        ("10", "admitted[0] has offsets 2 to 9"),
        ("1", "admitted[0] has offsets 2 to 9"),
        ("-1", "expected earliest, latest, or an offset"),
        ("soon", "expected earliest, latest, or an offset"),
    ],
)
def test_a_target_that_is_none_is_refused(to: str, words: str) -> None:
    with pytest.raises(OffsetsRefused) as refused:
        plan([at(5, 2, 9)], to)

    assert words in str(refused.value)


ALL = [Offsets(lane, topic, 0, 0, 0) for lane in (0, 1) for topic in ("admitted", "carts")]


@pytest.mark.parametrize(
    ("topic", "lane", "everything", "chosen"),
    [
        ("carts", None, False, [ALL[1], ALL[3]]),
        (None, 1, False, [ALL[2], ALL[3]]),
        ("carts", 1, False, [ALL[3]]),
        (None, None, True, ALL),
    ],
)
def test_offsets_are_chosen_by_topic_by_lane_or_all(
    topic: str | None, lane: int | None, everything: bool, chosen: list[Offsets]
) -> None:
    assert choose(ALL, topic=topic, lane=lane, everything=everything) == chosen


@pytest.mark.parametrize(
    ("topic", "lane", "everything", "words"),
    [
        (None, None, False, "say which"),
        ("carts", None, True, "say which"),
        ("cups", None, False, "cups is no input topic: admitted, carts"),
        (None, 2, False, "there is no lane 2: they are 0 to 1"),
    ],
)
def test_a_choice_that_means_nothing_is_refused(
    topic: str | None, lane: int | None, everything: bool, words: str
) -> None:
    with pytest.raises(OffsetsRefused, match=words):
        choose(ALL, topic=topic, lane=lane, everything=everything)
