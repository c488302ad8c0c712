"""The outcomes topic, read from its beginning: numbered, each once, and what it says of whom."""

import json
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import Any

from producers.cloudevents import SEQUENCE_HEADERS, sequence_of
from producers.reading import Record, id_of
from tests.e2e.events import ADMITTED

Line = tuple[str, str]  # consumer and product

_TAKEN_BACK = frozenset({"returned", "released", "expired", "unfulfilled"})


@dataclass
class Answers:
    """What was said, added up record by record; `problems` is what cannot be."""

    count: int = 0
    types: Counter[str] = field(default_factory=Counter)
    admission: Counter[Line] = field(default_factory=Counter)  # reserved or rejected at its event
    payment: dict[Line, list[tuple[str, int]]] = field(default_factory=lambda: defaultdict(list))
    sold: dict[Line, int] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    _ids: set[str | None] = field(default_factory=set)
    _said: set[tuple[Any, ...]] = field(default_factory=set)
    _sequences: Counter[int] = field(default_factory=Counter)
    _sold_by: dict[Line, tuple[Any, ...]] = field(default_factory=dict)

    def add(self, record: Record) -> None:
        self.count += 1
        self._check_place(record)
        outcome = json.loads(record.value or b"{}")
        self._check_cause(outcome)
        self._note(outcome)

    def _check_place(self, record: Record) -> None:
        lane, sequence = record.partition, sequence_of(record.headers, SEQUENCE_HEADERS["outcomes"])
        self._sequences[lane] += 1
        if sequence != self._sequences[lane]:
            self.problems.append(f"lane {lane} has {sequence} in place {self._sequences[lane]}")
        if (id_ := id_of(record.headers, "outcomes")) in self._ids:
            self.problems.append(f"outcome {id_} is there twice")
        self._ids.add(id_)

    def _check_cause(self, outcome: dict[str, Any]) -> None:
        """An event that was applied twice would say the same twice."""
        said = (*_cause(outcome), outcome["type"], outcome.get("reason"), *_line(outcome))
        if said in self._said and outcome["cause"].get("offset") is not None:
            self.problems.append(f"one event said twice {said}")
        self._said.add(said)

    def _note(self, outcome: dict[str, Any]) -> None:
        line, type_, units = _line(outcome), outcome["type"], outcome.get("quantity", 0)
        self.types[type_] += 1
        if type_ in ("reserved", "rejected"):
            self.admission[line] += outcome["cause"]["topic"] == ADMITTED
        if type_ in ("converted", "unfulfilled"):
            self.payment[line].append((type_, units))
        if type_ == "converted":
            self.sold[line], self._sold_by[line] = units, _cause(outcome)
        elif type_ in _TAKEN_BACK and self._sold_by.get(line) != _cause(outcome):
            self.sold[line] = 0


def _cause(outcome: dict[str, Any]) -> tuple[Any, ...]:
    cause = outcome["cause"]
    return cause["topic"], cause["partition"], cause.get("offset")


def _line(outcome: dict[str, Any]) -> Line:
    return outcome["consumerId"], outcome.get("productId", "")
