"""A small language for ledgers: one thing a line, and what is expected of it in the last column.

    policy  drop  soft per_line window=600 buffer=60
    stock   moon-lamp 1
    10:00   admit ada moon-lamp 1       -> reserved moon-lamp 1 until 10:11
    10:00   admit bo  moon-lamp 1       -> rejected moon-lamp 1 insufficient_stock
    10:05   paid  ada                   -> converted moon-lamp 1
    10:05   paid  ada                   -> duplicate
    counters moon-lamp                  -> on_hand 0 reserved 0 allocated 0 sold 1

Lines are applied in their order, whatever their times. After `->` stand all the outcomes that the
line causes, in order, with commas between; `nothing` if there are none, or what became of the event
then: `duplicate`, `early`, `stale`. Without `->` anything may come. `#` begins a comment.

    policy EXPERIENCE [STRATEGY] [CART] [items=SKU:UNITS,...]
           [window= or queue= draw= auction= timed_release= other=] [buffer= cap= early=]
           [late= oversell= restock=no extensions= extension_seconds= release=no transfer=no]
           [per_sku= per_experience= open_holds=]     limits of a consumer
    stock  SKU UNITS|untracked [org=]     SKU is PRODUCT or PRODUCT/VARIANT
    pool   EXPERIENCE SKU UNITS [org=]    units of the stock line, set aside
    TIME   admit SHOPPER [SKU UNITS]... [until=TIME type=]
    TIME   paid  SHOPPER [SKU UNITS]... [order=]
    TIME   left | denied | lapsed SHOPPER     lapsed: Fanfare says that the admission expired
    TIME   cart  SHOPPER [SKU UNITS]...       the whole cart; no lines: it is empty
    TIME   cancel SHOPPER order=              the order was cancelled
    TIME   extend SHOPPER SECONDS | release SHOPPER | transfer SHOPPER TO
           of all these: [in=EXPERIENCE via=DISTRIBUTION org= id= token= event= lane=]
    TIME   tick [lane=] [sweep=yes]       a sweep is a tick that no record asked for
    withdraw SHOPPER SKU UNITS            an operator took units away that the shopper holds
    clock  TIME                           the clock of Postgres, where no tick tells it
    pruned TIME                           what was over before may be forgotten
    counters SKU | pooled EXPERIENCE SKU | holds SHOPPER | active | waiting

TIME is 10:00, 10:00:30 or, two days later, 10:00+2d, or two days before, 10:00-2d. The time of an
event is its own, not that of its delivery: the clock is at the first event's time, and only ticks
and `clock` move it.
This module reads stories and words answers; `world` tells stories in memory.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from textwrap import dedent
from typing import Final, get_args

from schemas.events import (
    AdmissionEnded,
    Admitted,
    AnyEvent,
    Arrival,
    CartUpdated,
    Cause,
    CheckoutCompleted,
    ExpiryTick,
    ExtendRequested,
    Item,
    OrderCancelled,
    ReleaseRequested,
    TransferRequested,
    event_of,
)
from schemas.identity import token_digest
from schemas.outcomes import Outcome
from schemas.policy import Policy
from schemas.reservation import Reservation
from schemas.stock import Pool, PoolKey, StockKey, StockLine
from schemas.vocabulary import AdmissionEnd, Result, Strategy, Topic

MIDNIGHT: Final = datetime(2024, 12, 1, tzinfo=UTC)
ORGANIZATION: Final = "acme"
EXPERIENCE: Final = "drop"
DOOR: Final = "door"  # the distribution that shoppers come through where a line names none

WINDOWS: Final = ("queue", "draw", "auction", "timed_release", "other")
ENDS: Final[dict[str, AdmissionEnd]] = {"left": "left", "denied": "denied", "lapsed": "expired"}
NUMBERS_OF_A_POLICY: Final = {
    "buffer_seconds": "buffer",
    "hold_seconds_max": "cap",
    "early_fact_seconds": "early",
    "late_seconds": "late",
    "oversell_units": "oversell",
    "extensions_max": "extensions",
    "extension_seconds_max": "extension_seconds",
    "units_per_sku_max": "per_sku",
    "units_per_experience_max": "per_experience",
    "open_holds_max": "open_holds",
}
SWITCHES_OF_A_POLICY: Final = {
    "restock_cancelled": "restock",
    "release_allowed": "release",
    "transfer_allowed": "transfer",
}
COMMANDS: Final = ("extend", "release", "transfer")
LOOKS: Final = ("counters", "pooled", "holds", "active", "waiting")


@dataclass(frozen=True, slots=True)
class Withdrawn:
    """Units that a shopper holds and that an operator took out of stock."""

    shopper: str
    stock: StockKey
    quantity: int


@dataclass(frozen=True, slots=True)
class Pruned:
    """What was over before this may be forgotten."""

    before: datetime


There = tuple[tuple[str, str], Policy] | StockLine | Pool | datetime | Withdrawn | Pruned


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a story. No expectation: whatever comes is right."""

    number: int
    text: str
    expected: str | None


