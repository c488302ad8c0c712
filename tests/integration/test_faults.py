"""What Postgres says when something is wrong, and what the table of faults makes of it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import asyncpg
import pytest

from consumers.faults import (
    DATABASE_ERRORS,
    SAVING_ERRORS,
    PermanentFault,
    Remedy,
    fault_of,
    sqlstate_of,
    stop_because_of,
    told,
)
from db.connect import Connection, connect
from service.embedded.server import free_ports

Cause = Callable[["Server"], Awaitable[object]]


class Server:
    """A database of the real server, its superuser, and a plain role."""

    def __init__(self, url: str, db: Connection) -> None:
        self.url = url
        self.db = db

    def as_role(self, name: str) -> str:
        return self.url.replace("postgres@", f"{name}@")

    @asynccontextmanager
    async def session(self, url: str = "", **settings: str) -> AsyncIterator[asyncpg.Connection]:
        """Give a connection of a worker's kind, with these settings of the server."""
        connection = await connect(url or self.url, application_name="test")
        try:
            for name, value in settings.items():
                await connection.execute(f"SET {name} = '{value}'")
            yield connection
        finally:
            connection.terminate()


@pytest.fixture
async def server(database_url: str, db: Connection) -> AsyncIterator[Server]:
    await db.execute(
        """
        CREATE TABLE things (id int PRIMARY KEY, units int CHECK (units >= 0), name text NOT NULL);
        CREATE TABLE parts (thing int NOT NULL REFERENCES things);
        INSERT INTO things VALUES (1, 1, 'one'), (2, 2, 'two');
        CREATE ROLE visitor LOGIN;
        """
    )
    yield Server(database_url, db)
    await db.execute("DROP TABLE parts, things; DROP ROLE visitor")


async def terminated(server: Server) -> None:
    await while_asleep(server, "pg_terminate_backend")


async def cancelled(server: Server) -> None:
    await while_asleep(server, "pg_cancel_backend")


async def while_asleep(server: Server, function: str) -> None:
    """Let somebody else act on a session whose statement is under way."""
    asleep = f"""
        SELECT {function}(pid) FROM pg_stat_activity
         WHERE datname = current_database() AND wait_event = 'PgSleep'
    """
    async with server.session() as connection:
        sleeping = asyncio.create_task(connection.execute("SELECT pg_sleep(60)"))
        while not await server.db.fetchval(asleep):
            await asyncio.sleep(0.01)
        await sleeping


async def statement_too_slow(server: Server) -> None:
    async with server.session(statement_timeout="20ms") as connection:
        await connection.execute("SELECT pg_sleep(60)")


async def idle_for_too_long(server: Server) -> None:
    """Stay in a transaction until the server has ended the session, then go on in it."""
    async with (
        server.session(idle_in_transaction_session_timeout="20ms") as connection,
        connection.transaction(),
    ):
        pid = connection.get_server_pid()
        while await server.db.fetchval("SELECT 1 FROM pg_stat_activity WHERE pid = $1", pid):
            await asyncio.sleep(0.01)
        await connection.execute("SELECT 1")


async def in_transaction_for_too_long(server: Server) -> None:
    async with server.session(transaction_timeout="20ms") as connection, connection.transaction():
        await connection.execute("SELECT pg_sleep(60)")


async def no_connection_left(server: Server) -> None:
    await server.db.execute("ALTER ROLE visitor CONNECTION LIMIT 0")
    async with server.session(server.as_role("visitor")):
        pass


async def temporary_files_too_large(server: Server) -> None:
    async with server.session(temp_file_limit="64kB", work_mem="64kB") as connection:
        await connection.execute("SELECT * FROM generate_series(1, 100000) AS n ORDER BY -n")


async def nobody_listens(server: Server) -> None:
    (port,) = free_ports(1)
    async with server.session(f"postgresql://postgres@127.0.0.1:{port}/postgres"):
        pass


async def connection_is_closed(server: Server) -> None:
    async with server.session() as connection:
        await connection.close()
        await connection.execute("SELECT 1")


async def no_answer(server: Server) -> None:
    async with server.session() as connection:
        await connection.execute("SELECT pg_sleep(60)", timeout=0.02)


async def standby_not_promoted(server: Server) -> None:
    async with server.session(default_transaction_read_only="on") as connection:
        await connection.execute("UPDATE things SET units = 3")


