"""An admission may tell late of which experience it is: what it has then moves to its policy."""

from itertools import permutations

import pytest

from tests.unit.test_any_order import end_of
from tests.unit.world import World, story, tell

VAULTS = """
    policy  vault {}
    stock   moon-lamp 200
    stock   pouch 200
    pool    vault moon-lamp 100
    pool    vault pouch 100
"""

TOLD_LATE = {
    "held hard": (
        "hard",
        """
        10:00  admit ada id=adm-7 in= moon-lamp 2
        10:00  admit ada id=adm-7 in=vault moon-lamp 2
        10:01  cart ada id=adm-7 moon-lamp 2
        """,
        "ada until 10:11: moon-lamp 2 hard active",
    ),
    "held in a pool": (
        "pool",
        """
        10:00  admit ada id=adm-7 in= moon-lamp 2 pouch 1
        10:00  admit ada id=adm-7 in=vault
        10:01  cart ada id=adm-7 moon-lamp 3
        """,
        "ada until 10:11: moon-lamp 3 pool active",
    ),
    "one of each": (
        "soft per_sku=1",
        """
        10:00  admit ada id=adm-7 in= moon-lamp 5 pouch 1
        10:00  admit ada id=adm-7 in=vault
        """,
        "ada until 10:11: moon-lamp 5 soft rejected limit_per_sku, pouch 1 soft active",
    ),
    "all or nothing": (
        "hard all_or_nothing per_sku=1",
        """
        10:00  admit ada id=adm-7 in= moon-lamp 2 pouch 1
        10:00  admit ada id=adm-7 in=vault
        """,
        "ada until 10:11: moon-lamp 2 hard rejected limit_per_sku,"
        " pouch 1 hard rejected cart_incomplete",
    ),
    "paid, from a pool": (
        "pool",
        """
        10:00  admit ada id=adm-7 in= moon-lamp 2 pouch 1
        10:00  admit ada id=adm-7 in=vault
        10:05  paid ada id=adm-7 order=o-7 moon-lamp 2
        """,
        "ada until 10:11: moon-lamp 2 pool converted order=o-7,"
        " pouch 1 pool released not_purchased",
    ),
    "paid, hard": (
        "hard",
        """
        10:00  admit ada id=adm-7 in= moon-lamp 2
        10:00  admit ada id=adm-7 in=vault
        10:05  paid ada id=adm-7 order=o-7 moon-lamp 2 pouch 1
        """,
        "ada until 10:11: moon-lamp 2 hard converted order=o-7,"
        " pouch 1 hard converted not_in_cart order=o-7 late",
    ),
    "paid beyond the limit": (
        "soft per_sku=1",
        """
        10:00  admit ada id=adm-7 in= moon-lamp 5
        10:00  admit ada id=adm-7 in=vault
        10:05  paid ada id=adm-7 order=o-7
        """,
        "ada until 10:11: moon-lamp 5 soft converted order=o-7 late",
    ),
    "cancelled, into a pool": (
        "pool",
        """
        10:00  admit ada id=adm-7 in= moon-lamp 2
        10:00  admit ada id=adm-7 in=vault
        10:05  paid ada id=adm-7 order=o-7
        10:06  cancel ada id=adm-7 order=o-7
        """,
        "ada until 10:11: moon-lamp 2 pool returned order_cancelled order=o-7",
    ),
    "cancelled, and written off": (
        "pool restock=no",
        """
        10:00  admit ada id=adm-7 in= moon-lamp 2
        10:00  admit ada id=adm-7 in=vault
        10:05  paid ada id=adm-7 order=o-7
        10:06  cancel ada id=adm-7 order=o-7
        """,
        "ada until 10:11: moon-lamp 2 pool returned order_cancelled_not_restocked order=o-7",
    ),
    "of a kind of door": (
        "soft",
        """
        10:00  admit ada id=adm-7 in=vault type=queue moon-lamp 2
        10:00  admit ada id=adm-7 in=vault type=other
        """,
        "ada until 10:11: moon-lamp 2 soft active",
    ),
    "of two experiences": (
        "pool",
        """
        10:00  admit ada id=adm-7 in=vault via=east type=draw until=10:20 moon-lamp 2
        10:00  admit ada id=adm-7 in=zoo via=west type=queue until=10:20
        10:00  admit ada id=adm-7 in= type=other
        """,
        "ada until 10:21: moon-lamp 2 pool active",
    ),
}


