"""What a field of a payload may be called, and what it may hold.

A name is read in camelCase and in snake_case; of several names, the first that is there counts.
Source: Fanfare's five vocabularies, whose tokens and instants have a name each for the same thing.
"""

from datetime import UTC, datetime, timedelta
from typing import Annotated, Final, get_args

from pydantic import AfterValidator, AliasChoices, AliasPath, AwareDatetime, Field, ValidationInfo
from pydantic.alias_generators import to_snake
from pydantic_core import PydanticCustomError

from schemas.identity import token_digest
from schemas.vocabulary import DistributionType

ID_BYTES_MAX: Final = 512  # an entry of a Postgres index has 2,704 bytes, and up to four ids in it
QUANTITY_MAX: Final = 1_000_000_000
EXTENSION_SECONDS_MAX: Final = 24 * 3600
FUTURE_SECONDS_MAX: Final = 3600  # what the clocks of two machines may differ by, and more
EARLIEST: Final = datetime(1970, 1, 1, tzinfo=UTC)
LATEST: Final = datetime(9999, 1, 1, tzinfo=UTC)  # leaves room to add the longest window
_MECHANISMS: Final[dict[str, DistributionType]] = {
    word: word for word in get_args(DistributionType)
}
FUTURE_MAX: Final = timedelta(seconds=FUTURE_SECONDS_MAX)

REFUSED: Final = "refused"  # the kind of those errors whose message is written here
RECORDED_AT: Final = "recorded_at"  # in the context of a validation: the record's time in Kafka

TOKENS: Final = (
    "admissionToken",
    "paymentToken",
    "claimToken",
    "handoffToken",
    "token",
    "admissionGrant",
    "admittanceToken",
)
WINDOW_ENDS: Final = (
    "expiresAt",
    "claimDeadline",
    "admissionGrantExpiresAt",
    "admittanceExpiresAt",
)
DISTRIBUTIONS: Final = ("distributionId", "queueId", "drawId", "auctionId", "timedReleaseId")
_ENVELOPE_TIMES: Final = ("timestamp", "created")


def named(*names: str) -> AliasChoices:
    """Give the names of a field of an object, in both spellings."""
    return AliasChoices(*_spellings(names))


def in_data(*names: str, else_envelope: tuple[str, ...] = ()) -> AliasChoices:
    """Give the names of a field of a record: in its `data`, else in its envelope."""
    paths = [AliasPath("data", name) for name in _spellings(names)]
    return AliasChoices(*paths, *_spellings(else_envelope))


def time_of(*names: str) -> AliasChoices:
    """Give the names of an event's time: the fact's own, else that of its envelope."""
    return in_data(*names, else_envelope=_ENVELOPE_TIMES)


def _spellings(names: tuple[str, ...]) -> list[str]:
    return list(dict.fromkeys([*names, *map(to_snake, names)]))


def _storable(text: str) -> str:
    if "\0" in text:
        raise PydanticCustomError(REFUSED, "must not contain a NUL character")
    if len(text.encode()) > ID_BYTES_MAX:
        raise PydanticCustomError(REFUSED, f"must be at most {ID_BYTES_MAX} bytes long")
    return text


def _storable_or_none(text: str) -> str | None:
    return _storable(text) or None


def _digest_or_none(token: str) -> str | None:
    return token_digest(token) if token else None


def _utc(at: datetime) -> datetime:
    try:
        at = at.astimezone(UTC)  # before it is compared: of one zone that takes a tenth of the time
    except OverflowError:  # its offset leads out of all years
        at = LATEST
    if not EARLIEST <= at < LATEST:
        raise PydanticCustomError(REFUSED, "must be in the years 1970 to 9998")
    return at


def _happened(at: datetime, info: ValidationInfo) -> datetime:
    """Refuse what has not happened yet: as the newest word on a cart it would stand for years."""
    at, recorded_at = _utc(at), (info.context or {}).get(RECORDED_AT)
    if recorded_at is not None and at - recorded_at > FUTURE_MAX:
        raise PydanticCustomError(REFUSED, "is more than an hour after the record's own time")
    return at


def known_or_other(word: str) -> DistributionType:
    """Give a mechanism that Fanfare names, or "other"."""
    return _MECHANISMS.get(word, "other")


# Ids are opaque text that Postgres can store and index. An `Id` may be "", a `Name` may not.
Id = Annotated[str, AfterValidator(_storable)]
Name = Annotated[str, Field(min_length=1), AfterValidator(_storable)]
IdOrNone = Annotated[str, AfterValidator(_storable_or_none)] | None

# Tokens are secrets: what comes out of validation is a digest.
Token = Annotated[str, AfterValidator(_digest_or_none)] | None

# ISO 8601 with an offset, or a number: of seconds, and above 20,000,000,000 of milliseconds.
Instant = Annotated[AwareDatetime, AfterValidator(_utc)]

# When an event happened: an instant, and none to come.
Happened = Annotated[AwareDatetime, AfterValidator(_happened)]

Quantity = Annotated[int, Field(strict=True, ge=1, le=QUANTITY_MAX)]
ExtensionSeconds = Annotated[int, Field(strict=True, ge=1, le=EXTENSION_SECONDS_MAX)]

Mechanism = Annotated[str, AfterValidator(known_or_other)]
