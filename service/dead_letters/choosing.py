"""Which dead letters an operator means: by id, by the place of a record, or since when."""

import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple
from uuid import UUID

from db.dead_letters import Place

_AGO: Final = re.compile(r"(\d{1,6})([smhd])")
_UNITS: Final = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_OFFSET_MAX: Final = 2**63 - 1
_PARTITION_MAX: Final = 2**31 - 1


class Chosen(NamedTuple):
    """Ids and places that were named."""

    ids: Sequence[UUID]
    places: Sequence[Place]


def read_chosen(names: Iterable[str]) -> Chosen:
    """Read ids and TOPIC/PARTITION/OFFSET. Raises ValueError with what is wrong."""
    ids: list[UUID] = []
    places: list[Place] = []
    for name in names:
        if place := _place(name):
            places.append(place)
        else:
            ids.append(_id(name))
    return Chosen(ids, places)


def read_since(text: str, now: datetime) -> datetime:
    """Read an instant, or how long ago: 30s, 15m, 2h, 7d. Raises ValueError."""
    if ago := _AGO.fullmatch(text):
        return now - timedelta(**{_UNITS[ago[2]]: int(ago[1])})
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(
            f"--since {text}: say how long ago (30s, 15m, 2h, 7d), or an ISO 8601 time"
        ) from None
    return at.astimezone(UTC)


def _place(name: str) -> Place | None:
    topic, _, rest = name.partition("/")
    partition, _, offset = rest.partition("/")
    if not topic or not (partition + offset).isdecimal() or not (partition and offset):
        return None
    place = Place(topic, int(partition), int(offset))
    return place if place.partition <= _PARTITION_MAX and place.offset <= _OFFSET_MAX else None


def _id(name: str) -> UUID:
    try:
        return UUID(name)
    except ValueError:
        raise ValueError(
            f"{name}: neither an id nor TOPIC/PARTITION/OFFSET; "
            "`reservations dead-letters list` has both"
        ) from None