@dataclass(frozen=True, slots=True)
class Given:
    """What is there from now on: a policy of an experience, stock, a pool, a time of day."""

    line: Line
    there: There


@dataclass(frozen=True, slots=True)
class Happens:
    """An event comes in."""

    line: Line
    arrival: Arrival
    shopper: str  # "" of a tick


@dataclass(frozen=True, slots=True)
class Look:
    """Somebody looks at the state that the events have left."""

    line: Line
    at: str  # one of LOOKS
    stock: StockKey | None = None
    pool: PoolKey | None = None
    shopper: str = ""


Step = Given | Happens | Look


class Unreadable(ValueError):
    """A story that is not in this language; says the line and what is wrong with it."""


class Differs(AssertionError):
    """A story that went another way than it says."""

    def __init__(self, text: str, line: Line, got: str) -> None:
        expected = f"  expected  {line.expected}\n" if line.expected is not None else ""
        super().__init__(
            f"line {line.number}: {line.text}\n{expected}  got       {got}\n\n{_marked(text, line)}"
        )


def _marked(text: str, line: Line) -> str:
    """Show the whole story, with an arrow at a line."""
    return "\n".join(
        f"{'=>' if number == line.number else '  '} {number:3} {each.rstrip()}"
        for number, each in enumerate(dedent(text).splitlines(), start=1)
        if each.strip()
    )


# Reading a story


def parse(text: str) -> list[Step]:
    """Read a story. Raises Unreadable."""
    offsets: Counter[tuple[str, int]] = Counter()
    steps: list[Step] = []
    for number, raw in enumerate(text.splitlines(), start=1):
        said, arrow, expected = raw.partition("#")[0].partition("->")
        if not said.strip():
            continue
        line = Line(number, " ".join(said.split()), _listed(expected) if arrow else None)
        try:
            step = _step(line, _Words(line.text), offsets)
        except (ValueError, KeyError) as error:
            raise Unreadable(f"line {number}: {line.text}\n  {error!r}") from error
        steps.append(step)
    return steps


def _listed(expected: str) -> str:
    return ", ".join(" ".join(one.split()) for one in expected.split(","))


class _Words:
    """The words of a line, taken one by one from the front; options, `name=value`, by name."""

    def __init__(self, text: str) -> None:
        words = text.split()
        self.words = [word for word in words if "=" not in word]
        self.options = dict(word.split("=", 1) for word in words if "=" in word)

    def next(self) -> str:
        if not self.words:
            raise Unreadable("something is missing at the end")
        return self.words.pop(0)

    def option(self, name: str, default: str = "") -> str:
        return self.options.pop(name, default)

    def time(self, name: str) -> datetime | None:
        return instant(self.options.pop(name)) if name in self.options else None

    def items(self) -> tuple[Item, ...]:
        pairs = zip(self.words[::2], self.words[1::2], strict=True)
        self.words = []
        return tuple(Item(*sku(name), int(units)) for name, units in pairs)

    def end(self) -> None:
        if self.words or self.options:
            raise Unreadable(f"not understood: {' '.join([*self.words, *self.options])}")


def _step(line: Line, words: _Words, offsets: Counter[tuple[str, int]]) -> Step:
    head = words.next()
    step: Step
    if head[:1].isdigit():
        shopper, arrival = _arrival(instant(head), words, offsets)
        step = Happens(line, arrival, shopper)
    elif head in LOOKS:
        step = _look(line, head, words)
    else:
        step = Given(line, _GIVEN[head](words))
    words.end()
    return step


