"""Counts outcomes as they are read from the topic, and puts them into few words."""

import json
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from service.outcome_reader import Published

_REASON_HEADER: Final = "dlq.reason"


class Said(NamedTuple):
    """A line of what happened: to whom, and why."""

    kind: str  # an outcome type, "late" for a late conversion, or "dead letter"
    what: str
    who: str
    why: str
    times: int = 1

    def is_like(self, other: "Said") -> bool:
        """Tell whether only the shopper differs."""
        return (self.kind, self.what, self.why) == (other.kind, other.what, other.why)


@dataclass(slots=True)
class Tally:
    """All outcomes that were read so far."""

    read: int = 0  # dead letters, too
    dead_letters: int = 0
    kinds: defaultdict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    reasons: defaultdict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    admissions: defaultdict[str, set[str]] = field(default_factory=lambda: defaultdict(set))

    @property
    def outcomes(self) -> int:
        """Give how many outcomes were read."""
        return self.read - self.dead_letters

    def note(self, records: Iterable[Published], dead_letters_topic: str) -> list[Said]:
        """Count records, and give a line for each."""
        said = []
        for record in records:
            self.read += 1
            if record.topic == dead_letters_topic:
                self.dead_letters += 1
                said.append(_dead_letter(record))
            else:
                said.append(self._outcome(json.loads(record.value or b"{}")))
        return said

    def _outcome(self, outcome: dict[str, Any]) -> Said:
        experience = outcome.get("experienceId", "")
        kind, why = _kind(outcome), outcome.get("reason", "")
        self.kinds[experience][kind] += 1
        self.admissions[experience].add(outcome.get("admissionId", ""))
        if kind == "rejected":
            self.reasons[experience][why] += 1
        who = outcome["consumerId"].removeprefix("cons_")
        return Said(kind, outcome.get("productId", ""), who, why)


def _kind(outcome: dict[str, Any]) -> str:
    return "late" if outcome.get("late") else str(outcome["type"])


def _dead_letter(record: Published) -> Said:
    reason = dict(record.headers).get(_REASON_HEADER) or b""
    who = (record.key or b"").decode(errors="replace").removeprefix("cons_")
    return Said("dead letter", "", who, reason.decode())
