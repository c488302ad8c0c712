"""What a run says: a line a fault while it goes on, and the figures and the verdict at the end."""

import time
from collections import Counter
from dataclasses import dataclass, field

from tests.chaos.plan import Fault

PROBLEMS_SHOWN = 20


@dataclass
class Report:
    """What is known of a run so far."""

    seed: int
    faults: int
    began: float = field(default_factory=time.monotonic)
    by_kind: Counter[str] = field(default_factory=Counter)
    longest: dict[str, float] = field(default_factory=dict)  # wait for an answer, by kind
    events: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    ended_by_itself: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    def say(self, line: str) -> None:
        print(line, flush=True)

    def fault(self, fault: Fault, recovered: float, longest: float) -> None:
        """Say of a fault how long the lanes took to answer after it, and the longest wait."""
        self.by_kind[fault.kind] += 1
        self.longest[fault.kind] = max(self.longest.get(fault.kind, 0.0), longest)
        number = f"{fault.number:>4}/{self.faults}"
        self.say(f"{number}  {fault!s:<48} back in {recovered:>4.1f} s, waited {longest:>4.1f} s")

    def end(self) -> bool:
        """Say the figures and the verdict; tell whether all is well."""
        seconds = time.monotonic() - self.began
        self.say(f"\nseed {self.seed}, {sum(self.by_kind.values())} faults in {seconds:.0f} s")
        for kind, count in sorted(self.by_kind.items()):
            self.say(f"  {count:>4}  {kind:<32} longest wait {self.longest[kind]:>5.1f} s")
        kinds = ", ".join(f"{count:,} {kind}" for kind, count in self.outcomes.most_common())
        self.say(f"{self.events:,} events sent, {self.outcomes.total():,} outcomes: {kinds}")
        self.say(f"longest stall: {max(self.longest.values(), default=0.0):.1f} s")
        for words, times in Counter(map(_last_words, self.ended_by_itself)).items():
            self.say(f"{times} times a worker ended by itself: {words}")
        for problem in self.problems[:PROBLEMS_SHOWN]:
            self.say(f"WRONG: {problem}")
        if len(self.problems) > PROBLEMS_SHOWN:
            self.say(f"WRONG: {len(self.problems) - PROBLEMS_SHOWN} more")
        verdict = "nothing lost, nothing twice" if not self.problems else "the promise is broken"
        self.say(f"verdict: {verdict}")
        return not self.problems


def _last_words(ended: str) -> str:
    """Leave out where the log is, and the address that the worker was given."""
    return ended.partition(".log: ")[2].partition(" at 127.0.0.1")[0] or ended
