"""What is known of an admission, as it is kept: with its record, and with what was answered."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Final

from msgspec import Raw, Struct, json
from msgspec.structs import asdict, replace

from schemas.events import (
    AdmissionEnded,
    CartUpdated,
    Cause,
    CheckoutCompleted,
    ExtendRequested,
    Fact,
    OrderCancelled,
    ReleaseRequested,
    TransferRequested,
    event_time,
)
from schemas.trace import Trace

KINDS: Final[dict[str, type[Fact]]] = {
    "cart": CartUpdated,
    "paid": CheckoutCompleted,
    "cancelled": OrderCancelled,
    "extend": ExtendRequested,
    "release": ReleaseRequested,
    "transfer": TransferRequested,
    "ended": AdmissionEnded,
}
# The topic of facts that a migration made of rows: what they say was acted upon already.
MIGRATED: Final = "migrated"

_KIND_OF: Final = {kind_type: kind for kind, kind_type in KINDS.items()}


class KnownFact(Struct, gc=False):
    """A fact, and where it came from.

    `answer` is what was said of it: a reason for refusing, or the outcome's type. `moved`: it was
    applied to another admission before, so outcomes were made of its record already.
    """

    fact: Fact
    cause: Cause
    trace: Trace | None = None
    answer: str | None = None
    moved: bool = False
    outcomes: int = 0  # that were said of it alone: they number the outcomes' ids

    def says_the_same(self, other: Fact) -> bool:
        """Tell whether two facts say the same, be it under two delivery ids."""
        return (
            type(self.fact) is type(other)
            and event_time(self.fact) == event_time(other)
            and self.fact == replace(other, event_id=self.fact.event_id)
        )


def pack(facts: Iterable[KnownFact]) -> str:
    """Write facts as JSON."""
    return _JSON.encode([_document(known) for known in facts]).decode() if facts else "[]"


def unpack(text: str) -> list[KnownFact]:
    """Read facts from JSON. Raises ValueError on what `pack` has not written."""
    return [_known(document) for document in _READ.decode(text)] if text != "[]" else []


class _Document(Struct, omit_defaults=True, gc=False):
    """How a fact is kept; of its cause all but the event's id, which the fact has."""

    kind: str
    fact: Any
    cause: tuple[str, int, int | None, int]
    traceparent: str | None = None
    tracestate: str = ""
    answer: str | None = None
    moved: bool = False
    outcomes: int = 0


class _Kept(_Document):
    """The same, as it is read: the kind says how to read the fact."""

    fact: Raw


_JSON: Final = json.Encoder()
_READ: Final = json.Decoder(list[_Kept])
_READ_FACT: Final[dict[str, json.Decoder[Fact]]] = {
    kind: json.Decoder(fact_type) for kind, fact_type in KINDS.items()
}


def _document(known: KnownFact) -> _Document:
    trace = known.trace
    return _Document(
        _KIND_OF[type(known.fact)],
        known.fact,
        known.cause[:4],
        trace.parent if trace else None,
        trace.state if trace else "",
        known.answer,
        known.moved,
        known.outcomes,
    )


def _known(kept: _Kept) -> KnownFact:
    fact = _READ_FACT[kept.kind].decode(kept.fact)
    cause = Cause(*kept.cause, fact.event_id)
    trace = Trace(kept.traceparent, kept.tracestate) if kept.traceparent is not None else None
    return KnownFact(fact, cause, trace, kept.answer, kept.moved, kept.outcomes)


def in_order(facts: Sequence[KnownFact]) -> Sequence[KnownFact]:
    """Give facts in their order: by their times, and never by when they came."""
    if len(facts) < 2:
        return facts
    # What else they say is asked only where two are of one kind and one instant.
    by_place = {_time_and_rank(known): known for known in facts}
    if len(by_place) < len(facts):
        return sorted(facts, key=fact_order)
    return [by_place[place] for place in sorted(by_place)]


def fact_order(known: KnownFact) -> tuple[Any, ...]:
    """Give the place of a fact among others; of the same facts it is the same, always."""
    # All fields are there, also those that say nothing: what is missing has its place among others.
    return *_time_and_rank(known), _JSON.encode(asdict(known.fact) | {"event_id": ""})


def _time_and_rank(known: KnownFact) -> tuple[datetime, int]:
    """Of facts at one instant: what opens is before what pays, and that before what closes."""
    fact = known.fact
    at_admission = isinstance(fact, CartUpdated) and fact.at_admission
    return event_time(fact), -1 if at_admission else _RANK[type(fact)]


_RANK: Final = {kind_type: rank for rank, kind_type in enumerate(KINDS.values())}
