"""The ledger language itself: a story that goes another way fails, and says where."""

import pytest

from tests.unit.story import Differs, Unreadable, instant, parse, time_in_words
from tests.unit.world import story, tell


def test_difference_names_the_line_and_shows_both_and_the_ledger() -> None:
    with pytest.raises(Differs) as differs:
        tell("""
            stock  moon-lamp 1
            10:00  admit ada moon-lamp 1  -> reserved moon-lamp 1 until 10:11
            10:05  left ada               -> released moon-lamp 1 consumer_denied  # wrong
        """)

    assert str(differs.value).splitlines() == [
        "line 4: 10:05 left ada",
        "  expected  released moon-lamp 1 consumer_denied",
        "  got       released moon-lamp 1 consumer_left",
        "",
        "     2 stock  moon-lamp 1",
        "     3 10:00  admit ada moon-lamp 1  -> reserved moon-lamp 1 until 10:11",
        "=>   4 10:05  left ada               -> released moon-lamp 1 consumer_denied  # wrong",
    ]


@pytest.mark.parametrize(
    "line",
    [
        "10:00 admit ada moon-lamp 1 -> nothing",
        "10:00 admit ada moon-lamp 1 -> duplicate",
        "10:00 admit ada moon-lamp 1 -> reserved moon-lamp 2 until 10:11",
        "10:00 admit ada moon-lamp 1 pouch 1 -> reserved moon-lamp 1 until 10:11",
        "10:00 paid ada -> nothing, nothing",
        "10:00 paid ada -> duplicate",
        "counters moon-lamp -> on_hand 2 reserved 0 allocated 0 sold 0",
        "counters moon-lamp -> on_hand 1",
        "holds ada -> moon-lamp 1 soft active",
        "active -> 1",
        "waiting -> ada",
        "10:00 cart ada moon-lamp 1 -> reserved moon-lamp 1 until 10:11",
        "10:00 extend ada 60 -> extended until 10:12",
        "10:00 cancel ada order=o-7 -> returned moon-lamp 1 order_cancelled order=o-7",
    ],
)
def test_story_that_goes_another_way_fails(line: str) -> None:
    with pytest.raises(Differs, match="line 2: "):
        story(f"stock moon-lamp 1\n{line}")


@pytest.mark.parametrize(
    "line",
    [
        "10:00 admit",
        "10:00 admit ada moon-lamp",
        "10:00 admit ada moon-lamp one",
        "10:00 sneezes ada",
        "10 admit ada",
        "10:00 admit ada colour=red",
        "10:00 paid ada until=10:10",
        "10:00 cart ada moon-lamp",
        "10:00 extend ada",
        "10:00 extend ada soon",
        "10:00 transfer ada",
        "10:00 release ada moon-lamp 1",
        "10:00 cancel ada moon-lamp 1 order=o-7",
        "10:00-d admit ada",
        "withdraw ada moon-lamp",
        "stock moon-lamp",
        "stock moon-lamp 1 2",
        "policy drop smooth",
        "discount moon-lamp 10",
    ],
)
def test_line_that_is_not_understood_is_named(line: str) -> None:
    with pytest.raises(Unreadable, match=f"line 2: {line}"):
        parse(f"stock moon-lamp 1\n{line}")


@pytest.mark.parametrize("time", ["10:00", "10:00:30", "23:59:59+2d", "00:00-1d", "10:00-400d"])
def test_time_is_worded_as_it_is_read(time: str) -> None:
    assert time_in_words(instant(time)) == time


def test_withdrawn_units_are_short_until_they_come_back() -> None:
    story("""
        stock  moon-lamp 2
        10:00  admit ada moon-lamp 2
        withdraw ada moon-lamp 1
        counters moon-lamp    -> on_hand 2 reserved 2 allocated 0 sold 0 short 1
        10:01  left ada
        counters moon-lamp    -> on_hand 1 reserved 0 allocated 0 sold 0
    """)


def test_line_without_an_expectation_may_bring_anything() -> None:
    tell("10:00 admit ada moon-lamp 1")


def test_comments_and_empty_lines_mean_nothing() -> None:
    assert parse("# once upon a time\n\n   # -> nothing\n") == []
