"""What is known of an admission, as it is kept: with its record, and with what was answered."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from pydantic_core import from_json, to_json

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


@dataclass(slots=True)
class KnownFact:
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
            and self.fact == other.model_copy(update={"event_id": self.fact.event_id})
        )


def pack(facts: Iterable[KnownFact]) -> str:
    """Write facts as JSON."""
    return to_json([_document(known) for known in facts]).decode() if facts else "[]"


def unpack(text: str) -> list[KnownFact]:
    """Read facts from JSON. Raises ValueError on what `pack` has not written."""
    return [_known(document) for document in from_json(text)] if text != "[]" else []


def _document(known: KnownFact) -> dict[str, Any]:
    document: dict[str, Any] = {
        "kind": _KIND_OF[type(known.fact)],
        "fact": known.fact.model_dump(exclude_defaults=True),
        "cause": list(known.cause[:4]),
    }
    if known.trace is not None:
        document["traceparent"] = known.trace.parent
        if known.trace.state:
            document["tracestate"] = known.trace.state
    if known.answer is not None:
        document["answer"] = known.answer
    if known.moved:
        document["moved"] = True
    if known.outcomes:
        document["outcomes"] = known.outcomes
    return document


def _known(document: dict[str, Any]) -> KnownFact:
    fact = KINDS[document["kind"]].model_validate(document["fact"])
    topic, partition, offset, line = document["cause"]
    cause = Cause(topic, partition, offset, line, fact.event_id)
    parent = document.get("traceparent")
    return KnownFact(
        fact,
        cause,
        Trace(parent, document.get("tracestate", "")) if parent is not None else None,
        document.get("answer"),
        document.get("moved", False),
        document.get("outcomes", 0),
    )


def in_order(facts: Sequence[KnownFact]) -> Sequence[KnownFact]:
    """Give facts in their order: by their times, and never by when they came."""
    if len(facts) < 2:
        return facts
    # What else they say is asked only where two are of one kind and one instant.
    places = [_time_and_rank(known) for known in facts]
    if len(set(places)) < len(places):
        return sorted(facts, key=fact_order)
    return sorted(facts, key=_time_and_rank)


def fact_order(known: KnownFact) -> tuple[Any, ...]:
    """Give the place of a fact among others; of the same facts it is the same, always."""
    return *_time_and_rank(known), known.fact.model_dump_json(exclude={"event_id"})


def _time_and_rank(known: KnownFact) -> tuple[datetime, int]:
    """Of facts at one instant: what opens is before what pays, and that before what closes."""
    fact = known.fact
    at_admission = isinstance(fact, CartUpdated) and fact.at_admission
    return event_time(fact), -1 if at_admission else _RANK[type(fact)]


_RANK: Final = {kind_type: rank for rank, kind_type in enumerate(KINDS.values())}
