"""How a migration waits: for other migrations long, for a table never longer than a moment.

Who waits for a table that a long transaction has in use makes all others wait who come after it,
so a sale stands still for as long as a migration waits. Hence it waits a second, lets the others
pass, and tries again.
"""

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from sqlalchemy import Connection
    from sqlalchemy.exc import DBAPIError

# Any number will do: it only has to be the same in every process that migrates.
LOCK_KEY: Final = 4_267_331_001

# As long as a sale may stand still; a batch takes well under a second.
LOCK_SECONDS: Final = 1
# A migration of data may take minutes; one that takes longer is stuck, and somebody should know.
OTHER_MIGRATION_SECONDS: Final = 600

TURN_SECONDS: Final = 0.2  # between two tries to be the one that migrates

ATTEMPTS: Final = 10
PAUSE_SECONDS: Final = 2.0  # for what has queued up behind an attempt

# What Postgres says where a lock does not come: lock_not_available, deadlock_detected.
_IN_THE_WAY: Final = ("55P03", "40P01")

OnWait = Callable[[str], None]


class MigrationBusy(Exception):
    """Something is in the way of a migration, and stays there; nothing of it was done."""


def quiet(what: str) -> None:
    """Report a wait to nobody."""


def take_turn(connection: "Connection", on_wait: OnWait) -> None:
    """Wait until no other process migrates. Raises MigrationBusy if one does for all too long.

    The lock is the session's, not a transaction's: every migration commits on its own. It is asked
    for again and again, for whoever waits in Postgres has a snapshot, and an index that the other
    one builds concurrently waits for the end of that: a deadlock.
    """
    give_up_at = time.monotonic() + OTHER_MIGRATION_SECONDS
    is_told = False
    while not _take(connection):
        if not is_told:
            on_wait("another migration is running: waiting for its end")
            is_told = True
        if time.monotonic() > give_up_at:
            minutes = OTHER_MIGRATION_SECONDS // 60
            raise MigrationBusy(f"another migration runs for over {minutes} minutes")
        time.sleep(TURN_SECONDS)
    connection.exec_driver_sql(f"SET lock_timeout = '{LOCK_SECONDS}s'")
    connection.commit()


def _take(connection: "Connection") -> bool:
    taken = connection.exec_driver_sql(f"SELECT pg_try_advisory_lock({LOCK_KEY})").scalar()
    connection.commit()
    return bool(taken)


def try_again(migrate: Callable[[], None], database_url: str, on_wait: OnWait) -> None:
    """Migrate, and do it again where something is in the way; what was done is not done twice.

    Raises MigrationBusy, with the oldest transaction there is, after the last attempt.
    """
    from sqlalchemy.exc import DBAPIError

    for attempt in range(1, ATTEMPTS + 1):
        try:
            return migrate()
        except DBAPIError as error:
            if not _is_in_the_way(error):
                raise
        oldest = _oldest_transaction(database_url)
        if attempt < ATTEMPTS:
            on_wait(f"a table is in use: trying again ({oldest})")
            time.sleep(PAUSE_SECONDS)
    raise MigrationBusy(f"a table was in use at each of {ATTEMPTS} attempts: {oldest}")


def _is_in_the_way(error: "DBAPIError") -> bool:
    return getattr(error.orig, "sqlstate", None) in _IN_THE_WAY


def _oldest_transaction(database_url: str) -> str:
    """Say who has had a transaction open for longest: most likely it is in the way."""
    import psycopg

    with psycopg.connect(database_url, connect_timeout=10) as connection:
        found = connection.execute(
            """
            SELECT pid, application_name, extract(epoch FROM now() - xact_start)::bigint
              FROM pg_stat_activity
             WHERE datname = current_database() AND xact_start IS NOT NULL
               AND pid <> pg_backend_pid()
             ORDER BY xact_start
             LIMIT 1
            """
        ).fetchone()
    if found is None:
        return "no transaction is open now"
    pid, name, seconds = found
    return f"the oldest transaction is of process {pid} ({name or 'without a name'}), {seconds} s"
