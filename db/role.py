"""The role of workers and of commands: what it may do is in `migrations/role.sql`."""

from pathlib import Path
from typing import Final

from db.connect import Connection

_FILE: Final = Path(__file__).parent / "migrations" / "role.sql"


def grants_sql(role: str) -> str:
    """Give the SQL that lets a role do what workers and commands do."""
    quoted = '"' + role.replace('"', '""') + '"'  # an identifier cannot be a parameter
    return _FILE.read_text(encoding="utf-8").replace(':"role"', quoted)


async def grant(connection: Connection, role: str) -> bool:
    """Let a role do so, and tell whether it may now: only the tables' owner can grant it.

    Raises UndefinedObjectError where there is no such role.
    """
    async with connection.transaction():
        await connection.execute(grants_sql(role))  # not being the owner is a warning only
        may: bool = await connection.fetchval(
            "SELECT has_table_privilege($1, 'journal', 'INSERT')", role
        )
    return may
