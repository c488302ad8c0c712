"""Ids are made from their cause, in the order of time."""

from datetime import UTC, datetime, timedelta, timezone
from uuid import RFC_4122, UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.identity import time_ordered_id, token_digest
from tests.unit.story import MIDNIGHT
from tests.unit.world import tell

instants = st.datetimes(
    min_value=datetime(1970, 1, 1), max_value=datetime(9998, 12, 31), timezones=st.just(UTC)
)
parts = st.lists(st.one_of(st.text(), st.integers(), st.none()), max_size=4)


@given(instants, parts)
def test_same_cause_makes_the_same_id(at: datetime, cause: list[object]) -> None:
    assert time_ordered_id(at, *cause) == time_ordered_id(at, *cause)


def test_id_of_a_cause_is_the_same_in_every_release() -> None:
    id_ = time_ordered_id(MIDNIGHT, "admitted", 3, 4711, "moon-lamp")

    assert id_ == UUID("01937f84-5800-855e-af22-de3e92840017")


@given(instants, parts)
def test_id_is_a_uuid_of_version_8(at: datetime, cause: list[object]) -> None:
    id_ = time_ordered_id(at, *cause)

    assert (id_.version, id_.variant) == (8, RFC_4122)


@given(instants, instants, parts, parts)
def test_ids_are_ordered_by_time(
    one: datetime, other: datetime, one_cause: list[object], other_cause: list[object]
) -> None:
    earlier, later = sorted([one, other])

    if later - earlier >= timedelta(milliseconds=2):  # floats may cut one off
        assert time_ordered_id(earlier, *one_cause) < time_ordered_id(later, *other_cause)


def test_id_begins_with_the_milliseconds_of_its_time() -> None:
    at = MIDNIGHT + timedelta(milliseconds=7)

    assert time_ordered_id(at, "admitted").int >> 80 == int(MIDNIGHT.timestamp()) * 1000 + 7


def test_id_does_not_depend_on_how_the_offset_from_utc_is_written() -> None:
    in_tokyo = MIDNIGHT.astimezone(timezone(timedelta(hours=9)))

    assert time_ordered_id(in_tokyo, "admitted", 3) == time_ordered_id(MIDNIGHT, "admitted", 3)


@given(parts, parts)
def test_different_causes_make_different_ids(one: list[object], other: list[object]) -> None:
    if [*map(str, one)] != [*map(str, other)]:
        assert time_ordered_id(MIDNIGHT, *one) != time_ordered_id(MIDNIGHT, *other)


@pytest.mark.parametrize("between", ["", " ", "/", ":", "|", "\x1f", "1:", "\n"])
def test_parts_do_not_run_into_each_other(between: str) -> None:
    one = time_ordered_id(MIDNIGHT, f"moon{between}lamp", "M")
    other = time_ordered_id(MIDNIGHT, "moon", f"lamp{between}M")

    assert one != other


def test_replay_makes_the_same_ids() -> None:
    sale = """
        stock  moon-lamp 3
        10:05  paid  bo
        10:00  admit ada moon-lamp 2
        10:00  admit bo  moon-lamp 1
        10:11  tick
        10:12  paid  ada moon-lamp 1 pouch 1
        10:00+3d tick
    """

    first, replay = tell(sale), tell(sale)

    assert [one.outcome_id for one in first.outcomes] == [one.outcome_id for one in replay.outcomes]
    assert list(first.reservations) == list(replay.reservations)


def test_reservation_has_one_id_whichever_record_brings_its_admission() -> None:
    once = tell("10:00 admit ada moon-lamp 1")
    elsewhere = tell("""
        10:00 admit bo  moon-lamp 1 lane=1
        10:00 admit ada moon-lamp 1 lane=1
    """)

    [reservation] = once.holds_of("ada")
    assert [reservation.id] == [one.id for one in elsewhere.holds_of("ada")]


def test_lines_whose_names_run_into_each_other_are_two_reservations() -> None:
    # A product may have any character in its id but NUL, also those that separate.
    world = tell("""
        stock  moon:4/lamp 1
        stock  moon/4:lamp 1
        10:00  admit ada moon:4/lamp 1 moon/4:lamp 1 \
            -> reserved moon:4/lamp 1 until 10:11, reserved moon/4:lamp 1 until 10:11
    """)

    assert len(world.reservations) == 2


def test_token_digest_is_its_sha_256() -> None:
    assert token_digest("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
