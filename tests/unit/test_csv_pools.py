import pytest

from db.pool_fill import PoolRow
from service.admin.pool_file import read_pools
from service.admin.problems import BadFile

HEADER = "organization_id,experience_id,product_id,variant_id,units\n"


def test_line_becomes_row_with_its_number() -> None:
    rows = read_pools("pools.csv", (HEADER + "org_1,exp_1,moon-lamp,red,12\n").encode())

    assert rows == [PoolRow(2, "org_1", "exp_1", "moon-lamp", "red", 12)]


def test_one_line_per_experience_and_stock_line() -> None:
    lines = "org_1,exp_1,lamp,,1\norg_1,exp_2,lamp,,1\norg_1,exp_1,lamp,,2\n"

    with pytest.raises(BadFile) as raised:
        read_pools("pools.csv", (HEADER + lines).encode())

    (found,) = raised.value.problems
    assert found.startswith("pools.csv:4:variant_id: the same organization_id, experience_id")
    assert "as in line 2" in found


def test_pool_has_units_only() -> None:
    with pytest.raises(BadFile) as raised:
        read_pools("pools.csv", (HEADER + "org_1,exp_1,lamp,,untracked\n").encode())

    assert raised.value.problems == [
        "pools.csv:2:units: 'untracked' is not a number of units; expected 0 to 1000000000000"
    ]
