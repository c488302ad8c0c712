"""The book: what a batch loaded, indexed as the rules ask for it, and what the rules changed."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from copy import copy
from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import UUID

from reservations.stock_moves import StockAsked
from schemas.adjusted import Adjusted, Adjustment
from schemas.outcomes import Outcome
from schemas.policy import DEFAULT_POLICY, Policy
from schemas.reservation import Admission, AdmissionKey, EarlyFact, Reservation
from schemas.stock import Pool, PoolKey, StockKey, StockLine, StockMove
from schemas.vocabulary import Result

ShopperKey = tuple[str, str]  # organization, consumer id

NEVER_TICKED = datetime.fromtimestamp(0, UTC)


@dataclass(slots=True)
class Changes:
    """What a batch has to save, and what it says to the world."""

    new_admissions: dict[AdmissionKey, Admission] = field(default_factory=dict)
    admissions: dict[AdmissionKey, Admission] = field(default_factory=dict)
    new_reservations: dict[UUID, Reservation] = field(default_factory=dict)
    reservations: dict[UUID, Reservation] = field(default_factory=dict)
    stock: dict[StockKey, StockLine] = field(default_factory=dict)
    pools: dict[PoolKey, Pool] = field(default_factory=dict)
    new_facts: dict[UUID, EarlyFact] = field(default_factory=dict)
    facts: dict[UUID, EarlyFact] = field(default_factory=dict)  # changed, or to be tried again
    ended_facts: set[UUID] = field(default_factory=set)
    holds_active: Counter[int] = field(default_factory=Counter)  # by lane, made minus ended
    adjustments: dict[UUID, Adjusted] = field(default_factory=dict)  # outcomes of their own
    outcomes: list[Outcome] = field(default_factory=list)
    results: Counter[tuple[str, Result]] = field(default_factory=Counter)  # by topic


class Book:
    """All that the rules may look at while they decide one batch; `changes` is what they did."""

    __slots__ = (
        "admissions",
        "admissions_by_also_id",
        "admissions_by_consumer",
        "admissions_by_token",
        "asked",
        "changes",
        "due_adjustments",
        "due_facts",
        "due_holds",
        "due_warnings",
        "facts_by_consumer",
        "last_tick",
        "now",
        "policies",
        "pools",
        "pruned_before",
        "reservations",
        "stock",
        "stock_before",
        "told_late",
    )

    def __init__(self) -> None:
        self.policies: dict[tuple[str, str], Policy] = {}
        self.stock: dict[StockKey, StockLine] = {}
        self.stock_before: dict[StockKey, StockLine] = {}  # as they were loaded
        self.asked = StockAsked()
        self.pools: dict[PoolKey, Pool] = {}
        self.last_tick: dict[int, datetime] = {}
        self.now = NEVER_TICKED  # the database's clock when the batch began
        # An admission that was over before this may have been applied and forgotten.
        self.pruned_before = NEVER_TICKED
        self.due_holds: defaultdict[int, list[Reservation]] = defaultdict(list)
        self.due_facts: defaultdict[int, list[EarlyFact]] = defaultdict(list)
        self.due_warnings: defaultdict[int, list[Reservation]] = defaultdict(list)
        self.due_adjustments: defaultdict[int, list[Adjustment]] = defaultdict(list)
        self.admissions: dict[AdmissionKey, Admission] = {}
        self.admissions_by_also_id: dict[AdmissionKey, Admission] = {}
        self.admissions_by_consumer: defaultdict[ShopperKey, list[Admission]] = defaultdict(list)
        self.admissions_by_token: dict[tuple[str, str], Admission] = {}
        self.reservations: defaultdict[AdmissionKey, list[Reservation]] = defaultdict(list)
        self.facts_by_consumer: defaultdict[ShopperKey, list[EarlyFact]] = defaultdict(list)
        # Admissions of which it is known only now, or otherwise now, of which experience they are.
        self.told_late: set[AdmissionKey] = set()
        self.changes = Changes()

    def policy(self, organization_id: str, experience_id: str) -> Policy:
        """Give the experience's policy, or the default where it has none."""
        return self.policies.get((organization_id, experience_id), DEFAULT_POLICY)

    def last_tick_of(self, lane: int) -> datetime:
        """Give the instant of the lane's last tick, by which its holds have ended."""
        return self.last_tick.get(lane, NEVER_TICKED)

    def load_admission(self, admission: Admission) -> None:
        """Put an admission where the rules find it: by its ids, by its shoppers, by token."""
        self.admissions[admission.key] = admission
        self.index_admission(admission)

    def index_admission(self, admission: Admission) -> None:
        """Let an admission be found by what was learnt of it."""
        organization_id = admission.key.organization_id
        if admission.also_id is not None:
            also = AdmissionKey(organization_id, admission.also_id)
            self.admissions_by_also_id[also] = admission
        if admission.token_digest is not None:
            self.admissions_by_token[organization_id, admission.token_digest] = admission
        for shopper in shoppers_of(admission):
            theirs = self.admissions_by_consumer[shopper]
            # Most have none yet, of whom nothing has to be asked.
            if not theirs or not any(one is admission for one in theirs):
                theirs.append(admission)

    def load_stock(self, lines: Iterable[StockLine]) -> None:
        """Put stock lines where the rules find them, and keep what they were."""
        for line in lines:
            self.stock[line.key] = line
            self.stock_before[line.key] = copy(line)

    def stock_moves(self) -> list[StockMove]:
        """Give what was decided to be added to stock lines, and which they have to be for that."""
        return self.asked.moves(self.stock_before, self.changes.stock)

    def load_reservation(self, reservation: Reservation) -> None:
        """Put a reservation with its admission."""
        self.reservations[reservation.admission_key].append(reservation)

    def load_fact(self, fact: EarlyFact) -> None:
        """Put an early fact where the admission that it waits for finds it."""
        self.facts_by_consumer[shopper_of(fact)].append(fact)

    def add_admission(self, admission: Admission) -> None:
        """Add a new admission."""
        self.load_admission(admission)
        self.changes.new_admissions[admission.key] = admission

    def add_reservation(self, reservation: Reservation) -> None:
        """Add a new reservation; what it does to the stock is `strategies.move`."""
        self.load_reservation(reservation)
        self.changes.new_reservations[reservation.id] = reservation

    def add_fact(self, fact: EarlyFact) -> None:
        """Keep an early fact."""
        self.load_fact(fact)
        self.changes.new_facts[fact.id] = fact

    def touch_admission(self, admission: Admission) -> None:
        """Note that an admission changed."""
        if admission.key not in self.changes.new_admissions:
            self.changes.admissions[admission.key] = admission

    def touch_reservation(self, reservation: Reservation) -> None:
        """Note that a reservation changed."""
        if reservation.id not in self.changes.new_reservations:
            self.changes.reservations[reservation.id] = reservation

    def touch_fact(self, fact: EarlyFact) -> None:
        """Note that an early fact changed."""
        if fact.id not in self.changes.new_facts:
            self.changes.facts[fact.id] = fact

    def end_fact(self, fact: EarlyFact) -> None:
        """Forget an early fact: it was applied, or its time to live is over."""
        self.facts_by_consumer[shopper_of(fact)].remove(fact)
        self.changes.facts.pop(fact.id, None)
        if self.changes.new_facts.pop(fact.id, None) is None:
            self.changes.ended_facts.add(fact.id)


def shoppers_of(admission: Admission) -> list[ShopperKey]:
    """Give whose an admission is, and was before it was transferred."""
    organization_id, guest_id = admission.key.organization_id, admission.guest_id
    owner = organization_id, admission.consumer_id
    return [owner] if guest_id is None else [owner, (organization_id, guest_id)]


def shopper_of(fact: EarlyFact) -> ShopperKey:
    """Give whose an early fact is."""
    return fact.known.fact.organization_id, fact.known.fact.consumer_id