async def serialization_failure(server: Server) -> None:
    async with (
        server.session() as connection,
        connection.transaction(isolation="repeatable_read"),
    ):
        await connection.fetch("SELECT * FROM things")
        await server.db.execute("UPDATE things SET units = units + 1 WHERE id = 1")
        await connection.execute("UPDATE things SET units = units + 1 WHERE id = 1")


async def deadlock(server: Server) -> None:
    change = "UPDATE things SET units = units + 1 WHERE id = $1"
    async with (
        server.session(deadlock_timeout="20ms") as one,
        server.session(deadlock_timeout="10s") as other,
        one.transaction(),
    ):
        await other.execute("BEGIN")
        await one.execute(change, 1)
        await other.execute(change, 2)
        waiting = asyncio.create_task(other.execute(change, 1))
        try:
            await one.execute(change, 2)
        finally:
            await one.reset()  # only then the other one gets its row
            await waiting


async def lock_not_given(server: Server) -> None:
    async with server.session(lock_timeout="20ms") as connection, server.db.transaction():
        await server.db.execute("UPDATE things SET units = 3 WHERE id = 1")
        await connection.execute("UPDATE things SET units = 4 WHERE id = 1")


async def plan_of_before_a_migration(server: Server) -> None:
    async with server.session() as connection:
        await connection.fetch("SELECT * FROM things")
        await server.db.execute("ALTER TABLE things ADD COLUMN colour text")
        async with connection.transaction():
            await connection.fetch("SELECT * FROM things")


async def no_such_role(server: Server) -> None:
    async with server.session(server.as_role("nobody")):
        pass


async def no_such_database(server: Server) -> None:
    async with server.session(server.url.rpartition("/")[0] + "/nowhere"):
        pass


async def no_privilege(server: Server) -> None:
    async with server.session(server.as_role("visitor")) as connection:
        await connection.execute("SELECT * FROM things")


async def column_renamed(server: Server) -> None:
    await server.db.execute("ALTER TABLE things RENAME COLUMN units TO pieces")
    await server.db.execute("UPDATE things SET units = 3")


async def number_that_copy_cannot_encode(server: Server) -> None:
    await copy(server, (2**70, 1, "much"))


async def surrogate_that_copy_cannot_encode(server: Server) -> None:
    await copy(server, (3, 1, "\ud800"))


async def copy(server: Server, *rows: tuple[object, ...]) -> None:
    await server.db.copy_records_to_table("things", records=rows)


def sql(statement: str, *values: object) -> Cause:
    """Run one statement."""

    async def cause(server: Server) -> None:
        await server.db.execute(statement, *values)

    return cause


def raised(sqlstate: str) -> Cause:
    """Let the server say what it says when, say, its disk is full: the same error on the wire."""
    return sql(f"DO $$ BEGIN RAISE 'as if' USING ERRCODE = '{sqlstate}'; END $$")


TOO_LARGE_FOR_AN_INDEX = """
    CREATE INDEX ON things (name);
    INSERT INTO things
    SELECT 3, 1, string_agg(md5(n::text), '') FROM generate_series(1, 200) AS n
"""

WAITED_OUT: list[tuple[str, Cause]] = [
    ("57P01", terminated),
    ("57014", cancelled),
    ("57014", statement_too_slow),
    ("", idle_for_too_long),  # asyncpg drops what it is told in between
    ("25P03", raised("25P03")),
    ("25P04", in_transaction_for_too_long),
    ("25006", standby_not_promoted),
    ("53300", no_connection_left),
    ("53400", temporary_files_too_large),
    ("53100", raised("53100")),  # the disk is full
    ("53200", raised("53200")),  # there is no memory left
    ("57P02", raised("57P02")),  # another session has crashed
    ("57P03", raised("57P03")),  # starting, or shutting down
    ("08006", raised("08006")),
    ("58030", raised("58030")),  # an error of the disk
    ("", nobody_listens),
    ("", connection_is_closed),
    ("", no_answer),
]
CONFLICTS: list[tuple[str, Cause]] = [
    ("40001", serialization_failure),
    ("40P01", deadlock),
    ("55P03", lock_not_given),
    ("0A000", plan_of_before_a_migration),
]
REFUSED: list[tuple[str, Cause]] = [
    ("22003", sql("INSERT INTO things VALUES (3, 2::int8 ^ 40, 'much')")),
    ("22021", sql("INSERT INTO things VALUES (3, 1, $1)", "nul \0")),
    ("22000", sql("SELECT $1::bigint", 2**70)),  # so asyncpg, before it sends anything
    ("23502", sql("INSERT INTO things VALUES (3, 1, NULL)")),
    ("23503", sql("INSERT INTO parts VALUES (3)")),
    ("23514", sql("INSERT INTO things VALUES (3, -1, 'less')")),
    ("54000", sql(TOO_LARGE_FOR_AN_INDEX)),
    ("P0001", sql("DO $$ BEGIN RAISE 'not this one'; END $$")),
    ("", number_that_copy_cannot_encode),
    ("", surrogate_that_copy_cannot_encode),
]
PERMANENT: list[tuple[str, Cause, str]] = [
    ("42703", column_renamed, "run `reservations migrate --check`"),
    ("42P01", sql("SELECT * FROM nothing"), "run `reservations migrate --check`"),
    ("42501", no_privilege, "run `reservations migrate --role NAME`"),
    ("28000", no_such_role, "RESERVATIONS_DATABASE_URL"),
    ("3D000", no_such_database, "RESERVATIONS_DATABASE_URL"),
    ("26000", sql("EXECUTE nothing"), "lend by session"),
    ("57P04", raised("57P04"), "RESERVATIONS_DATABASE_URL"),  # the database was dropped
    ("XX001", raised("XX001"), "see Postgres' log"),  # a table is corrupt
    ("ZZ999", raised("ZZ999"), "see Postgres' log"),  # nobody knows it
]


