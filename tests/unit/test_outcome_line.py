"""What `reservations outcomes` prints of an outcome."""

import time
from collections.abc import Iterator
from datetime import datetime
from typing import Any, get_args
from uuid import UUID

import pytest

from db.dead_letters import Listed, Place
from schemas.vocabulary import OutcomeType
from service.cli.outcome_line import outcome_line
from service.dead_letters.documents import listed_row

AT = "2026-05-01T10:00:00+00:00"
WHEN = "2026-05-01 10:00:00 UTC"


def outcome(kind: str, **more: Any) -> dict[str, Any]:
    return {
        "type": kind,
        "consumerId": "cons_ada",
        "occurredAt": AT,
        "lane": 2,
        "sequence": 40,
        **more,
    }


def test_hold_tells_units_of_what_whose_until_when_and_for_which_admission() -> None:
    line = outcome_line(
        outcome(
            "reserved",
            productId="shirt",
            variantId="m",
            quantity=2,
            expiresAt="2026-05-01T10:11:00+00:00",
            admissionId="adm_7",
            strategy="soft",
        )
    )

    assert line == (
        f"{WHEN}  reserved     2 × shirt/m  cons_ada  until 10:11:00  admission adm_7  [lane 2 #40]"
    )


@pytest.mark.parametrize(
    ("at", "until", "told"),
    [
        ("2026-05-01T23:55:00Z", "2026-05-02T00:05:00Z", "until 2026-05-02 00:05:00"),
        # Both are one day after the other's in its own zone: in UTC they are of the same.
        ("2026-05-02T00:30:00+02:00", "2026-05-01T23:00:00Z", "until 23:00:00"),
    ],
)
def test_the_end_of_a_hold_has_its_date_where_that_is_another(
    at: str, until: str, told: str
) -> None:
    hold = outcome("reserved", productId="lamp", quantity=1, expiresAt=until) | {"occurredAt": at}

    assert f"  {told}  " in outcome_line(hold)


@pytest.fixture
def auckland(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A machine that is in another zone."""
    monkeypatch.setenv("TZ", "Pacific/Auckland")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.usefixtures("auckland")
def test_the_machine_s_own_zone_is_nobody_s() -> None:
    at = datetime.fromisoformat(AT)
    letter = Listed(UUID(int=1), Place("admitted", 0, 1), "not JSON", at, at, 1, 0)

    assert outcome_line(outcome("refused")).startswith(f"{WHEN}  refused")
    assert listed_row(letter)["written_at"] == AT


def test_product_without_a_variant_stands_alone() -> None:
    line = outcome_line(outcome("expired", productId="lamp", quantity=1, reason="hold_elapsed"))

    assert line == f"{WHEN}  expired      1 × lamp  cons_ada  hold_elapsed  [lane 2 #40]"


def test_outcome_of_a_whole_admission_tells_no_units() -> None:
    line = outcome_line(outcome("refused", reason="extension_limit", admissionId="adm_7"))

    assert line == (
        f"{WHEN}  refused      cons_ada  extension_limit  admission adm_7  [lane 2 #40]"
    )


def test_transfer_tells_from_whom_to_whom() -> None:
    line = outcome_line(outcome("transferred", fromConsumerId="guest_1"))

    assert line == f"{WHEN}  transferred  guest_1 → cons_ada  [lane 2 #40]"


def test_sale_tells_its_order_and_what_was_unusual_about_it() -> None:
    sale = outcome(
        "converted", productId="lamp", quantity=1, late=True, oversold=True, orderId="order_1"
    )

    assert outcome_line(sale).endswith("late  oversold  order_1  [lane 2 #40]")


def test_repair_tells_of_a_stock_line_what_was_changed_and_why() -> None:
    repair = outcome(
        "adjusted",
        productId="lamp",
        changes=[
            {"counter": "sold", "before": 1, "after": 2},
            {"counter": "pool_available", "experienceId": "salon", "before": 3, "after": 2},
        ],
        explanation="a sale of 1 unit was never counted",
    )
    del repair["consumerId"]

    assert outcome_line(repair) == (
        f"{WHEN}  adjusted     lamp  sold 1 → 2, pool_available of salon 3 → 2"
        "  a sale of 1 unit was never counted  [lane 2 #40]"
    )


@pytest.mark.parametrize("kind", [*get_args(OutcomeType), "adjusted"])
def test_every_kind_has_a_colour_of_its_own_on_a_terminal(kind: str) -> None:
    before, _, after = outcome_line(outcome(kind), coloured=True).partition(kind)

    assert before.startswith(f"{WHEN}  \x1b[")
    assert not before.endswith("\x1b[0m")
    assert "\x1b[0m" in after
    assert "\x1b" not in outcome_line(outcome(kind))
