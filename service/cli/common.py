"""What all commands share: their settings, their connections, and how they say what went wrong.

Exit codes: 1 for what the operator's input is refused for, 2 for a wrong configuration, 3 where a
worker gives itself up, to be started anew.
"""

import asyncio
import logging
import os
import sys
from collections.abc import AsyncIterator, Coroutine, Iterable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NoReturn, TypeVar
from urllib.parse import parse_qs, urlsplit

from service.cli.output import note

if TYPE_CHECKING:
    from db.connect import Connection
    from service.settings import Settings

Result = TypeVar("Result")

INPUT_REFUSED: Final = 1
WRONG_CONFIGURATION: Final = 2
GAVE_UP: Final = 3


class CommandError(Exception):
    """Ends a command: each problem is a line on stderr that says what to do."""

    def __init__(self, problems: Iterable[str], exit_code: int) -> None:
        self.problems = list(problems)
        self.exit_code = exit_code
        super().__init__("\n".join(self.problems))


def refuse(*problems: str) -> NoReturn:
    """End a command because of its input."""
    raise CommandError(problems, INPUT_REFUSED)


def misconfigured(*problems: str) -> NoReturn:
    """End a command because of its settings, or of what they point to."""
    raise CommandError(problems, WRONG_CONFIGURATION)


def run(coroutine: Coroutine[Any, Any, Result]) -> Result:
    """Run a command that waits for servers. Libraries keep quiet: an error is one line of ours."""
    logging.getLogger().addHandler(logging.NullHandler())
    return asyncio.run(coroutine)


def load_settings() -> "Settings":
    """Read the settings, or name the variables that are wrong."""
    from pydantic import ValidationError

    from service.misspelt import misspelt
    from service.secret_files import UnreadableSecret, is_secret
    from service.settings import PREFIX, Settings

    for line in misspelt(os.environ):
        note(line)
    problems = []
    try:
        return Settings()
    except UnreadableSecret as error:
        misconfigured(str(error))
    except ValidationError as error:
        for found in error.errors(include_url=False):
            name = str(found["loc"][0])
            value = "" if is_secret(Settings.model_fields[name]) else f"={found['input']}"
            problems.append(f"{PREFIX}{name.upper()}{value}: {found['msg']}")
    misconfigured(*problems)


@asynccontextmanager
async def database(settings: "Settings", command: str) -> AsyncIterator["Connection"]:
    """Connect to a database whose schema fits, or say what to do."""
    async with any_database(settings, command) as connection:
        await check_schema(connection)
        yield connection


@asynccontextmanager
async def any_database(settings: "Settings", command: str) -> AsyncIterator["Connection"]:
    """Connect to a database, whatever its schema, or say what to do."""
    from db.connect import connect

    url = settings.database_url.get_secret_value()
    check_database_url(url)
    with database_errors(url):
        connection = await connect(url, application_name=f"reservations {command}")
        try:
            yield connection
        finally:
            await connection.close(timeout=5)


async def check_schema(connection: "Connection") -> None:
    """End the command where the database is behind the code."""
    from db.migrate import current_revision, head_revision, schema_state

    state = await schema_state(connection)
    if state == "missing":
        misconfigured("the database has no schema yet: run `reservations migrate`")
    if state == "behind":
        at = await current_revision(connection)
        misconfigured(
            f"schema is behind: it is at {at}, this version needs {head_revision()}: "
            "run `reservations migrate`"
        )


def check_database_url(database_url: str) -> None:
    """End the command where the URL cannot be one, in words that show no part of it."""
    with suppress(ValueError):
        parts = urlsplit(database_url)
        if parts.scheme in ("postgresql", "postgres") and parts.port != 0:
            return
    misconfigured(
        "RESERVATIONS_DATABASE_URL is no URL of Postgres; "
        "expected postgresql://user:password@host:5432/database"
    )


@contextmanager
def database_errors(database_url: str) -> Iterator[None]:
    """Turn the ways in which Postgres cannot be used into one line, without the password."""
    import asyncpg

    where = _database_address(database_url)
    try:
        yield
    except (
        asyncpg.LockNotAvailableError,
        asyncpg.DeadlockDetectedError,
        asyncpg.QueryCanceledError,
    ) as error:
        refuse(f"the database is busy ({error}); nothing was changed: try again")
    except (
        asyncpg.InvalidAuthorizationSpecificationError,
        asyncpg.InvalidCatalogNameError,
    ) as error:
        misconfigured(f"Postgres at {where} refuses: {error}: check RESERVATIONS_DATABASE_URL")
    except asyncpg.InsufficientPrivilegeError as error:
        misconfigured(
            f"Postgres at {where} refuses: {error}: the owner of the tables grants what is needed"
            " with `reservations migrate --role NAME`"
        )
    except (OSError, asyncpg.PostgresConnectionError, asyncpg.CannotConnectNowError) as error:
        misconfigured(
            f"cannot reach Postgres at {where} ({_reason(error)}): is Postgres up? "
            "Its address is RESERVATIONS_DATABASE_URL"
        )


@contextmanager
def kafka_errors(settings: "Settings") -> Iterator[None]:
    """Turn the ways in which Kafka cannot be used into one line."""
    from aiokafka.errors import KafkaConnectionError, KafkaError

    from service.kafka_access import KafkaRefused, WrongAccess

    try:
        yield
    except WrongAccess as error:
        misconfigured(str(error))
    except KafkaRefused as error:
        misconfigured(
            f"Kafka at {settings.kafka_bootstrap_servers} lets nobody in: {error}: check"
            " RESERVATIONS_KAFKA_SECURITY_PROTOCOL, ..._KAFKA_SASL_... and ..._KAFKA_SSL_..."
        )
    except (KafkaError, OSError) as error:
        silent = isinstance(error, KafkaConnectionError | TimeoutError)
        misconfigured(
            f"cannot use Kafka at {settings.kafka_bootstrap_servers} "
            f"({'no broker answers' if silent else _reason(error)}): is Kafka up? "
            "Its address is RESERVATIONS_KAFKA_BOOTSTRAP_SERVERS"
        )


def read_input(path: str) -> tuple[str, bytes]:
    """Read a file, or stdin for "-": its name for problems, and its bytes."""
    if path == "-":
        return "stdin", sys.stdin.buffer.read()
    try:
        return path, Path(path).read_bytes()
    except OSError as error:
        refuse(f"{path}: {os.strerror(error.errno or 0)}")


def _database_address(database_url: str) -> str:
    parts = urlsplit(database_url)
    host = parts.hostname or parse_qs(parts.query).get("host", ["localhost"])[0]
    return f"{host}:{parts.port or 5432}"


def _reason(error: BaseException) -> str:
    if isinstance(error, TimeoutError):
        return "no answer in time"
    if isinstance(error, OSError) and error.errno and error.errno > 0:
        return os.strerror(error.errno).lower()
    return str(error).splitlines()[0] if str(error) else type(error).__name__
