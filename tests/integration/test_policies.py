from db.connect import Connection
from db.importing import Imported
from db.policies import PolicyRow, import_policies, load_policies, show_policies
from schemas.policy import Offer, Policy, Windows

POOL = Policy(
    strategy="pool",
    window_seconds=Windows(queue=300),
    items=(Offer(product_id="lamp"),),
    late_seconds=0,
    restock_cancelled=False,
    units_per_sku_max=2,
    at_risk_first="oldest",
)


def counts(imported: Imported) -> tuple[int, int, int]:
    return imported.new, imported.changed, imported.unchanged


async def test_policy_comes_back_as_it_was_imported(db: Connection) -> None:
    await import_policies(db, [PolicyRow("org_1", "exp_1", POOL)])

    assert await load_policies(db, [("org_1", "exp_1")]) == {("org_1", "exp_1"): POOL}


async def test_only_those_that_are_asked_for_are_loaded(db: Connection) -> None:
    await import_policies(
        db,
        [
            PolicyRow("org_1", "exp_1", POOL),
            PolicyRow("org_1", "exp_2", Policy()),
            PolicyRow("org_2", "exp_1", Policy(cart="all_or_nothing")),
        ],
    )

    loaded = await load_policies(db, [("org_1", "exp_2"), ("org_2", "exp_1"), ("org_2", "exp_2")])

    assert loaded == {
        ("org_1", "exp_2"): Policy(),
        ("org_2", "exp_1"): Policy(cart="all_or_nothing"),
    }
    assert await load_policies(db, []) == {}


async def test_same_file_again_changes_nothing(db: Connection) -> None:
    rows = [PolicyRow("org_1", "exp_1", POOL), PolicyRow("org_1", "exp_2", Policy())]

    first = await import_policies(db, rows)
    second = await import_policies(db, rows)

    assert counts(first) == (2, 0, 0)
    assert counts(second) == (0, 0, 2)


async def test_import_replaces_what_it_names_and_leaves_the_rest(db: Connection) -> None:
    await import_policies(
        db, [PolicyRow("org_1", "exp_1", POOL), PolicyRow("org_1", "exp_2", POOL)]
    )

    imported = await import_policies(db, [PolicyRow("org_1", "exp_1", Policy(strategy="hard"))])

    assert counts(imported) == (0, 1, 0)
    assert {row.experience_id: row.policy for row in await show_policies(db)} == {
        "exp_1": Policy(strategy="hard"),
        "exp_2": POOL,
    }


async def test_dry_run_changes_nothing(db: Connection) -> None:
    imported = await import_policies(db, [PolicyRow("org_1", "exp_1", POOL)], dry_run=True)

    assert counts(imported) == (1, 0, 0)
    assert await show_policies(db) == []


async def test_defaults_are_not_written_down(db: Connection) -> None:
    await import_policies(db, [PolicyRow("org_1", "exp_1", Policy(buffer_seconds=5))])

    assert await db.fetchval("SELECT document FROM policies") == '{"buffer_seconds": 5}'


async def test_loading_uses_the_key(db: Connection) -> None:
    plan = await db.fetch(
        "EXPLAIN SELECT FROM unnest($1::text[], $2::text[]) AS k (organization_id, experience_id)"
        " JOIN policies USING (organization_id, experience_id)",
        ["org_1"],
        ["exp_1"],
    )

    assert any("Index" in line[0] and "policies_pkey" in line[0] for line in plan)