def _policy(words: _Words) -> tuple[tuple[str, str], Policy]:
    key = (words.option("org", ORGANIZATION), words.next())
    fields: dict[str, object] = {}
    for word in [words.next() for _ in list(words.words)]:
        fields["strategy" if word in get_args(Strategy) else "cart"] = word
    every_window = words.option("window")
    windows = {name: words.option(name, every_window) for name in WINDOWS}
    fields["window_seconds"] = {name: int(seconds) for name, seconds in windows.items() if seconds}
    for name, option in NUMBERS_OF_A_POLICY.items():
        if number := words.option(option):
            fields[name] = int(number)
    for name, option in SWITCHES_OF_A_POLICY.items():
        fields[name] = words.option(option, "yes") == "yes"
    offers = [offer.rsplit(":", 1) for offer in words.option("items").split(",") if offer]
    fields["items"] = [
        {"product_id": sku(name)[0], "variant_id": sku(name)[1], "quantity": int(units)}
        for name, units in offers
    ]
    return key, Policy.model_validate(fields)


def _stock(words: _Words) -> StockLine:
    key = StockKey(words.option("org", ORGANIZATION), *sku(words.next()))
    units = words.next()
    tracked = units != "untracked"
    return StockLine(key, tracked, int(units) if tracked else 0, reserved=0, allocated=0, sold=0)


def _pool(words: _Words) -> Pool:
    key = PoolKey(words.option("org", ORGANIZATION), words.next(), *sku(words.next()))
    units = int(words.next())
    return Pool(key, available=units, allocated=0, filled=units)


def _withdrawn(words: _Words) -> Withdrawn:
    shopper = words.next()
    key = StockKey(words.option("org", ORGANIZATION), *sku(words.next()))
    return Withdrawn(shopper, key, int(words.next()))


def _clock(words: _Words) -> datetime:
    return instant(words.next())


def _pruned(words: _Words) -> Pruned:
    return Pruned(instant(words.next()))


_GIVEN: Final[Mapping[str, Callable[[_Words], There]]] = {
    "policy": _policy,
    "stock": _stock,
    "pool": _pool,
    "clock": _clock,
    "withdraw": _withdrawn,
    "pruned": _pruned,
}


def _look(line: Line, at: str, words: _Words) -> Look:
    organization = words.option("org", ORGANIZATION)
    if at == "counters":
        return Look(line, at, stock=StockKey(organization, *sku(words.next())))
    if at == "pooled":
        return Look(line, at, pool=PoolKey(organization, words.next(), *sku(words.next())))
    return Look(line, at, shopper=words.next() if at == "holds" else "")


def _arrival(at: datetime, words: _Words, offsets: Counter[tuple[str, int]]) -> tuple[str, Arrival]:
    verb = words.next()
    shopper = "" if verb == "tick" else words.next()
    lane = int(words.option("lane", "0"))
    topic = _topic(verb)
    event_id = words.option("event", f"{verb}-{shopper}-{at:%d%H%M%S}") if shopper else None
    swept = words.option("sweep") == "yes"
    cause = Cause(topic, lane, None if swept else offsets[topic, lane], event_id=event_id)
    offsets[topic, lane] += 1
    return shopper, Arrival(_event(verb, at, shopper, event_id, words), lane, cause)


def _topic(verb: str) -> Topic:
    if verb in ENDS:
        return "admission-expired"
    topics: dict[str, Topic] = {
        "admit": "admitted",
        "cart": "cart-updated",
        "paid": "checkout-completed",
        "cancel": "checkout-completed",
        "extend": "hold-commands",
        "release": "hold-commands",
        "transfer": "hold-commands",
        "tick": "expiry-ticks",
    }
    return topics[verb]


def _event(verb: str, at: datetime, shopper: str, event_id: str | None, words: _Words) -> AnyEvent:
    if verb == "tick":
        return ExpiryTick(at=at)
    token = words.option("token")
    whose = {
        "event_id": event_id,
        "organization_id": words.option("org", ORGANIZATION),
        "consumer_id": shopper,
        "experience_id": words.option("in", EXPERIENCE if verb == "admit" else ""),
        "distribution_id": words.option("via", DOOR),
        "distribution_type": words.option("type", "queue") if verb == "admit" else None,
        "admission_id": words.option("id") or None,
        "token_digest": token_digest(token) if token else None,
    }
    if verb in ENDS:
        return event_of(AdmissionEnded, {**whose, "ended_at": at, "end": ENDS[verb]})
    if verb == "paid":
        order = words.option("order") or None
        paid = {**whose, "completed_at": at, "order_id": order, "items": words.items()}
        return event_of(CheckoutCompleted, paid)
    if verb == "cart":
        return event_of(CartUpdated, {**whose, "updated_at": at, "items": words.items()})
    if verb == "cancel":
        order = words.option("order")
        return event_of(OrderCancelled, {**whose, "cancelled_at": at, "order_id": order})
    if verb in COMMANDS:
        return _command(verb, {**whose, "requested_at": at}, words)
    until = words.time("until")
    admitted = {**whose, "admitted_at": at, "window_ends_at": until, "items": words.items()}
    return event_of(Admitted, admitted)


