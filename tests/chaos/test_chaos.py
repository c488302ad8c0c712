"""A short run of faults, and whether a run would notice what must not be."""

import json
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from aiokafka.structs import ConsumerRecord

from tests.chaos.answers import Answers
from tests.chaos.plan import KINDS, plan
from tests.chaos.run import run
from tests.chaos.scripts import Fate, Shopper
from tests.chaos.shoppers import Ledger
from tests.chaos.truth import shoppers
from tests.e2e.events import ADMITTED, COMPLETED

SEED, FAULTS = 21153, 4  # a cut, both servers killed, poison, a freeze


@pytest.mark.timeout(240)
async def test_four_faults_lose_nothing_and_double_nothing(directory: Path) -> None:
    report = await run(SEED, FAULTS, directory)

    assert report.end(), report.problems
    assert report.by_kind.total() == FAULTS
    assert {"reserved", "rejected", "converted", "released", "expired"} <= set(report.outcomes)


def test_a_seed_gives_the_same_faults_again_and_a_longer_run_begins_with_them() -> None:
    assert plan(7, 40)[:10] == plan(7, 10)
    assert plan(7, 10) != plan(8, 10)
    assert {fault.kind for fault in plan(7, len(KINDS))} == set(KINDS)


def said(
    type_: str, sequence: int, *, offset: int = 0, topic: str = ADMITTED, id_: UUID | None = None
) -> Any:
    """Give an outcome's record, about two lamps of ada's."""
    body = {
        "type": type_,
        "consumerId": "ada",
        "productId": "lamp-1",
        "quantity": 2,
        "cause": {"topic": topic, "partition": 0, "offset": offset},
    }
    headers = (("ce_id", str(id_ or uuid4()).encode()), ("ce_sequence", str(sequence).encode()))
    value = json.dumps(body).encode()
    return ConsumerRecord("outcomes", 0, sequence, 0, 0, b"ada", value, None, 0, 0, headers)


def answers(*records: Any) -> Answers:
    read = Answers()
    for record in records:
        read.add(record)
    return read


def wrong(fate: Fate, *records: Any) -> list[str]:
    ledger = Ledger(shoppers=[Shopper("ada", "soft", {"lamp-1": 2}, fate)])
    return list(shoppers(ledger, answers(*records)))


def test_a_sequence_that_is_missing_or_twice_is_noticed() -> None:
    assert not answers(said("reserved", 1), said("released", 2, offset=1)).problems
    assert answers(said("reserved", 1), said("released", 3, offset=1)).problems
    assert answers(said("reserved", 1), said("released", 1, offset=1)).problems


def test_an_id_that_is_there_twice_is_noticed() -> None:
    same = uuid4()
    assert answers(said("reserved", 1, id_=same), said("expired", 2, offset=1, id_=same)).problems


def test_an_event_that_was_applied_twice_is_noticed() -> None:
    assert answers(said("reserved", 1, offset=5), said("reserved", 2, offset=5)).problems


def test_an_admission_that_is_answered_never_or_twice_is_noticed() -> None:
    assert wrong("goes away") == ["('ada', 'lamp-1'), who goes away, was answered 0 times"]
    assert not wrong("goes away", said("reserved", 1))
    assert wrong("goes away", said("reserved", 1), said("rejected", 2, offset=1))


def test_a_payment_without_goods_and_goods_without_a_payment_are_noticed() -> None:
    held, sold = said("reserved", 1), said("converted", 2, topic=COMPLETED)
    assert not wrong("pays", held, sold)
    assert wrong("pays", held)
    assert wrong("pays", held, said("unfulfilled", 2, topic=COMPLETED))  # there are lamps enough
    assert wrong("pays", held, sold, said("converted", 3, offset=1, topic=COMPLETED))
    assert wrong("leaves", held, sold)


def test_what_is_sold_is_counted_until_it_is_taken_back() -> None:
    sold = said("converted", 2, topic=COMPLETED)
    assert answers(said("reserved", 1), sold).sold == {("ada", "lamp-1"): 2}
    returned = said("returned", 3, offset=1, topic=COMPLETED)
    assert answers(said("reserved", 1), sold, returned).sold == {("ada", "lamp-1"): 0}
