"""An operator takes stock away that is held or sold: nobody loses it in silence, or below zero."""

import pytest
from asyncpg import Pool

from db.connect import Connection
from db.importing import HoldAtRisk, Imported, Refusal
from db.policies import PolicyRow, import_policies
from schemas.policy import Policy
from tests.integration.shop import Line, Shop, open_shop
from tests.integration.test_cli import Result, reservations


@pytest.fixture
async def shop(pool: Pool, db: Connection) -> Shop:
    """Of 10 lamps, 1 is sold, ada, bo and cy hold 2 each, in this order, and 3 are available."""
    shop = await open_shop(pool, db, 10)
    await shop.hold("zoe", 1)
    await shop.pay("zoe", minute=1)
    for minute, shopper in enumerate(("ada", "bo", "cy"), start=2):
        await shop.hold(shopper, 2, minute=minute)
    assert await shop.line() == Line(10, on_hand=9, reserved=6, sold=1)
    return shop


# How many lamps there are altogether from now on, what the line is then, and who is at risk.
STEPS = [
    (7, Line(7, on_hand=6, reserved=6, sold=1), {}),
    (6, Line(6, on_hand=6, reserved=6, sold=1, short=1), {"cy": 1}),
    (5, Line(5, on_hand=6, reserved=6, sold=1, short=2), {"cy": 2}),
    (4, Line(4, on_hand=6, reserved=6, sold=1, short=3), {"bo": 1, "cy": 2}),
    (1, Line(1, on_hand=6, reserved=6, sold=1, short=6), {"ada": 2, "bo": 2, "cy": 2}),
    (0, Line(0, on_hand=6, reserved=6, sold=1, short=7), {"ada": 2, "bo": 2, "cy": 2}),
]


async def test_units_are_short_and_the_newest_holds_at_risk(shop: Shop) -> None:
    for units, line, at_risk in STEPS:
        assert isinstance(await shop.receive(units, allow_shortage=True), Imported)

        assert (await shop.line(), await shop.at_risk()) == (line, at_risk)
        await shop.verify()


@pytest.mark.parametrize(("units", "line", "at_risk"), STEPS)
async def test_it_is_the_same_in_one_step(
    shop: Shop, units: int, line: Line, at_risk: dict[str, int]
) -> None:
    await shop.receive(units, allow_shortage=True)

    assert (await shop.line(), await shop.at_risk()) == (line, at_risk)
    await shop.verify()


async def test_units_that_come_in_again_take_the_marks_off_the_oldest_first(shop: Shop) -> None:
    await shop.receive(0, allow_shortage=True)

    for units, line, at_risk in [
        (3, Line(3, on_hand=6, reserved=6, sold=1, short=4), {"bo": 1, "cy": 2}),
        (6, Line(6, on_hand=6, reserved=6, sold=1, short=1), {}),
        (9, Line(9, on_hand=8, reserved=6, sold=1, short=0), {}),
    ]:
        imported = await shop.receive(units)
        assert isinstance(imported, Imported)
        assert (await shop.line(), await shop.at_risk()) == (line, at_risk)
        await shop.verify()


async def test_up_and_down_again_ends_where_it_began(shop: Shop) -> None:
    before = await shop.line()

    for units in (4, 6, 5, 2, 9, 1, 10):
        assert isinstance(await shop.receive(units, allow_shortage=True), Imported)
        await shop.verify()

    assert (await shop.line(), await shop.at_risk()) == (before, {})


async def test_what_was_done_is_told(shop: Shop) -> None:
    taken = await shop.take_away(4)
    beyond = await shop.take_away(0)
    back = await shop.take_away(7)

    assert (taken.lines, taken.units, taken.holds, taken.units_at_risk) == (1, 3, 2, 3)
    assert (taken.units_from_pools, taken.units_sold_beyond, taken.units_covered) == (0, 0, 0)
    assert taken.first == (
        HoldAtRisk("acme", "soft", "cy", "cy", "moon-lamp", "", 2, 2),
        HoldAtRisk("acme", "soft", "bo", "bo", "moon-lamp", "", 2, 1),
    )
    assert (beyond.units, beyond.holds, beyond.units_sold_beyond) == (4, 2, 1)
    assert (back.units, back.units_covered, back.holds_relieved) == (0, 7, 3)