def _command(verb: str, asked: dict[str, object], words: _Words) -> AnyEvent:
    if verb == "extend":
        return event_of(ExtendRequested, {**asked, "seconds": int(words.next())})
    if verb == "transfer":
        return event_of(TransferRequested, {**asked, "to_consumer_id": words.next()})
    return event_of(ReleaseRequested, asked)


def sku(name: str) -> tuple[str, str]:
    """Read a stock line's name, PRODUCT or PRODUCT/VARIANT."""
    product, _, variant = name.partition("/")
    return product, variant


def instant(text: str) -> datetime:
    """Read a time."""
    found = re.fullmatch(r"(\d?\d):(\d\d)(?::(\d\d))?(?:([+-]\d+)d)?", text)
    if found is None:
        raise Unreadable(f"not a time: {text}")
    hours, minutes, seconds, days = (int(group or 0) for group in found.groups())
    return MIDNIGHT + timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)


# Wording answers


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of an event: its outcomes in order, and its result."""

    outcomes: Sequence[Outcome]
    result: Result


def check(text: str, step: Happens, answer: Answer) -> None:
    """Compare an answer with what the line expects. Raises Differs."""
    got = in_words(answer.outcomes, step.shopper) or "nothing"
    if step.line.expected in (None, got):
        return
    if answer.outcomes or step.line.expected != answer.result:
        raise Differs(text, step.line, got if answer.outcomes else f"{got} ({answer.result})")


def check_look(text: str, step: Look, got: str) -> None:
    """Compare what was seen with what the line expects. Raises Differs."""
    if step.line.expected is not None and step.line.expected != got:
        raise Differs(text, step.line, got)


def in_words(outcomes: Iterable[Outcome], shopper: str = "") -> str:
    """Word outcomes; each names its shopper if that is not the one whom the event is about."""
    return ", ".join(_outcome_in_words(outcome, shopper) for outcome in outcomes)


def _outcome_in_words(outcome: Outcome, shopper: str) -> str:
    words: list[str | None] = [
        outcome.type,
        outcome.consumer_id if outcome.consumer_id != shopper else None,
    ]
    if outcome.product_id is not None:
        words.append(f"{_sku_in_words(outcome.product_id, outcome.variant_id)} {outcome.quantity}")
    words.append(outcome.reason)
    words.append(f"until {time_in_words(outcome.expires_at)}" if outcome.expires_at else None)
    words.append(f"order={outcome.order_id}" if outcome.order_id else None)
    words.append("late" if outcome.late else None)
    words.append("oversold" if outcome.oversold else None)
    words.append(f"from {outcome.from_consumer_id}" if outcome.from_consumer_id else None)
    return " ".join(word for word in words if word)


def _sku_in_words(product_id: str, variant_id: str | None) -> str:
    return f"{product_id}/{variant_id}" if variant_id else product_id


def time_in_words(at: datetime) -> str:
    """Word a time as stories have it."""
    since = at - MIDNIGHT
    words = f"{at:%H:%M:%S}".removesuffix(":00")
    return f"{words}{since.days:+}d" if since.days else words


def stock_in_words(line: StockLine) -> str:
    """Word the counters of a stock line."""
    return (
        f"on_hand {line.on_hand} reserved {line.reserved}"
        f" allocated {line.allocated} sold {line.sold}"
        + (f" short {line.short}" if line.short else "")
    )


def pool_in_words(pool: Pool) -> str:
    """Word the counters of a pool."""
    return f"available {pool.available} allocated {pool.allocated}"


def hold_in_words(reservation: Reservation) -> str:
    """Word the row of a reservation."""
    words = [
        _sku_in_words(reservation.product_id, reservation.variant_id),
        str(reservation.quantity),
        reservation.strategy,
        reservation.status,
        reservation.reason,
        f"order={reservation.order_id}" if reservation.order_id else None,
        "late" if reservation.late else None,
        f"missing {reservation.missing}" if reservation.missing else None,
    ]
    return " ".join(word for word in words if word)