@pytest.mark.parametrize("name", TOLD_LATE)
def test_late_word_of_the_experience_decides_nothing(name: str) -> None:
    policy, events, end = TOLD_LATE[name]
    lines = [line for line in events.splitlines() if line.strip()]
    vaults = VAULTS.format(policy)
    first = tell(vaults + events)

    for order in permutations(lines):
        world = tell(vaults + "\n".join(order))

        assert (end_of(world), world.facts) == (end, {}), "\n".join(order)
        assert _counted(world) == _counted(first), "\n".join(order)
        assert _doors(world) == _doors(first), "\n".join(order)


def _counted(world: World) -> tuple[object, object]:
    rows = world.rows()
    return rows["stock"], rows["pools"]


def _doors(world: World) -> set[tuple[str, ...]]:
    return {
        (one.experience_id, one.distribution_id, one.distribution_type)
        for one in world.admissions.values()
    } | {(one.experience_id,) for one in world.reservations.values()}


def test_hold_moves_to_the_pool_and_nobody_hears_of_it() -> None:
    story("""
        policy vault pool
        stock  moon-lamp 4
        pool   vault moon-lamp 2
        10:00  admit ada id=adm-7 in= moon-lamp 2   -> reserved moon-lamp 2 until 10:11
        counters moon-lamp                    -> on_hand 2 reserved 2 allocated 0 sold 0
        10:00  admit ada id=adm-7 in=vault    -> nothing
        holds ada                             -> moon-lamp 2 pool active
        counters moon-lamp                    -> on_hand 2 reserved 0 allocated 0 sold 0
        pooled vault moon-lamp                -> available 0 allocated 2
        active                                -> 1
        10:00  admit ada id=adm-7 in=vault    -> duplicate
    """)


def test_hold_beyond_a_limit_is_given_back_with_its_reason() -> None:
    story("""
        policy vault hard per_sku=1
        stock  moon-lamp 9
        10:00  admit ada id=adm-7 in= moon-lamp 5   -> reserved moon-lamp 5 until 10:11
        10:00  admit ada id=adm-7 in=vault \
            -> released moon-lamp 5 limit_per_sku, rejected moon-lamp 5 limit_per_sku
        counters moon-lamp                    -> on_hand 9 reserved 0 allocated 0 sold 0
        active                                -> 0
    """)


def test_a_transfer_that_was_granted_is_not_asked_of_the_limits_again() -> None:
    """Known from the start, the transfer itself would have been refused: bo has his lamp."""
    story("""
        policy vault soft per_sku=1
        stock  moon-lamp 9
        stock  pouch 9
        10:00  admit bo id=adm-b in=vault moon-lamp 1           -> reserved moon-lamp 1 until 10:11
        10:00  admit guest id=adm-7 in= moon-lamp 1 pouch 1
        10:01  transfer guest bo id=adm-7                       -> transferred bo from guest
        10:00  admit guest id=adm-7 in=vault \
            -> released bo moon-lamp 1 limit_per_sku, rejected bo moon-lamp 1 limit_per_sku
        10:05  paid bo id=adm-7                                 -> converted pouch 1
    """)


def test_a_transfer_that_the_policy_does_not_allow_is_taken_back() -> None:
    story("""
        policy vault soft transfer=no
        stock  moon-lamp 9
        10:00  admit guest id=adm-7 in= moon-lamp 1
        10:01  transfer guest bo id=adm-7                       -> transferred bo from guest
        10:00  admit guest id=adm-7 in=vault \
            -> transferred from bo, refused transfer_not_allowed
    """)


def test_hold_for_which_the_pool_has_no_units_is_given_back() -> None:
    story("""
        policy vault pool
        stock  moon-lamp 3
        pool   vault moon-lamp 1
        10:00  admit ada id=adm-7 in= moon-lamp 2   -> reserved moon-lamp 2 until 10:11
        10:00  admit ada id=adm-7 in=vault \
            -> released moon-lamp 2 pool_exhausted, rejected moon-lamp 2 pool_exhausted
        counters moon-lamp                    -> on_hand 2 reserved 0 allocated 0 sold 0
    """)


def test_what_was_refused_is_held_where_the_pool_has_it() -> None:
    story("""
        policy vault pool
        stock  moon-lamp 3
        pool   vault moon-lamp 2
        10:00  admit ada id=adm-7 in= moon-lamp 2   -> rejected moon-lamp 2 insufficient_stock
        10:00  admit ada id=adm-7 in=vault          -> reserved moon-lamp 2 until 10:11
        holds ada                                   -> moon-lamp 2 pool active
    """)