async def test_enough_for_all_is_no_shortage(shop: Shop) -> None:
    imported = await shop.receive(7, allow_shortage=True)

    assert isinstance(imported, Imported)
    assert imported.shortage is None


async def test_without_the_option_it_is_refused_and_says_what_it_would_do(shop: Shop) -> None:
    before = await shop.line()

    refused = await shop.receive(4)

    assert refused == [
        Refusal(
            2,
            "on_hand",
            "4 units, but 7 of the 10 received are held, sold or set aside: the least possible is"
            " 7; with --allow-shortage 3 units would be short, and 2 holds at risk",
        )
    ]
    assert (await shop.line(), await shop.at_risk()) == (before, {})


async def test_dry_run_names_the_holds_and_changes_nothing(shop: Shop) -> None:
    before = await shop.line()

    planned = await shop.receive(4, allow_shortage=True, dry_run=True)
    unchanged = await shop.line(), await shop.at_risk()
    done = await shop.receive(4, allow_shortage=True)

    assert planned == done
    assert unchanged == (before, {})


async def test_a_line_with_holds_stays_tracked_though_all_of_them_are_short(shop: Shop) -> None:
    await shop.receive(0, allow_shortage=True)

    assert await shop.receive(None, allow_shortage=True) == [
        Refusal(
            2, "on_hand", "untracked, but 7 units are held, sold or set aside: it stays tracked"
        )
    ]


async def test_held_hard_the_units_are_off_the_shelf_already(pool: Pool, db: Connection) -> None:
    shop = await open_shop(pool, db, 6)
    await shop.hold("ada", 2, to="hard")
    await shop.hold("bo", 2, minute=1, to="hard")

    await shop.receive(1, allow_shortage=True)

    assert await shop.line() == Line(1, on_hand=0, allocated=4, short=3)
    assert await shop.at_risk() == {"ada": 1, "bo": 2}
    await shop.verify()


async def test_free_units_of_pools_go_in_key_order_before_any_hold(
    pool: Pool, db: Connection
) -> None:
    shop = await open_shop(pool, db, 12, attic=4, cellar=6)
    await shop.hold("ada", 1, to="soft")
    await shop.hold("bo", 2, minute=1, to="attic")
    await shop.hold("cy", 2, minute=2, to="cellar")
    await shop.pay("cy")

    from_attic = await shop.take_away(8)
    pools = await shop.pools()
    from_both = await shop.take_away(3)

    assert (from_attic.units, from_attic.units_from_pools, from_attic.holds) == (0, 3, 0)
    assert pools == {"attic": (2, 0, 2, 0), "cellar": (5, 3, 0, 2)}
    assert (from_both.units, from_both.units_from_pools, from_both.units_at_risk) == (2, 3, 2)
    assert await shop.pools() == {"attic": (2, 0, 2, 0), "cellar": (2, 0, 0, 2)}
    assert await shop.line() == Line(3, on_hand=1, reserved=1, pooled=2, sold=2, short=2)
    assert await shop.at_risk() == {"bo": 2}
    await shop.verify()


async def test_taking_from_pools_alone_needs_the_option_too(pool: Pool, db: Connection) -> None:
    shop = await open_shop(pool, db, 5, attic=4)

    refused = await shop.receive(3)

    assert isinstance(refused, list)
    assert refused[0].problem.endswith("with --allow-shortage they would be taken out of pools")
    assert await shop.pools() == {"attic": (4, 4, 0, 0)}


