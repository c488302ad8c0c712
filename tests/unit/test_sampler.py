"""How old a sample becomes: what people watch stays fresh, what is dear is taken rarely."""

import pytest

from service.sampling.sampler import REST_SECONDS_MAX, rest_seconds


@pytest.mark.parametrize("name", ["ages", "journal", "refusals", "stock", "lines"])
def test_one_slow_moment_leaves_no_figure_old_for_long(name: str) -> None:
    """A crowd's first second may hold a sample up for half of it: dashboards go on."""
    assert rest_seconds(name, took_seconds=0.5) == pytest.approx(10)


def test_a_look_at_all_reservations_is_beside_one_event_in_a_hundred() -> None:
    assert rest_seconds("drift", took_seconds=1.3) == pytest.approx(130)


@pytest.mark.parametrize("name", ["stock", "drift"])
def test_none_rests_until_its_age_is_alarming(name: str) -> None:
    assert rest_seconds(name, took_seconds=60) == REST_SECONDS_MAX < 15 * 60