async def error_of(server: Server, sqlstate: str, cause: Cause) -> BaseException:
    with pytest.raises(SAVING_ERRORS) as caught:
        await cause(server)
    assert sqlstate in said_by(caught.value)
    return caught.value


def said_by(error: BaseException | None) -> list[str]:
    """Give all that was said: where a session is gone, the end of its transaction fails too."""
    codes = []
    while error is not None:
        codes.append(sqlstate_of(error))
        error = error.__cause__ or error.__context__
    return codes


@pytest.mark.parametrize(("sqlstate", "cause"), WAITED_OUT)
async def test_what_passes_is_waited_out(server: Server, sqlstate: str, cause: Cause) -> None:
    fault = fault_of(await error_of(server, sqlstate, cause))

    assert (fault.remedy, fault.is_conflict) == (Remedy.WAIT, False)


@pytest.mark.parametrize(("sqlstate", "cause"), CONFLICTS)
async def test_conflicts_are_tried_again_at_once_and_waited_out_if_they_go_on(
    server: Server, sqlstate: str, cause: Cause
) -> None:
    fault = fault_of(await error_of(server, sqlstate, cause))

    assert (fault.remedy, fault.is_conflict) == (Remedy.WAIT, True)


@pytest.mark.parametrize(("sqlstate", "cause"), REFUSED)
async def test_a_refused_row_is_looked_for(server: Server, sqlstate: str, cause: Cause) -> None:
    fault = fault_of(await error_of(server, sqlstate, cause))

    assert (fault.remedy, fault.is_conflict) == (Remedy.BISECT, False)


async def test_a_row_that_is_there_already_is_tried_again_and_then_looked_for(
    server: Server,
) -> None:
    """Another transaction may just have made it; else it is one more row that is refused."""
    error = await error_of(server, "23505", sql("INSERT INTO things VALUES (1, 1, 'one')"))

    fault = fault_of(error)

    assert (fault.remedy, fault.is_conflict) == (Remedy.BISECT, True)


@pytest.mark.parametrize(("sqlstate", "cause", "advice"), PERMANENT)
async def test_what_does_not_pass_stops_with_a_line_that_says_what_to_do(
    server: Server, sqlstate: str, cause: Cause, advice: str
) -> None:
    error = await error_of(server, sqlstate, cause)

    assert fault_of(error).remedy is Remedy.STOP
    with pytest.raises(PermanentFault, match=advice) as caught:
        stop_because_of(error)
    assert f"(SQLSTATE {sqlstate})" in str(caught.value)
    assert "\n" not in str(caught.value)


async def test_an_error_is_told_without_the_row_that_it_quotes(server: Server) -> None:
    secret = sql("INSERT INTO things VALUES (3, -1, $1)", "s3cret")

    error = await error_of(server, "23514", secret)

    assert "s3cret" in str(error)
    assert "s3cret" not in told(error)


def test_a_fault_of_the_program_is_none_of_the_database() -> None:
    assert not issubclass(KeyError, SAVING_ERRORS)
    assert not issubclass(OverflowError, DATABASE_ERRORS)
