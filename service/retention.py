"""How long what is over has to be kept at least, and whether an operator keeps it so long."""

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Final

from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import for_code

from service.settings import Settings
from service.topic_admin import administering

# Fanfare repeats and delays events by up to 44.5 hours.
REPEATS: Final = timedelta(days=2)

_LONG: Final = re.compile(r"(\d{1,5})([hdw])")
_UNITS: Final = {"h": "hours", "d": "days", "w": "weeks"}
_SETTING: Final = "retention.ms"
_EVER: Final = timedelta(days=1000 * 365)  # who writes so much, up to a 64-bit number, wants no end


def read_long(text: str) -> timedelta:
    """Read how long: 72h, 30d, 12w. Raises ValueError."""
    if found := _LONG.fullmatch(text):
        return timedelta(**{_UNITS[found[2]]: int(found[1])})
    raise ValueError(f"{text}: say how long in hours, days or weeks: 72h, 30d, 12w")


def in_words(kept: timedelta) -> str:
    """Write how long."""
    hours = kept / timedelta(hours=1)
    return f"{hours / 24:g} days" if hours >= 48 else f"{hours:g} hours"


def too_short(kept: timedelta, topics: Mapping[str, timedelta | None]) -> str | None:
    """Say why something is not kept for long enough, if it is not.

    `topics` are the input topics with how long they keep records; None: for ever. What Kafka has
    may be read again, and what Fanfare has sent may come again; neither must find it forgotten.
    """
    if kept < REPEATS:
        least = in_words(REPEATS)
        return (
            f"{in_words(kept)} are too short: Fanfare repeats events for {least}:"
            f" keep it for {least} at the least"
        )
    for topic, retention in topics.items():
        if retention is None:
            return f"topic {topic} keeps its records for ever ({_SETTING}): give it an end"
        if kept < retention + REPEATS:
            return (
                f"{in_words(kept)} are too short: topic {topic} keeps its records for"
                f" {in_words(retention)} ({_SETTING}), and Fanfare repeats events for"
                f" {in_words(REPEATS)}: keep it for {in_words(retention + REPEATS)}, or let the"
                " topic keep less"
            )
    return None


def retention_of(milliseconds: int) -> timedelta | None:
    """Give how long a topic of this `retention.ms` keeps its records; None: for ever."""
    is_ended = 0 <= milliseconds < _EVER / timedelta(milliseconds=1)
    return timedelta(milliseconds=milliseconds) if is_ended else None


async def topics_keep(settings: Settings) -> dict[str, timedelta | None]:
    """Ask how long the input topics keep their records, but the ticks; None: for ever.

    Raises KafkaError, also where brokers do not let us know.
    """
    ticks = settings.expiry_ticks_topic
    names = [name for name in settings.input_topics.values() if name != ticks]
    asked = [ConfigResource(ConfigResourceType.TOPIC, name, {_SETTING: None}) for name in names]
    async with administering(settings) as admin:
        answers = await admin.describe_configs(asked)
    kept: dict[str, timedelta | None] = {}
    for code, message, _, name, entries in (one for each in answers for one in each.resources):
        if code:
            raise for_code(code)(f"topic {name}: {message}")
        kept[name] = retention_of(int(entries[0][1]))
    return kept
