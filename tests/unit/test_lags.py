"""Lags told by readings: how many records wait, and for how long the oldest has, at most."""

from service.lags import Lag, Lags, Reading

IDLE, NONE_WAITS = Reading(next_offset=10, end=10), Lag(0, 0.0)


def lags_of(*readings: tuple[float, Reading]) -> list[Lag]:
    """Give the lag after each reading of one partition."""
    lags: Lags[str] = Lags()
    return [lags.see(at, {"admitted[0]": reading})["admitted[0]"] for at, reading in readings]


def test_nothing_waits_where_all_is_applied() -> None:
    assert lags_of((100, IDLE), (200, IDLE)) == [NONE_WAITS, NONE_WAITS]


def test_what_waits_has_come_after_nothing_was_seen_to_wait() -> None:
    *_, first, second = lags_of((100, IDLE), (100.5, Reading(10, 13)), (103, Reading(10, 20)))

    assert (first, second) == (Lag(3, 0.5), Lag(10, 3))


def test_a_backlog_is_as_old_as_the_first_record_of_the_last_poll() -> None:
    backlog = (
        (5000, Reading(0, 4000)),
        (5001, Reading(0, 4000, polled_from=1400)),
        (5002, Reading(2000, 4000, polled_from=3200)),
    )

    assert lags_of(*backlog) == [Lag(4000, 0), Lag(4000, 3601), Lag(2000, 1802)]


def test_an_old_poll_does_not_make_a_new_record_old() -> None:
    *_, last = lags_of((7000, Reading(10, 10, polled_from=60)), (7001, Reading(10, 11, 10, 60)))

    assert last == Lag(1, 1)


def test_before_anything_was_polled_it_waits_for_as_long_as_somebody_looks() -> None:
    assert lags_of((100, Reading(0, 5)), (107, Reading(0, 5))) == [Lag(5, 0), Lag(5, 7)]


def test_markers_of_transactions_do_not_wait() -> None:
    marker, record = Reading(10, 11, position=11), Reading(10, 12)

    assert lags_of((100, marker), (101, Reading(10, 11)), (102, record)) == [
        NONE_WAITS,
        NONE_WAITS,  # nobody knows the position now, but what was passed stays passed
        Lag(1, 1),
    ]


def test_what_is_passed_counts_only_while_nothing_more_is_applied() -> None:
    *_, last = lags_of((100, Reading(10, 11, position=11)), (101, Reading(5, 11)))

    assert last.records == 6  # where to go on was set back


def test_a_record_of_tomorrow_makes_no_negative_lag() -> None:
    assert lags_of((100, Reading(0, 1, polled_from=9000))) == [Lag(1, 0)]


def test_a_partition_that_went_to_another_worker_and_came_back_begins_anew() -> None:
    lags: Lags[str] = Lags()
    lags.see(100, {"a": IDLE})

    assert lags.see(150, {}) == {}
    assert lags.see(500, {"a": Reading(10, 12)}) == {"a": Lag(2, 0)}
