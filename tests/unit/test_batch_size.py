"""How many records a poll asks for, after failures and after what went well."""

from collections.abc import Callable

from consumers.batch_size import BatchSize


def test_it_begins_with_the_most() -> None:
    assert BatchSize(2000).records == 2000


def test_every_failure_halves_it_down_to_one_record() -> None:
    size = BatchSize(2000)

    seen = [after(size.halve, size) for _ in range(12)]

    assert seen == [1000, 500, 250, 125, 62, 31, 15, 7, 3, 1, 1, 1]


def test_from_one_record_it_grows_back_to_the_most_and_stays_there() -> None:
    size = BatchSize(2000)
    for _ in range(11):
        size.halve()

    size.grow(1)  # the last batch that failed had one record

    seen = [size.records, *(after(lambda: size.grow(1), size) for _ in range(40))]

    assert seen[:8] == [2, 3, 4, 6, 8, 11, 14, 18]
    assert seen == sorted(seen)
    assert seen.index(2000) == 28
    assert seen[-1] == 2000


def test_a_batch_that_fails_from_a_certain_size_on_passes_in_a_few_attempts() -> None:
    """What Postgres gives up at more than 300 records is applied, in steps that come near 300."""
    size, left, attempts = BatchSize(2000), 10_000, 0
    while left > 0:
        attempts += 1
        if size.records > 300:
            size.halve()
        else:
            left -= size.records
            size.grow(size.records)

    assert attempts < 100


def test_a_limit_of_one_record_stays_one() -> None:
    size = BatchSize(1)
    size.halve()
    size.grow(1)

    assert size.records == 1


def test_it_does_not_grow_by_turns_that_apply_nothing() -> None:
    """A sweep and ticks follow each failure: they pass at any size."""
    size = BatchSize(2000)

    for _ in range(11):
        size.halve()
        for _ in range(4):
            size.grow(0)

    assert size.records == 1


def test_it_grows_once_as_many_records_are_applied_as_failed_together() -> None:
    size = BatchSize(64)
    size.halve()

    seen = [after(lambda: size.grow(20), size) for _ in range(4)]

    assert seen == [32, 32, 32, 41]


def after(step: Callable[[], None], size: BatchSize) -> int:
    step()
    return size.records
