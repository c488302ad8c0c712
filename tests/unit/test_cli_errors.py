import asyncpg
import pytest

from service.cli.common import CommandError, database_errors

URL = "postgresql://ada:pass-word@db.example:6543/shop"


@pytest.mark.parametrize(
    ("error", "exit_code", "words"),
    [
        (ConnectionRefusedError(111, "refused"), 2, "cannot reach Postgres at db.example:6543 ("),
        (TimeoutError(), 2, "(no answer in time): is Postgres up?"),
        (asyncpg.CannotConnectNowError("starting up"), 2, "(starting up): is Postgres up?"),
        (asyncpg.InvalidPasswordError("wrong"), 2, "Postgres at db.example:6543 refuses: wrong"),
        (asyncpg.InsufficientPrivilegeError("no"), 2, "with `reservations migrate --role NAME`"),
        (asyncpg.LockNotAvailableError("timeout"), 1, "nothing was changed: try again"),
    ],
)
def test_error_of_postgres_is_one_line_without_the_password(
    error: Exception, exit_code: int, words: str
) -> None:
    with pytest.raises(CommandError) as raised, database_errors(URL):
        raise error

    (problem,) = raised.value.problems
    assert words in problem
    assert "pass-word" not in problem
    assert raised.value.exit_code == exit_code


def test_error_of_ours_is_left_alone() -> None:
    with pytest.raises(KeyError), database_errors(URL):
        raise KeyError("a bug")
