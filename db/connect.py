"""Connections to Postgres: plans that stay as they are, and a limit to every wait."""

from typing import Final, TypeAlias

import asyncpg
from asyncpg.pool import PoolConnectionProxy

# What functions of this package take: a connection of its own, or one lent by a pool.
Connection: TypeAlias = asyncpg.Connection | PoolConnectionProxy

# Workers' sessions are told from others by how their names begin.
WORKER: Final = "reservations worker"

_CONNECT_SECONDS: Final = 10.0
# A little more than the statement_timeout below: for a server that does not answer at all.
_COMMAND_SECONDS: Final = 75.0
_BATCH_COMMAND_SECONDS: Final = 20.0

_SERVER_SETTINGS: Final = {
    # Every hot statement has an index; a fresh table without statistics must not hide it.
    "enable_seqscan": "off",
    # Nested loops over an index cost the same at every size of the tables.
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
    # One plan per statement: no second one that depends on the values of a batch.
    "plan_cache_mode": "force_generic_plan",
    # Compiling a statement takes longer than any statement here.
    "jit": "off",
    # Another transaction has the row for long: say so, and let the caller try again.
    "lock_timeout": "10s",
    # A statement that takes longer is a bug or a sick server: do not wait for ever.
    "statement_timeout": "60s",
    # A process that stopped in mid-transaction must not keep its locks: no batch thinks so long.
    "idle_in_transaction_session_timeout": "8s",
    # Nor one that died while its statement waits for somebody else's lock.
    "client_connection_check_interval": "2s",
    # Nor a host that lost its power or its network.
    "tcp_keepalives_idle": "5s",
    "tcp_keepalives_interval": "2s",
    "tcp_keepalives_count": "3",
    "tcp_user_timeout": "10s",
    # What is written as NULL in an array is no text of four letters.
    "array_nulls": "on",
    # Instants are printed and compared in UTC wherever the server stands.
    "timezone": "UTC",
}
# A statement of a batch takes milliseconds. What takes this long shall be tried again with half the
# records, or over another connection: this one may have been cut without a word.
_BATCH_SETTINGS: Final = _SERVER_SETTINGS | {"statement_timeout": "15s"}


# What nobody waits for takes one processor: with two helpers of its own, a look at five million
# reservations would leave a small machine none for batches.
_IN_BACKGROUND: Final = {"max_parallel_workers_per_gather": "0"}


async def connect(
    database_url: str, *, application_name: str, is_in_background: bool = False
) -> asyncpg.Connection:
    """Open one connection, for work that somebody waits for or for what goes on beside it.

    The URL begins with postgresql:// or postgres://.
    """
    own = _IN_BACKGROUND if is_in_background else {}
    return await asyncpg.connect(
        database_url,
        timeout=_CONNECT_SECONDS,
        command_timeout=_COMMAND_SECONDS,
        # Shown in pg_stat_activity, so that a lock can be traced to its process.
        server_settings=_SERVER_SETTINGS | own | {"application_name": application_name},
    )


async def create_pool(
    database_url: str, *, application_name: str, connections_max: int
) -> asyncpg.Pool:
    """Make a pool of at most ``connections_max`` connections, for batches. It opens none yet."""
    return await asyncpg.create_pool(
        database_url,
        min_size=0,  # else it tries by itself while Postgres is away, and logs each attempt
        max_size=connections_max,
        reset=_leave_as_it_is,
        timeout=_CONNECT_SECONDS,
        command_timeout=_BATCH_COMMAND_SECONDS,
        server_settings=_BATCH_SETTINGS | {"application_name": application_name},
    )


async def _leave_as_it_is(_: Connection) -> None:
    """Ask nothing of the server when a connection comes back to its pool.

    By default it is asked to undo what outlives a transaction: session settings, locks, listeners
    and cursors. Here all of these end with theirs, and each batch would wait for the answer.
    """


async def prefer_whole_tables(connection: Connection) -> None:
    """Undo, until the end of the transaction, what suits statements that touch few rows.

    What suits a batch, one index lookup per row, takes ten times as long for a million rows.
    """
    await connection.execute(
        """
        SET LOCAL enable_seqscan = on;
        SET LOCAL enable_hashjoin = on;
        SET LOCAL enable_mergejoin = on;
        SET LOCAL plan_cache_mode = auto;
        SET LOCAL work_mem = '64MB'
        """
    )


# asyncpg's own limit of time, for what reads whole tables.
ALL_TIME_SECONDS: Final = 24 * 3600.0


async def take_all_time(connection: Connection) -> None:
    """Undo the server's limit of time, until the end of the transaction, for whole tables."""
    await connection.execute("SET LOCAL statement_timeout = 0")
