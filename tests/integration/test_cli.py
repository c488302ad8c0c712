"""The command as operators run it: what it prints, where, and with which exit code."""

import asyncio
import json
import os
import resource
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from db.connect import Connection
from db.migrate import revisions, upgrade
from service.embedded import EmbeddedKafka
from service.embedded.server import free_ports
from tests.integration.psql import psql

COMMAND = Path(sys.executable).with_name("reservations")
STOCK = "organization_id,product_id,variant_id,on_hand\n"


@dataclass(frozen=True)
class Result:
    exit_code: int | None
    stdout: str
    stderr: str


async def reservations(*arguments: str, stdin: str = "", **variables: str) -> Result:
    environment = {k: v for k, v in os.environ.items() if not k.startswith("RESERVATIONS_")}
    environment |= {f"RESERVATIONS_{name}": value for name, value in variables.items()}
    process = await asyncio.create_subprocess_exec(
        COMMAND,
        *arguments,
        env=environment,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    stdout, stderr = await process.communicate(stdin.encode())
    return Result(process.returncode, stdout.decode(), stderr.decode())


async def test_help_is_quick_and_names_every_group() -> None:
    await reservations("--help")
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    result = await reservations("--help")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

    assert result.exit_code == 0
    assert all(name in result.stdout for name in ("migrate", "topics", "stock", "pool", "policy"))
    assert seconds < 1  # of the processor, about 0.2: on a busy machine it waits for others too


@pytest.mark.parametrize(
    "command",
    [
        ("migrate",),
        *(("topics", name) for name in ("create", "show")),
        *(("stock", name) for name in ("import", "set", "show")),
        ("explain",),
        ("reconcile",),
        *(("pool", name) for name in ("fill", "drain", "show")),
        *(("policy", name) for name in ("import", "show")),
    ],
)
async def test_every_command_has_an_example(command: tuple[str, ...]) -> None:
    result = await reservations(*command, "--help")

    assert result.exit_code == 0
    assert f"Example: reservations {' '.join(command)}" in result.stdout


async def test_stock_goes_in_and_is_shown(db: Connection, database_url: str) -> None:
    imported = await reservations(
        "stock", "import", "-", stdin=STOCK + "org_1,lamp,red,12\n", DATABASE_URL=database_url
    )
    table = await reservations("stock", "show", DATABASE_URL=database_url)
    as_json = await reservations("stock", "show", "--json", DATABASE_URL=database_url)

    assert imported == Result(
        0, "imported stdin: 1 stock lines new, 0 changed, 0 unchanged, +12 units\n", ""
    )
    assert table.stdout.splitlines() == [
        "organization_id  product_id  variant_id  tracked  received  on_hand  reserved  available"
        "  allocated  pooled  sold  short",
        "org_1            lamp        red         yes            12       12         0         12"
        "          0       0     0      0",
    ]
    assert json.loads(as_json.stdout) == [
        {
            "organization_id": "org_1",
            "product_id": "lamp",
            "variant_id": "red",
            "tracked": True,
            "received": 12,
            "on_hand": 12,
            "reserved": 0,
            "available": 12,
            "allocated": 0,
            "pooled": 0,
            "sold": 0,
            "short": 0,
        }
    ]


async def test_more_than_a_page_is_told(db: Connection, database_url: str) -> None:
    lines = "".join(f"org_1,lamp-{number},,1\n" for number in range(3))
    await reservations("stock", "import", "-", stdin=STOCK + lines, DATABASE_URL=database_url)

    first = await reservations("stock", "show", "--limit", "2", DATABASE_URL=database_url)
    last = await reservations(
        "stock", "show", "--limit", "2", "--page", "2", DATABASE_URL=database_url
    )

    assert first.stderr == "there are more: --page 2, or a higher --limit\n"
    assert (len(first.stdout.splitlines()), len(last.stdout.splitlines())) == (3, 2)
    assert last.stderr == ""


async def test_dry_run_prints_what_would_change(db: Connection, database_url: str) -> None:
    text = STOCK + "org_1,lamp,,12\norg_1,ebook,,untracked\n"
    result = await reservations(
        "stock", "import", "-", "--dry-run", stdin=text, DATABASE_URL=database_url
    )

    assert result.stdout.splitlines() == [
        "would import stdin: 2 stock lines new, 0 changed, 0 unchanged, +12 units",
        "organization_id  product_id  variant_id  before  after",
        "org_1            lamp                    -       12",
        "org_1            ebook                   -       untracked",
    ]
    assert await db.fetchval("SELECT count(*) FROM stock_lines") == 0


async def test_bad_lines_are_all_named_and_nothing_is_imported(
    db: Connection, database_url: str, tmp_path: Path
) -> None:
    file = tmp_path / "stock.csv"
    file.write_text(STOCK + "org_1,lamp,,5\norg_1,,,5\norg_1,chair,,many\n")

    result = await reservations("stock", "import", str(file), DATABASE_URL=database_url)

    assert result.exit_code == 1
    assert result.stderr.splitlines() == [
        f"{file}:3:product_id: empty; expected an id",
        f"{file}:4:on_hand: 'many' is not a number of units; expected 0 to 1000000000000, "
        "or 'untracked'",
        "nothing was imported",
    ]
    assert await db.fetchval("SELECT count(*) FROM stock_lines") == 0


async def test_refused_line_is_named(db: Connection, database_url: str) -> None:
    text = STOCK + "org_1,chair,,5\norg_1,lamp,,10\n"
    await reservations("stock", "import", "-", stdin=text, DATABASE_URL=database_url)
    await db.execute("UPDATE stock_lines SET reserved = 4 WHERE product_id = 'lamp'")

    result = await reservations(
        "stock", "import", "-", stdin=text.replace("10", "3"), DATABASE_URL=database_url
    )

    assert result.exit_code == 1
    assert result.stderr.splitlines() == [
        "stdin:3:on_hand: 3 units, but 4 of the 10 received are held, sold or set aside: "
        "the least possible is 4; with --allow-shortage 1 unit would be short, and 0 holds at risk",
        "nothing was imported",
    ]


async def test_missing_file_is_one_line() -> None:
    result = await reservations("stock", "import", "nowhere.csv")

    assert result == Result(1, "", "nowhere.csv: No such file or directory\n")


async def test_pool_is_filled_shown_and_drained(db: Connection, database_url: str) -> None:
    pools = "organization_id,experience_id,product_id,variant_id,units\norg_1,exp_1,lamp,,4\n"
    drain = ("pool", "drain", "--organization", "org_1", "--experience", "exp_1")
    await reservations(
        "stock", "import", "-", stdin=STOCK + "org_1,lamp,,10\n", DATABASE_URL=database_url
    )

    filled = await reservations("pool", "fill", "-", stdin=pools, DATABASE_URL=database_url)
    shown = await reservations("pool", "show", "--json", DATABASE_URL=database_url)
    drained = await reservations(*drain, DATABASE_URL=database_url)
    again = await reservations(*drain, DATABASE_URL=database_url)

    assert filled.stdout == "imported stdin: 1 pools new, 0 changed, 0 unchanged, +4 units\n"
    assert [pool["available"] for pool in json.loads(shown.stdout)] == [4]
    assert drained.stdout == "product_id  variant_id  units\nlamp                        4\n"
    assert again.stdout == "nothing to move\n"


async def test_a_pool_that_nothing_sells_from_is_told(db: Connection, database_url: str) -> None:
    pools = "organization_id,experience_id,product_id,variant_id,units\norg_1,exp_1,lamp,,{}\n"
    toml = '[[experience]]\norganization_id = "org_1"\nexperience_id = "exp_1"\nstrategy = "{}"\n'
    await reservations(
        "stock", "import", "-", stdin=STOCK + "org_1,lamp,,10\n", DATABASE_URL=database_url
    )

    async def fill(units: int) -> str:
        done = await reservations(
            "pool", "fill", "-", stdin=pools.format(units), DATABASE_URL=database_url
        )
        assert done.exit_code == 0
        return done.stderr

    nothing = await fill(0)
    told = [await fill(4)]
    for strategy in ("hard", "pool"):
        file = toml.format(strategy)
        await reservations("policy", "import", "-", stdin=file, DATABASE_URL=database_url)
        told.append(await fill(4))

    see = "; see `reservations policy`\n"
    assert told == [
        f"org_1/exp_1 sells from no pool: it has no policy{see}",
        f"org_1/exp_1 sells from no pool: its policy says 'hard'{see}",
        "",
    ]
    assert nothing == ""  # units that are none can lie nowhere


async def test_policy_is_imported_and_shown_as_it_applies(
    db: Connection, database_url: str
) -> None:
    toml = '[[experience]]\norganization_id = "org_1"\nexperience_id = "exp_1"\n'
    bad = await reservations(
        "policy", "import", "-", stdin=toml + 'stratgey = "hard"', DATABASE_URL=database_url
    )
    good = await reservations(
        "policy", "import", "-", stdin=toml + 'strategy = "hard"', DATABASE_URL=database_url
    )
    shown = await reservations("policy", "show", "--json", DATABASE_URL=database_url)
    table = await reservations("policy", "show", DATABASE_URL=database_url)

    assert bad.exit_code == 1
    assert bad.stderr.splitlines()[0] == (
        "stdin:4:stratgey: unknown key 'stratgey'; did you mean 'strategy'?"
    )
    assert good.stdout == "imported stdin: 1 policies new, 0 changed, 0 unchanged\n"
    (policy,) = json.loads(shown.stdout)
    assert (policy["strategy"], policy["buffer_seconds"]) == ("hard", 60)
    assert "queue 600, draw 172800" in table.stdout


async def test_migrate_checks_and_migrates(empty_database_url: str) -> None:
    url = {"DATABASE_URL": empty_database_url}
    missing = await reservations("migrate", "--check", **url)
    command = await reservations("stock", "show", **url)
    migrated = await reservations("migrate", **url)
    again = await reservations("migrate", **url)
    checked = await reservations("migrate", "--check", **url)

    assert missing == Result(
        *(1, ""),
        "the database has no schema yet;"
        " `reservations migrate` would apply 0001, 0002, 0003, 0004, 0005, 0006, 0007\n",
    )
    words = "the database has no schema yet: run `reservations migrate`\n"
    assert command == Result(2, "", words)
    assert migrated == Result(0, "migrated: 0001, 0002, 0003, 0004, 0005, 0006, 0007\n", "")
    assert again == Result(0, "nothing to do: at 0007\n", "")
    assert checked == Result(0, "schema is at 0007\n", "")


async def test_migrate_tells_behind_from_not_to_be_asked(empty_database_url: str) -> None:
    await asyncio.to_thread(upgrade, empty_database_url, "0002")
    (port,) = free_ports(1)

    behind = await reservations("migrate", "--check", DATABASE_URL=empty_database_url)
    nobody = await reservations("migrate", "--check", DATABASE_URL=f"postgresql://127.0.0.1:{port}")

    lacking = ", ".join(revisions()[2:])
    words = f"schema is behind: it is at 0002; `reservations migrate` would apply {lacking}\n"
    assert behind == Result(1, "", words)
    assert nobody.exit_code == 2


async def test_migrate_prints_the_sql_that_it_would_run(empty_database_url: str) -> None:
    url = {"DATABASE_URL": empty_database_url}
    await asyncio.to_thread(upgrade, empty_database_url, "0002")
    printed = await reservations("migrate", "--sql", **url)
    await psql(empty_database_url, printed.stdout)
    checked = await reservations("migrate", "--check", **url)
    again = await reservations("migrate", "--sql", **url)

    assert printed.stdout.startswith("SET lock_timeout")
    assert "CREATE TABLE stock_lines" not in printed.stdout
    assert checked == Result(0, "schema is at 0007\n", "")
    assert again == Result(0, "", "nothing to do: at 0007\n")


async def test_migrate_prints_sql_without_a_database() -> None:
    nowhere = {"DATABASE_URL": "postgresql://nowhere:1/x"}
    everything = await reservations("migrate", "--sql", "--since", "none", **nowhere)
    unknown = await reservations("migrate", "--sql", "--since", "9999", **nowhere)
    alone = await reservations("migrate", "--since", "0002", **nowhere)

    assert everything.exit_code == 0
    assert "CREATE TABLE stock_lines" in everything.stdout
    assert everything.stderr == ""
    words = f"--since: no revision 9999; expected none or one of {', '.join(revisions())}\n"
    assert unknown == Result(1, "", words)
    assert alone == Result(1, "", "--since says where --sql begins: it needs --sql\n")


@pytest.mark.parametrize("command", [("migrate",), ("stock", "show")])
async def test_unreachable_database_is_one_line_without_its_password(
    command: tuple[str, ...],
) -> None:
    (port,) = free_ports(1)
    url = f"postgresql://ada:pass-word@127.0.0.1:{port}/shop"

    result = await reservations(*command, DATABASE_URL=url)

    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr == (
        f"cannot reach Postgres at 127.0.0.1:{port} (connection refused): is Postgres up? "
        "Its address is RESERVATIONS_DATABASE_URL\n"
    )


async def test_unknown_database_is_one_line(database_url: str) -> None:
    result = await reservations(
        "stock", "show", DATABASE_URL=database_url.rpartition("/")[0] + "/nowhere"
    )

    assert result.exit_code == 2
    assert 'database "nowhere" does not exist' in result.stderr
    assert len(result.stderr.splitlines()) == 1


@pytest.mark.parametrize("url", ["mysql://ada:pass-word@h/x", "postgresql://ada:pass-word@h:x/y"])
async def test_url_that_is_none_is_not_repeated(url: str) -> None:
    result = await reservations("stock", "show", DATABASE_URL=url)

    assert result.exit_code == 2
    assert result.stderr.startswith("RESERVATIONS_DATABASE_URL is no URL of Postgres; expected ")
    assert "pass-word" not in result.stderr


async def test_bad_settings_name_their_variables() -> None:
    result = await reservations("stock", "show", HTTP_PORT="99999", LOG_FORMAT="xml")

    assert result.exit_code == 2
    assert [line.split(": ")[0] for line in result.stderr.splitlines()] == [
        "RESERVATIONS_HTTP_PORT=99999",
        "RESERVATIONS_LOG_FORMAT=xml",
    ]


async def test_topics_are_made_and_shown(kafka: EmbeddedKafka) -> None:
    servers = {"KAFKA_BOOTSTRAP_SERVERS": kafka.bootstrap_servers}
    names = {
        f"{role}_TOPIC": f"cli-{role.lower()}"
        for role in (
            "ADMITTED",
            "CART_UPDATED",
            "CHECKOUT_COMPLETED",
            "HOLD_COMMANDS",
            "ADMISSION_EXPIRED",
            "EXPIRY_TICKS",
            "OUTCOMES",
            "DEAD_LETTERS",
        )
    }

    missing = await reservations("topics", "show", **servers, **names)
    made = await reservations("topics", "create", "--partitions", "2", **servers, **names)
    shown = await reservations("topics", "show", **servers, **names)
    other = await reservations("topics", "create", "--partitions", "3", **servers, **names)

    assert "run `reservations topics create`" in missing.stderr
    assert (made.exit_code, made.stderr) == (0, "")
    assert made.stdout.splitlines()[:2] == [
        "role                name                    partitions  replicas",
        "admitted            cli-admitted                     2         1",
    ]
    assert shown == made
    assert other.exit_code == 1
    assert len(other.stderr.splitlines()) == 8


async def test_unreachable_broker_is_one_line() -> None:
    (port,) = free_ports(1)

    result = await reservations("topics", "show", KAFKA_BOOTSTRAP_SERVERS=f"127.0.0.1:{port}")

    assert result.exit_code == 2
    assert result.stderr == (
        f"cannot use Kafka at 127.0.0.1:{port} (no broker answers): is Kafka up? "
        "Its address is RESERVATIONS_KAFKA_BOOTSTRAP_SERVERS\n"
    )
