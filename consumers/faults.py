"""What can go wrong with Postgres, and what is done about it: one table, by SQLSTATE.

Source of the codes: PostgreSQL's documentation, appendix A.
"""

from dataclasses import dataclass
from enum import Enum, auto
from typing import Final, NoReturn

import asyncpg
from asyncpg.exceptions import (
    ClientConfigurationError,
    OutdatedSchemaCacheError,
    UnsupportedClientFeatureError,
    UnsupportedServerFeatureError,
)


class Remedy(Enum):
    """What is done about an error."""

    WAIT = auto()  # it passes: wait, then find out from Postgres what was committed
    BISECT = auto()  # a row is refused: find its record, and apply the others
    STOP = auto()  # the next attempt would meet it again: an operator has to act


@dataclass(frozen=True, slots=True)
class Fault:
    """A row of the table. `is_conflict`: the same again at once, and the remedy if it goes on."""

    remedy: Remedy
    advice: str = ""
    is_conflict: bool = False


class PermanentFault(Exception):
    """Postgres will say the same again. The message says what, and what to do about it."""


_WAIT: Final = Fault(Remedy.WAIT)
_CONFLICT: Final = Fault(Remedy.WAIT, is_conflict=True)
_REFUSED: Final = Fault(
    Remedy.BISECT,
    "no record can be blamed for it: look for a constraint, a domain or a trigger on our tables"
    " that is not ours",
)
_CONFIGURATION: Final = "check RESERVATIONS_DATABASE_URL"
_SCHEMA: Final = "the tables are not what this version needs: run `reservations migrate --check`"
_POOLER: Final = "a pooler that lends a connection by transaction cannot be used: lend by session"
_UNKNOWN: Final = Fault(
    Remedy.STOP, "this does not pass by itself: see Postgres' log, then start the worker again"
)

# By whole SQLSTATE, else by its class, the first two characters.
_BY_SQLSTATE: Final[dict[str, Fault]] = {
    "08": _WAIT,  # no connection
    "22": _REFUSED,  # a value that a column cannot hold
    "23": _REFUSED,  # a value that a constraint refuses
    "23505": Fault(Remedy.BISECT, _REFUSED.advice, is_conflict=True),  # two made the same row
    "25006": _WAIT,  # read only: a standby that was not promoted yet
    "25P03": _WAIT,  # idle in transaction for too long
    "25P04": _WAIT,  # in transaction for too long
    "26000": Fault(Remedy.STOP, _POOLER),  # a prepared statement is not there
    "28": Fault(Remedy.STOP, f"{_CONFIGURATION} and pg_hba.conf"),  # a password
    "3D": Fault(Remedy.STOP, _CONFIGURATION),  # a database that is not there
    "3F": Fault(Remedy.STOP, _SCHEMA),
    "40": _CONFLICT,  # serialization failure, deadlock
    "42": Fault(Remedy.STOP, _SCHEMA),  # a table or a column that is not there
    "42501": Fault(Remedy.STOP, "as the tables' owner, run `reservations migrate --role NAME`"),
    "42P05": Fault(Remedy.STOP, _POOLER),  # a prepared statement is there already
    "44": _REFUSED,  # a view's check option
    "53": _WAIT,  # no disk, no memory, no connection left
    "54": _REFUSED,  # an index entry, a row or an array that is too large
    "55P03": _CONFLICT,  # another transaction kept a lock for longer than lock_timeout
    "57": _WAIT,  # shutting down, starting, cancelled, statement_timeout
    "57P04": Fault(Remedy.STOP, _CONFIGURATION),  # the database was dropped
    "58": _WAIT,  # the system that Postgres runs on
    "P0001": _REFUSED,  # RAISE in a trigger of somebody's
}

# Those that asyncpg or Python raise by themselves; the first that fits.
_BY_TYPE: Final[dict[type[Exception], Fault]] = {
    asyncpg.InvalidCachedStatementError: _CONFLICT,  # a migration ran: prepare it again
    OutdatedSchemaCacheError: _CONFLICT,
    ClientConfigurationError: Fault(Remedy.STOP, _CONFIGURATION),
    UnsupportedClientFeatureError: _UNKNOWN,
    UnsupportedServerFeatureError: _UNKNOWN,
    OverflowError: _REFUSED,
    UnicodeEncodeError: _REFUSED,
    OSError: _WAIT,  # a TimeoutError is one
    asyncpg.InterfaceError: _WAIT,  # the connection is closed
    asyncpg.InternalClientError: _WAIT,  # it died between a result and its end
}

# What the table is asked about; any other exception is a fault of the program, or of Kafka.
DATABASE_ERRORS: Final = (
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    OSError,
)
# And while rows are saved: a number, or half a pair of surrogates, that COPY cannot encode.
SAVING_ERRORS: Final = (*DATABASE_ERRORS, OverflowError, UnicodeEncodeError)


def fault_of(error: BaseException) -> Fault:
    """Give what is to be done about an error. What is not in the table stops the worker."""
    for kind, fault in _BY_TYPE.items():
        if isinstance(error, kind):
            return fault
    sqlstate = sqlstate_of(error)
    return _BY_SQLSTATE.get(sqlstate) or _BY_SQLSTATE.get(sqlstate[:2]) or _UNKNOWN


def sqlstate_of(error: BaseException) -> str:
    """Give the five characters, or "" where an error is not Postgres' own."""
    return getattr(error, "sqlstate", None) or ""


def told(error: BaseException) -> str:
    """Tell an error in a line: without its details, which quote rows."""
    if isinstance(error, asyncpg.InterfaceError) and error.__context__ is not None:
        return told(error.__context__)  # it only says that the transaction cannot be ended
    lines = str(error).splitlines()
    code = sqlstate_of(error)
    said = lines[0] if lines else type(error).__name__
    return f"{said} (SQLSTATE {code})" if code else said


def stop_because_of(error: BaseException) -> NoReturn:
    """Raise PermanentFault, with what to do."""
    raise PermanentFault(f"Postgres: {told(error)}: {fault_of(error).advice}") from error