def test_part_of_a_cart_that_is_held_grows_where_the_pool_has_the_rest() -> None:
    story("""
        policy vault pool
        stock  moon-lamp 5
        pool   vault moon-lamp 3
        10:00  admit ada id=adm-7 in= moon-lamp 2   -> reserved moon-lamp 2 until 10:11
        10:01  cart ada id=adm-7 moon-lamp 3        -> rejected moon-lamp 1 insufficient_stock
        10:00  admit ada id=adm-7 in=vault          -> reserved moon-lamp 1 until 10:11
        holds ada                                   -> moon-lamp 3 pool active
    """)


def test_size_that_could_not_be_changed_is_let_go_where_the_pool_has_the_new_one() -> None:
    story("""
        policy vault pool
        stock  anorak/M 1
        stock  anorak/L 1
        pool   vault anorak/L 1
        10:00  admit ada id=adm-7 in= anorak/M 1    -> reserved anorak/M 1 until 10:11
        10:01  cart ada id=adm-7 anorak/L 1         -> rejected anorak/L 1 insufficient_stock
        10:00  admit ada id=adm-7 in=vault \
            -> reserved anorak/L 1 until 10:11, released anorak/M 1 cart_changed
        counters anorak/M                     -> on_hand 1 reserved 0 allocated 0 sold 0
    """)


def test_sale_stays_where_the_pool_lacks_the_units() -> None:
    story("""
        policy vault pool
        stock  moon-lamp 3
        stock  pouch 2
        pool   vault moon-lamp 1
        pool   vault pouch 1
        10:00  admit ada id=adm-7 in= moon-lamp 2 pouch 1
        10:05  paid ada id=adm-7 order=o-7
        10:00  admit ada id=adm-7 in=vault    -> nothing
        holds ada \
            -> moon-lamp 2 soft converted order=o-7, pouch 1 soft converted order=o-7
        counters moon-lamp                    -> on_hand 0 reserved 0 allocated 0 sold 2
        pooled vault pouch                    -> available 1 allocated 0
        10:06  cancel ada id=adm-7 order=o-7 -> returned moon-lamp 2 order_cancelled order=o-7, \
            returned pouch 1 order_cancelled order=o-7
        counters moon-lamp                    -> on_hand 2 reserved 0 allocated 0 sold 0
    """)


def test_sale_moves_to_the_pool_and_nobody_hears_of_it() -> None:
    story("""
        policy vault pool
        stock  moon-lamp 4
        pool   vault moon-lamp 2
        10:00  admit ada id=adm-7 in= moon-lamp 2
        10:05  paid ada id=adm-7 order=o-7    -> converted moon-lamp 2 order=o-7
        10:00  admit ada id=adm-7 in=vault    -> nothing
        counters moon-lamp                    -> on_hand 2 reserved 0 allocated 0 sold 2
        pooled vault moon-lamp                -> available 0 allocated 0
    """)


def test_what_is_owed_is_sold_where_the_pool_has_it() -> None:
    story("""
        policy vault pool
        stock  moon-lamp 3
        pool   vault moon-lamp 2
        10:00  admit ada id=adm-7 in= moon-lamp 2
        10:05  paid ada id=adm-7 order=o-7 \
            -> unfulfilled moon-lamp 2 insufficient_stock order=o-7
        10:00  admit ada id=adm-7 in=vault \
            -> reserved moon-lamp 2 until 10:11, converted moon-lamp 2 order=o-7
    """)


def test_sale_beside_a_shortage_stays_as_it_is() -> None:
    story("""
        policy vault hard
        stock  moon-lamp 2
        10:00  admit ada id=adm-7 in= moon-lamp 1
        10:00  admit bo moon-lamp 1
        withdraw bo moon-lamp 1
        10:05  paid ada id=adm-7 order=o-7    -> converted moon-lamp 1 order=o-7
        10:00  admit ada id=adm-7 in=vault    -> nothing
        holds ada                             -> moon-lamp 1 soft converted order=o-7
    """)


def test_units_at_risk_are_not_lost_in_silence() -> None:
    story("""
        policy vault hard
        stock  moon-lamp 2
        10:00  admit ada id=adm-7 in= moon-lamp 2   -> reserved moon-lamp 2 until 10:11
        withdraw ada moon-lamp 1
        10:00  admit ada id=adm-7 in=vault \
            -> released moon-lamp 2 insufficient_stock, rejected moon-lamp 2 insufficient_stock
        counters moon-lamp                    -> on_hand 1 reserved 0 allocated 0 sold 0
    """)


