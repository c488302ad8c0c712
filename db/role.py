"""The role of workers and of commands: what it may do is in `migrations/role.sql`.

Beside it `pruning_role.sql` has what lets it forget what is over, for a role that prunes.
"""

from pathlib import Path
from typing import Final

from db.connect import Connection

_MIGRATIONS: Final = Path(__file__).parent / "migrations"


def grants_sql(role: str, *, prunes: bool = False) -> str:
    """Give the SQL that lets a role do what workers and commands do; `prunes`: also prune."""
    quoted = '"' + role.replace('"', '""') + '"'  # an identifier cannot be a parameter
    files = ["role.sql", "pruning_role.sql"] if prunes else ["role.sql"]
    sql = "\n".join((_MIGRATIONS / name).read_text(encoding="utf-8") for name in files)
    return sql.replace(':"role"', quoted)


async def grant(connection: Connection, role: str, *, prunes: bool = False) -> bool:
    """Let a role do so, and tell whether it may now: only the tables' owner can grant it.

    Raises UndefinedObjectError where there is no such role.
    """
    async with connection.transaction():
        await connection.execute(
            grants_sql(role, prunes=prunes)
        )  # not being the owner is a warning only
        may: bool = await connection.fetchval(
            "SELECT has_table_privilege($1, 'journal', 'INSERT')", role
        )
    return may
