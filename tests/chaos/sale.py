"""What is sold, and by which rules: plenty of some things, too little of others."""

import asyncio
from typing import Final

from db.connect import connect
from db.migrate import upgrade
from db.policies import import_policies
from db.pool_fill import PoolRow, fill_pools
from db.stock_import import StockRow, import_stock
from service.admin.policy_file import read_policies
from service.settings import Settings
from service.topics import create_topics

LANES: Final = 6
WINDOW_SECONDS: Final = 8

PLENTY: Final = tuple(f"lamp-{n}" for n in range(6))
SCARCE: Final = tuple(f"rare-{n}" for n in range(6))
RECEIVED: Final = dict.fromkeys(PLENTY, 10_000_000) | dict.fromkeys(SCARCE, 40)
POOLED: Final = dict.fromkeys(PLENTY, 1_000_000) | dict.fromkeys(SCARCE, 16)

EXPERIENCES: Final = ("soft", "hard", "pool")  # by the name of its strategy
_POLICIES: Final = "".join(
    f"""
[[experience]]
organization_id = "acme"
experience_id = "{strategy}"
strategy = "{strategy}"
window_seconds = {{ queue = {WINDOW_SECONDS} }}
buffer_seconds = 0
"""
    for strategy in EXPERIENCES
)


async def open_sale(settings: Settings) -> None:
    """Make the schema and the topics, and bring stock, pools and policies in."""
    url = settings.database_url.get_secret_value()
    await asyncio.to_thread(upgrade, url)
    await create_topics(settings, partitions=LANES, replication_factor=1)
    stock = [
        StockRow(n, "acme", name, "", units) for n, (name, units) in enumerate(RECEIVED.items())
    ]
    pools = [
        PoolRow(n, "acme", "pool", name, "", units)
        for n, (name, units) in enumerate(POOLED.items())
    ]
    connection = await connect(url, application_name="chaos")
    try:
        await import_stock(connection, stock)
        await import_policies(connection, read_policies("policy.toml", _POLICIES.encode()))
        assert not isinstance(await fill_pools(connection, pools), list)
    finally:
        await connection.close()
