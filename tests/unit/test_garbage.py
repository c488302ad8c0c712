"""A worker does not look for garbage where there is none, and still finds what there is."""

import gc
import weakref
from collections.abc import Iterator

import pytest

from service.garbage import NEW_OBJECTS_MAX, look_for_garbage_rarely


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    threshold = gc.get_threshold()
    yield
    gc.set_threshold(*threshold)
    gc.unfreeze()


class Node:
    """One that may point at itself."""

    def __init__(self) -> None:
        self.itself = self


def test_a_batch_of_objects_is_not_looked_at() -> None:
    look_for_garbage_rarely()
    looks = sum(generation["collections"] for generation in gc.get_stats())

    batch = [[number] for number in range(NEW_OBJECTS_MAX // 2)]

    assert sum(generation["collections"] for generation in gc.get_stats()) == looks, len(batch)


def test_a_cycle_is_found_in_the_end() -> None:
    look_for_garbage_rarely()
    gone = weakref.ref(Node())

    more = [[number] for number in range(2 * NEW_OBJECTS_MAX)]

    assert gone() is None, len(more)
