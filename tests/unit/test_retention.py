"""How long what is over has to be kept, as an operator says it and is told."""

from datetime import timedelta

import pytest

from service.retention import in_words, read_long, retention_of, too_short

DAY = timedelta(days=1)


@pytest.mark.parametrize(
    ("text", "long"), [("72h", 3 * DAY), ("30d", 30 * DAY), ("12w", 84 * DAY), ("0d", 0 * DAY)]
)
def test_how_long(text: str, long: timedelta) -> None:
    assert read_long(text) == long


@pytest.mark.parametrize("text", ["", "90", "d", "1.5d", "-1d", "90 d", "2m", "100000d"])
def test_what_is_no_length_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="72h, 30d, 12w"):
        read_long(text)


def test_lengths_in_words() -> None:
    assert [in_words(one) for one in (DAY, 2 * DAY, 9 * DAY, timedelta(hours=60))] == [
        "24 hours",
        "2 days",
        "9 days",
        "2.5 days",
    ]


def test_two_days_are_the_least() -> None:
    assert too_short(2 * DAY, {}) is None
    assert too_short(1 * DAY, {}) == (
        "24 hours are too short: Fanfare repeats events for 2 days: keep it for 2 days at the least"
    )


def test_topics_keep_their_records_two_days_less() -> None:
    topics = {"admitted": 7 * DAY, "carts": 1 * DAY}

    assert too_short(9 * DAY, topics) is None
    assert too_short(9 * DAY - timedelta(hours=1), topics) == (
        "8.95833 days are too short: topic admitted keeps its records for 7 days (retention.ms),"
        " and Fanfare repeats events for 2 days: keep it for 9 days, or let the topic keep less"
    )


def test_a_topic_that_forgets_nothing_lets_nothing_be_forgotten() -> None:
    assert too_short(3000 * DAY, {"carts": None}) == (
        "topic carts keeps its records for ever (retention.ms): give it an end"
    )


def test_how_long_a_topic_keeps_its_records() -> None:
    assert retention_of(7 * 24 * 3600 * 1000) == 7 * DAY
    assert retention_of(0) == 0 * DAY


@pytest.mark.parametrize("milliseconds", [-1, 1000 * 365 * 24 * 3600 * 1000, 2**63 - 1])
def test_a_topic_without_an_end_keeps_its_records_for_ever(milliseconds: int) -> None:
    assert retention_of(milliseconds) is None
