"""When a consumer has stalled: stories in seconds that nobody has to wait for."""

import subprocess
import sys

import pytest

from service.stall import GiveUp, Place, Rebuild, Sight, StallRule

LAMPS, CUPS = "lamps[0]", "cups[0]"
LIMIT = 30.0


class Story:
    """Sees a consumer once a second; what changes is said, all else stays as it is."""

    def __init__(self) -> None:
        self.rule = StallRule(LIMIT, unassigned_seconds_max=60.0)
        self.now = 1000.0
        self.places = {LAMPS: Place(5, 5)}

    def goes_on(
        self,
        seconds: int,
        *,
        assigned: bool = True,
        reading: bool = True,
        kafka_answers: bool = True,
    ) -> Rebuild | GiveUp | None:
        """Let time go by, up to the first verdict."""
        for _ in range(seconds):
            self.now += 1
            places = self.places if kafka_answers else None
            verdict = self.rule.see(Sight(self.now, assigned, reading, places))
            if verdict is not None:
                return verdict
        return None


@pytest.fixture
def story() -> Story:
    return Story()


def test_who_has_read_everything_may_be_silent_for_ever(story: Story) -> None:
    assert story.goes_on(10_000) is None


def test_who_stands_still_while_there_is_more_is_replaced(story: Story) -> None:
    story.places[LAMPS] = Place(5, 9)

    assert story.goes_on(30) is None
    verdict = story.goes_on(1)

    assert verdict == Rebuild("no record for 30 s of lamps[0], which stands at 5 and ends at 9")


def test_one_partition_of_many_is_enough(story: Story) -> None:
    story.places = {LAMPS: Place(5, 9), CUPS: Place(0, 10_000)}

    for position in range(40):
        story.places[CUPS] = Place(position, 10_000)
        verdict = story.goes_on(1)
        if verdict is not None:
            break

    assert isinstance(verdict, Rebuild)
    assert LAMPS in verdict.why
    assert CUPS not in verdict.why


def test_several_are_told_by_their_number(story: Story) -> None:
    story.places = {LAMPS: Place(5, 9), CUPS: Place(0, 1)}

    verdict = story.goes_on(100)

    assert verdict == Rebuild(
        "no record for 30 s of cups[0] and 1 more, which stands at 0 and ends at 1"
    )


def test_a_slow_reader_is_no_stalled_one(story: Story) -> None:
    for position in range(5, 20):
        story.places[LAMPS] = Place(position, 1000)
        assert story.goes_on(29) is None


def test_records_that_come_again_and_again_are_the_databases_matter(story: Story) -> None:
    """Postgres refuses every batch: the same records are polled anew, so the consumer works."""
    for attempt in range(20):
        story.places[LAMPS] = Place(5, 9, polled_at=float(attempt))
        assert story.goes_on(20) is None


@pytest.mark.parametrize("waits_for", ["reading", "kafka_answers"])
def test_waiting_for_a_server_is_no_stall_and_the_time_begins_anew(
    story: Story, waits_for: str
) -> None:
    story.places[LAMPS] = Place(5, 9)
    assert story.goes_on(25) is None

    assert story.goes_on(10_000, **{waits_for: False}) is None

    assert story.goes_on(30) is None
    assert isinstance(story.goes_on(1), Rebuild)


def test_a_new_consumer_that_stalls_at_the_same_place_is_given_up(story: Story) -> None:
    story.places[LAMPS] = Place(5, 9)
    assert isinstance(story.goes_on(100), Rebuild)

    assert story.goes_on(30) is None
    verdict = story.goes_on(1)

    assert isinstance(verdict, GiveUp)
    assert verdict.why.endswith("stands at 5 and ends at 9: a new consumer has not helped")


def test_to_begin_again_further_back_is_no_progress(story: Story) -> None:
    story.places[LAMPS] = Place(7, 9)
    assert isinstance(story.goes_on(100), Rebuild)

    story.places[LAMPS] = Place(5, 9)

    assert isinstance(story.goes_on(100), GiveUp)


@pytest.mark.parametrize("helped", [Place(6, 9), Place(9, 9)])
def test_a_new_consumer_that_reads_has_helped_and_may_be_replaced_another_day(
    story: Story, helped: Place
) -> None:
    story.places[LAMPS] = Place(5, 9)
    assert isinstance(story.goes_on(100), Rebuild)
    story.places[LAMPS] = helped
    assert story.goes_on(1) is None

    story.places[LAMPS] = Place(helped.position, 20)

    assert isinstance(story.goes_on(100), Rebuild)


def test_another_partition_that_stalls_later_is_another_case(story: Story) -> None:
    story.places = {LAMPS: Place(5, 9), CUPS: Place(1, 1)}
    assert isinstance(story.goes_on(100), Rebuild)

    story.places = {LAMPS: Place(9, 9), CUPS: Place(1, 2)}

    assert isinstance(story.goes_on(100), Rebuild)


def test_what_became_anothers_is_not_ours_to_watch(story: Story) -> None:
    story.places = {LAMPS: Place(5, 9), CUPS: Place(1, 1)}
    assert story.goes_on(29) is None

    story.places = {CUPS: Place(1, 1)}

    assert story.goes_on(100) is None


def test_who_gets_no_lanes_for_long_joins_anew_and_never_ends_for_it(story: Story) -> None:
    assert story.goes_on(60, assigned=False) is None
    verdicts = [story.goes_on(100, assigned=False) for _ in range(5)]

    assert {type(verdict) for verdict in verdicts} == {Rebuild}
    assert story.goes_on(1000, assigned=False, kafka_answers=False) is None


def test_rebalances_do_not_add_up(story: Story) -> None:
    for _ in range(10):
        assert story.goes_on(50, assigned=False) is None
        assert story.goes_on(1) is None


def test_a_new_consumer_has_the_whole_time(story: Story) -> None:
    story.places[LAMPS] = Place(5, 9)
    assert story.goes_on(29) is None

    story.rule.forget_times()

    assert story.goes_on(30) is None


def test_a_process_whose_event_loop_is_blocked_ends_and_says_where() -> None:
    code = """
import asyncio, time
from service.blocked import end_when_blocked

async def main():
    password = "s3cret"
    watching = asyncio.create_task(end_when_blocked(0.5))
    await asyncio.sleep(1)  # longer than it may be blocked, and it is not
    print("turning", flush=True)
    time.sleep(60)

asyncio.run(main())
"""
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=30)

    assert ended.returncode == 1
    assert ended.stdout == "turning\n"
    assert "in main" in ended.stderr
    assert "s3cret" not in ended.stderr