def test_oversold_units_stay_sold_though_the_late_policy_would_not_have_sold_them() -> None:
    story("""
        policy vault hard oversell=1
        policy attic hard
        stock  moon-lamp 0
        10:00  admit ada id=adm-7 in=vault moon-lamp 1
        10:05  paid ada id=adm-7 order=o-7  -> converted moon-lamp 1 order=o-7 late oversold
        10:00  admit ada id=adm-7 in=attic  -> nothing
        holds ada                           -> moon-lamp 1 hard converted order=o-7 late
    """)


def test_hold_that_is_over_by_the_late_policy_ends() -> None:
    story("""
        policy vault hard window=60 buffer=0
        stock  moon-lamp 2
        10:00  admit ada id=adm-7 in= moon-lamp 2   -> reserved moon-lamp 2 until 10:11
        10:05  tick                                 -> nothing
        10:00  admit ada id=adm-7 in=vault          -> expired moon-lamp 2 hold_elapsed
        counters moon-lamp                    -> on_hand 2 reserved 0 allocated 0 sold 0
    """)


def test_what_has_ended_stays_so() -> None:
    world = story("""
        policy vault pool
        stock  moon-lamp 4
        pool   vault moon-lamp 2
        10:00  admit ada id=adm-7 in= moon-lamp 2
        10:05  left ada id=adm-7
        10:00  admit ada id=adm-7 in=vault    -> nothing
        pooled vault moon-lamp                -> available 2 allocated 0
    """)

    assert [one.experience_id for one in world.reservations.values()] == ["vault"]


def test_sale_of_a_part_stays_where_the_whole_could_not_be_taken() -> None:
    world = story("""
        policy vault pool
        stock  moon-lamp 5
        pool   vault moon-lamp 2
        10:00  admit ada id=adm-7 in= moon-lamp 3
        withdraw ada moon-lamp 1
        10:05  paid ada id=adm-7 order=o-7 \
            -> converted moon-lamp 2 order=o-7, unfulfilled moon-lamp 1 stock_withdrawn order=o-7
        10:00  admit ada id=adm-7 in=vault    -> nothing
        10:00  admit ada id=adm-7 in=attic    -> nothing
        holds ada                             -> moon-lamp 2 soft converted order=o-7 missing 1
    """)

    assert [one.experience_id for one in world.reservations.values()] == ["attic"]


def test_sale_that_stays_is_not_moved_by_what_is_told_next() -> None:
    story("""
        policy vault pool
        stock  moon-lamp 2
        pool   vault moon-lamp 1
        10:00  admit bo in=vault moon-lamp 1
        10:00  admit ada id=adm-7 in= moon-lamp 1
        10:05  paid ada id=adm-7 order=o-7    -> converted moon-lamp 1 order=o-7
        10:00  admit ada id=adm-7 in=vault    -> nothing
        10:05  left bo                        -> released moon-lamp 1 consumer_left
        10:06  cancel ada id=adm-7 order=o-7  -> returned moon-lamp 1 order_cancelled order=o-7
        counters moon-lamp                    -> on_hand 1 reserved 0 allocated 0 sold 0
        pooled vault moon-lamp                -> available 1 allocated 0
    """)


def test_sale_that_stays_is_returned_to_the_pool_that_it_came_from() -> None:
    story("""
        policy vault pool
        policy attic pool
        stock  moon-lamp 1
        pool   vault moon-lamp 1
        10:00  admit ada id=adm-7 in=vault moon-lamp 1
        10:05  paid ada id=adm-7 order=o-7
        10:00  admit ada id=adm-7 in=attic    -> nothing
        10:06  cancel ada id=adm-7 order=o-7  -> returned moon-lamp 1 order_cancelled order=o-7
        pooled vault moon-lamp                -> available 1 allocated 0
    """)


def test_part_of_a_cart_that_is_held_is_given_back_as_so_much() -> None:
    story("""
        policy vault hard per_sku=1
        stock  moon-lamp 2
        10:00  admit ada id=adm-7 in= moon-lamp 2
        10:01  cart ada id=adm-7 moon-lamp 3  -> rejected moon-lamp 1 insufficient_stock
        10:00  admit ada id=adm-7 in=vault \
            -> released moon-lamp 2 limit_per_sku, rejected moon-lamp 3 limit_per_sku
    """)
