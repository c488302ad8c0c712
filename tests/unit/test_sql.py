"""No SQL is built from values: what a statement is made of is in the code, and nowhere else."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from db.role import grants_sql

HOME = Path(__file__).parents[2]
DB = sorted((HOME / "db").glob("*.py"))
ABOVE = sorted(
    path
    for package in ("consumers", "producers", "service")
    for path in (HOME / package).rglob("*.py")
)

RUNS = {"execute", "executemany", "fetch", "fetchrow", "fetchval", "prepare", "cursor",
        "copy_records_to_table"}  # fmt: skip

# Functions that are given a statement, or the name of a table: which argument of theirs it is.
# Their callers are held to the rule in their place.
PASS_ON = {"read": 2, "run_check": 2, "copy": 1}


# The name of a role cannot be a parameter: it is quoted, which a test below looks at.
QUOTED = {"grants_sql(role, prunes=prunes)"}


def constants_of(trees: list[ast.Module]) -> dict[str, ast.expr]:
    """Give what the modules assign to names in capitals, by name."""
    found: dict[str, ast.expr] = {}
    for tree in trees:
        for node in tree.body:
            if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.value:
                found[node.target.id] = node.value
            elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
                found[node.targets[0].id] = node.value
    return {name: value for name, value in found.items() if name.strip("_").isupper()}


def is_fixed(node: ast.expr, constants: dict[str, ast.expr]) -> bool:
    """Tell whether an expression is the same in every run: literals, and constants made of them."""
    match node:
        case ast.Constant():
            return True
        case ast.Name(id=name):
            return name in constants and is_fixed(constants[name], constants)
        case ast.JoinedStr(values=parts):
            return all(is_fixed(part, constants) for part in parts)
        case ast.FormattedValue(value=value):
            return is_fixed(value, constants)
        case ast.Dict(values=parts):
            return all(is_fixed(part, constants) for part in parts)
        case _:
            return False


def statements(tree: ast.Module) -> Iterator[tuple[ast.expr, str]]:
    """Give each statement that is run, or passed on to be run, with the function it is in."""
    for function in ast.walk(tree):
        if not isinstance(function, ast.AsyncFunctionDef | ast.FunctionDef):
            continue
        for call in ast.walk(function):
            if not isinstance(call, ast.Call):
                continue
            match call.func:
                case ast.Attribute(attr=name) if name in RUNS and call.args:
                    yield call.args[0], function.name
                case ast.Name(id=name) if name in PASS_ON:
                    yield call.args[PASS_ON[name]], function.name


def problems(tree: ast.Module, constants: dict[str, ast.expr]) -> list[str]:
    return [
        f"line {statement.lineno}: {ast.unparse(statement)[:60]}"
        for statement, function in statements(tree)
        if not is_fixed(statement, constants)
        and ast.unparse(statement) not in QUOTED
        and not is_local_constant(tree, statement, function, constants)
        and not is_passed_on(tree, statement, function)
        and not is_of_a_constant(tree, statement, constants)
    ]


def is_passed_on(tree: ast.Module, statement: ast.expr, function: str) -> bool:
    """Tell whether it is an argument of a function whose callers are looked at."""
    if function not in PASS_ON or not isinstance(statement, ast.Name):
        return False
    return any(
        isinstance(node, ast.AsyncFunctionDef)
        and node.name == function
        and node.args.args[PASS_ON[function]].arg == statement.id
        for node in tree.body
    )


def is_local_constant(
    tree: ast.Module, statement: ast.expr, function: str, constants: dict[str, ast.expr]
) -> bool:
    """Tell whether it is a variable of its function that is only ever given something fixed."""
    given = [
        node.value
        for outer in ast.walk(tree)
        if isinstance(outer, ast.AsyncFunctionDef | ast.FunctionDef) and outer.name == function
        for node in ast.walk(outer)
        if isinstance(node, ast.Assign | ast.AugAssign | ast.AnnAssign | ast.NamedExpr)
        and isinstance(statement, ast.Name)
        and statement.id in map(ast.unparse, getattr(node, "targets", None) or [node.target])  # type: ignore[union-attr]
    ]
    return bool(given) and all(value and is_fixed(value, constants) for value in given)


def is_of_a_constant(tree: ast.Module, statement: ast.expr, constants: dict[str, ast.expr]) -> bool:
    """Tell whether it is a variable of a loop over the items of a constant."""
    return isinstance(statement, ast.Name) and any(
        isinstance(loop, ast.For)
        and isinstance(loop.target, ast.Tuple)
        and ast.unparse(loop.target.elts[-1]) == statement.id
        and isinstance(loop.iter, ast.Call)
        and isinstance(loop.iter.func, ast.Attribute)
        and loop.iter.func.attr == "items"
        and is_fixed(loop.iter.func.value, constants)
        for loop in ast.walk(tree)
    )


TREES = {path: ast.parse(path.read_text()) for path in DB}
CONSTANTS = constants_of(list(TREES.values()))


@pytest.mark.parametrize("path", DB, ids=lambda path: path.name)
def test_no_statement_is_built_from_values(path: Path) -> None:
    assert problems(TREES[path], CONSTANTS) == []


def test_the_name_of_a_role_cannot_end_its_quotes() -> None:
    name = 'shop"; DROP TABLE lanes; --'

    sql = grants_sql(name)

    assert '"shop""; DROP TABLE lanes; --"' in sql
    assert 'shop";' not in sql.replace('""', "")


def test_the_statements_are_found() -> None:
    assert sum(1 for tree in TREES.values() for _ in statements(tree)) > 60


def test_there_is_no_sql_above_the_database() -> None:
    runs = [
        f"{path.relative_to(HOME)}:{node.lineno}"
        for path in ABOVE
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in RUNS
        and "connection" in ast.unparse(node.func.value)
    ]

    assert runs == []


@pytest.mark.parametrize(
    "statement",
    [
        'f"SELECT {name}"',
        '"SELECT " + name',
        '"SELECT %s" % name',
        '"SELECT {}".format(name)',
        "name",
        '" ".join(["SELECT", name])',
        'f"SELECT {MADE}"',
        "MADE",
        'f"SELECT {UNKNOWN}"',
        '"SELECT 1" if name else "SELECT 2"',
    ],
)
def test_a_statement_that_is_built_is_found(statement: str) -> None:
    tree = ast.parse(
        f"MADE = name()\nasync def run(connection, name):\n    await connection.fetch({statement})"
    )

    assert len(problems(tree, constants_of([tree]))) == 1


def test_a_variable_that_is_given_a_value_too_is_found() -> None:
    lines = ["sql = 'SELECT 1'", "sql += name", "await connection.fetch(sql)"]
    tree = ast.parse("async def run(connection, name):\n    " + "\n    ".join(lines))

    assert len(problems(tree, {})) == 1


@pytest.mark.parametrize("statement", ['"SELECT $1"', 'f"SELECT {SECONDS}"', "ALL", 'f"{ALL} x"'])
def test_a_statement_of_constants_is_none(statement: str) -> None:
    tree = ast.parse(
        "SECONDS: Final = 5\nALL = f'SELECT {SECONDS}'\n"
        f"async def run(connection, name):\n    await connection.fetch({statement}, name)"
    )

    assert problems(tree, constants_of([tree])) == []