@pytest.mark.parametrize(
    ("of_soft", "of_hard", "at_risk"),
    [
        ("newest", "newest", {"bo": 1, "cy": 2}),
        ("oldest", "oldest", {"ada": 2, "bo": 1}),
        ("oldest", "newest", {"bo": 1, "cy": 2}),
        ("newest", "oldest", {"bo": 1, "cy": 2}),
    ],
)
async def test_experiences_that_disagree_get_the_default(
    pool: Pool, db: Connection, of_soft: str, of_hard: str, at_risk: dict[str, int]
) -> None:
    shop = await open_shop(pool, db, 6)
    policies = [
        Policy(strategy=strategy, at_risk_first=first)
        for strategy, first in (("soft", of_soft), ("hard", of_hard))
    ]
    await import_policies(db, [PolicyRow("acme", one.strategy, one) for one in policies])
    await shop.hold("ada", 2, to="soft")
    await shop.hold("bo", 2, minute=1, to="hard")
    await shop.hold("cy", 2, minute=2, to="soft")

    await shop.receive(3, allow_shortage=True)

    assert await shop.at_risk() == at_risk
    await shop.verify()


async def test_oldest_first_takes_the_marks_off_the_newest_first(
    pool: Pool, db: Connection
) -> None:
    shop = await open_shop(pool, db, 4)
    await import_policies(db, [PolicyRow("acme", "soft", Policy(at_risk_first="oldest"))])
    await shop.hold("ada", 2)
    await shop.hold("bo", 2, minute=1)

    await shop.receive(1, allow_shortage=True)
    before = await shop.at_risk()
    await shop.receive(2)

    assert before == {"ada": 2, "bo": 1}
    assert await shop.at_risk() == {"ada": 2}


async def test_a_tick_says_it_once_and_again_when_there_are_more(shop: Shop) -> None:
    await shop.receive(6, allow_shortage=True)
    await shop.tick(6)
    await shop.tick(7)
    await shop.receive(5, allow_shortage=True)
    await shop.tick(8)

    assert shop.said("cy")[1:] == [
        ("at_risk", 1, "stock_withdrawn"),
        ("at_risk", 2, "stock_withdrawn"),
    ]
    await shop.verify()


async def test_who_is_relieved_before_a_tick_hears_nothing(shop: Shop) -> None:
    await shop.receive(6, allow_shortage=True)
    await shop.receive(7)
    await shop.tick(6)

    assert [said for said, _, _ in shop.said("cy")] == ["reserved"]


async def test_units_that_come_back_make_good_what_is_short(shop: Shop) -> None:
    await shop.receive(5, allow_shortage=True)  # cy's 2 are at risk

    await shop.tick(60)  # all holds are over

    assert await shop.line() == Line(5, on_hand=4, sold=1)
    assert await shop.at_risk() == {}
    await shop.verify()


async def test_who_pays_for_units_at_risk_is_not_sold_them(shop: Shop) -> None:
    await shop.receive(6, allow_shortage=True)  # 1 of cy's 2 is at risk

    await shop.pay("cy")

    assert shop.said("cy")[1:] == [("converted", 1, None), ("unfulfilled", 1, "stock_withdrawn")]
    assert await shop.line() == Line(6, on_hand=4, reserved=4, sold=2)
    await shop.verify()


async def test_a_mark_that_outlived_its_shortage_counts_for_the_next_one(shop: Shop) -> None:
    await shop.receive(5, allow_shortage=True)  # cy's 2 are at risk
    await shop.leave("bo")  # whose 2 make good what is short
    made_good = await shop.line(), await shop.at_risk()
    await shop.receive(4, allow_shortage=True)

    assert made_good == (Line(5, on_hand=4, reserved=4, sold=1), {"cy": 2})
    assert await shop.line() == Line(4, on_hand=4, reserved=4, sold=1, short=1)
    assert await shop.at_risk() == {"cy": 1}
    await shop.verify()


