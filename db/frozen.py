"""Sessions whose process stands still with rows locked: the server waits for it without a limit.

Measured on Postgres 18: idle_in_transaction_session_timeout, statement_timeout, transaction_timeout
and client_connection_check_interval do not end a session that waits for the rest of a COPY, and
TCP finds nothing wrong with a host that is up. To be terminated is all that such a session heeds.
"""

from typing import Final

from db.connect import WORKER, Connection

# No batch's rows are so long on their way. Who is alive after all is rolled back, and tries again.
FROZEN_SECONDS: Final = 5.0


async def end_frozen_sessions(connection: Connection) -> list[str]:
    """End workers' sessions that have waited in mid-statement for their client all too long.

    Returns the names of those that were ended. Only sessions of the same role are seen.
    """
    rows = await connection.fetch(
        """
        WITH frozen AS MATERIALIZED (
            SELECT pid, application_name
              FROM pg_stat_activity
             WHERE datname = current_database()
               AND usename = current_user
               AND application_name LIKE $1
               AND state = 'active'
               AND wait_event IN ('ClientRead', 'ClientWrite')
               AND query_start < clock_timestamp() - $2 * interval '1 second'
               AND pid <> pg_backend_pid()
        )
        SELECT application_name FROM frozen WHERE pg_terminate_backend(pid)
        """,
        f"{WORKER} %",
        FROZEN_SECONDS,
    )
    return [row["application_name"] for row in rows]