async def test_the_command_says_what_it_did(shop: Shop, database_url: str) -> None:
    url = {"DATABASE_URL": database_url}
    command = ("stock", "import", "-", "--allow-shortage")
    text = "organization_id,product_id,variant_id,on_hand\nacme,moon-lamp,,{}\n"

    planned = await reservations(*command, "--dry-run", stdin=text.format(0), **url)
    done = await reservations(*command, stdin=text.format(4), **url)
    back = await reservations(*command, stdin=text.format(8), **url)

    assert planned.stdout.splitlines() == [
        "would import stdin: 0 stock lines new, 1 changed, 0 unchanged, -10 units",
        "organization_id  product_id  variant_id  before  after",
        "acme             moon-lamp               10      0",
        "7 units would be short, on 1 stock line",
        "3 holds would be at risk, for 6 units:",
        "organization_id  experience_id  consumer_id  admission_id  product_id  variant_id"
        "  quantity  at_risk",
        "acme             soft           cy           cy            moon-lamp             "
        "         2        2",
        "acme             soft           bo           bo            moon-lamp             "
        "         2        2",
        "acme             soft           ada          ada           moon-lamp             "
        "         2        2",
        "1 unit would be sold beyond what is there: no hold can be named for them,"
        " orders are short of them",
    ]
    assert done.stdout.splitlines()[:3] == [
        "imported stdin: 0 stock lines new, 1 changed, 0 unchanged, -6 units",
        "3 units are short, on 1 stock line",
        "2 holds are at risk, for 3 units:",
    ]
    assert back.stdout.splitlines() == [
        "imported stdin: 0 stock lines new, 1 changed, 0 unchanged, +4 units",
        "of what was short 3 units are there again, 2 holds are less at risk",
    ]


async def test_one_stock_line_is_set_by_hand(shop: Shop, database_url: str) -> None:
    url = {"DATABASE_URL": database_url}
    command = ("stock", "set", "acme", "moon-lamp", "--on-hand")

    refused = await reservations(*command, "6", **url)
    done = await reservations(*command, "6", "--allow-shortage", **url)
    again = await reservations(*command, "6", **url)
    new = await reservations("stock", "set", "acme", "e-book", "--on-hand", "untracked", **url)
    variant = await reservations(
        *("stock", "set", "acme", "moon-lamp", "--variant", "red", "--on-hand", "3"), **url
    )

    assert refused == Result(
        1,
        "",
        "on_hand: 6 units, but 7 of the 10 received are held, sold or set aside: the least"
        " possible is 7; with --allow-shortage 1 unit would be short, and 1 hold at risk\n"
        "nothing was changed\n",
    )
    assert done.stdout.splitlines()[:3] == [
        "set acme/moon-lamp: 10 -> 6",
        "1 unit is short, on 1 stock line",
        "1 hold is at risk, for 1 unit:",
    ]
    assert again == Result(0, "nothing to do: acme/moon-lamp is so already\n", "")
    assert new == Result(0, "set acme/e-book: new -> untracked\n", "")
    assert variant == Result(0, "set acme/moon-lamp/red: new -> 3\n", "")


async def test_what_is_wrong_with_a_line_is_named(database_url: str) -> None:
    result = await reservations(
        *("stock", "set", "", "lamp ", "--on-hand", "-3"), DATABASE_URL=database_url
    )

    assert result == Result(
        1,
        "",
        "organization_id: empty; expected an id\n"
        "product_id: 'lamp ' has a space at its begin or end; expected none\n"
        "on_hand: '-3' is not a number of units; expected 0 to 1000000000000, or 'untracked'\n"
        "nothing was changed\n",
    )


async def test_short_units_are_shown(shop: Shop, database_url: str) -> None:
    await shop.receive(6, allow_shortage=True)

    shown = await reservations("stock", "show", DATABASE_URL=database_url)

    assert [line.split()[-2:] for line in shown.stdout.splitlines()] == [
        ["sold", "short"],
        ["1", "1"],
    ]


async def test_the_help_has_an_example() -> None:
    result = await reservations("stock", "set", "--help")

    assert "Example: reservations stock set" in result.stdout
