"""A world of its own on the shared servers: a database, topics, workers as real processes."""

import asyncio
import json
import os
import re
import signal
import sys
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiohttp import ClientSession
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.structs import TopicPartition

from db.connect import connect
from db.migrate import schema_state, upgrade
from db.policies import import_policies
from db.stock_import import StockRow, import_stock
from schemas.steps import Step
from service.admin.policy_file import read_policies
from service.settings import Settings
from service.topics import create_topics

COMMAND = Path(sys.executable).with_name("reservations")
DOOMED = (sys.executable, "-m", "tests.e2e.doomed")

TOPICS = {
    "admitted": "ADMITTED_TOPIC",
    "cart-updated": "CART_UPDATED_TOPIC",
    "checkout-completed": "CHECKOUT_COMPLETED_TOPIC",
    "hold-commands": "HOLD_COMMANDS_TOPIC",
    "admission-expired": "ADMISSION_EXPIRED_TOPIC",
    "expiry-ticks": "EXPIRY_TICKS_TOPIC",
    "reservation-outcomes": "OUTCOMES_TOPIC",
    "reservation-dead-letters": "DEAD_LETTERS_TOPIC",
}


@dataclass
class Finished:
    """A command that has ended."""

    code: int
    out: str
    err: str


@dataclass
class WorkerProcess:
    """A running `reservations worker`, with what it has logged so far."""

    process: asyncio.subprocess.Process
    port: int = 0
    lines: list[dict[str, Any]] = field(default_factory=list)
    _reader: asyncio.Task[None] | None = None
    _news: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def ends(self) -> tuple[int, str]:
        """Wait until it has ended by itself: its exit code, and what it said that is no log."""
        async with asyncio.timeout(40):
            code = await self.process.wait()
        assert self._reader is not None
        await self._reader
        return code, "\n".join(line["line"] for line in self.lines if "line" in line)

    async def log(self, *events: str, count: int = 1) -> dict[str, Any]:
        """Wait until the worker has logged these events so often, one with the other."""
        try:
            async with asyncio.timeout(40), self._news:
                await self._news.wait_for(lambda: len(self._with(*events)) >= count)
        except TimeoutError:
            told = [line.get("event") or line.get("line") for line in self.lines]
            raise AssertionError(f"none of {events} in 40 s, but {told}") from None
        return self._with(*events)[count - 1]

    async def metrics(self) -> dict[str, float]:
        """Give all samples, by name with labels."""
        async with ClientSession() as http:
            answer = await http.get(f"http://127.0.0.1:{self.port}/metrics")
            text = await answer.text()
        lines = (line.rpartition(" ") for line in text.splitlines() if not line.startswith("#"))
        return {name: float(value) for name, _, value in lines}

    async def get(self, path: str) -> tuple[int, str]:
        async with ClientSession() as http:
            answer = await http.get(f"http://127.0.0.1:{self.port}{path}")
            return answer.status, await answer.text()

    async def stop(self, number: int = signal.SIGTERM) -> int:
        """Send a signal and wait for the end."""
        if self.process.returncode is None:
            self.process.send_signal(number)
        code = await self.process.wait()
        if self._reader is not None:
            await self._reader
        return code

    def begin_reading(self) -> None:
        self._reader = asyncio.create_task(self._read())

    async def _read(self) -> None:
        assert self.process.stdout is not None
        async for line in self.process.stdout:
            async with self._news:
                self.lines.append(_parsed(line))
                self._news.notify_all()
        async with self._news:
            self._news.notify_all()

    def _with(self, *events: str) -> list[dict[str, Any]]:
        return [line for line in self.lines if line.get("event") in events]


@dataclass
class World:
    """Servers are shared; everything that a test names is its own."""

    name: str
    database_url: str
    bootstrap_servers: str
    directory: Path
    settings: dict[str, str] = field(default_factory=dict)
    workers: list[WorkerProcess] = field(default_factory=list)

    def topic(self, name: str) -> str:
        return f"{self.name}.{name}"

    @property
    def environment(self) -> dict[str, str]:
        ours = {
            "KAFKA_BOOTSTRAP_SERVERS": self.bootstrap_servers,
            "DATABASE_URL": self.database_url,
            "CONSUMER_GROUP": self.name,
            "HTTP_PORT": "0",
            "LOG_FORMAT": "json",
            "SESSION_TIMEOUT": "3",
            **{variable: self.topic(name) for name, variable in TOPICS.items()},
            **self.settings,
        }
        # Nothing here is known to the system's authorities; to read them takes 0.04 s a start.
        more = {"SSL_CERT_FILE": os.devnull}
        more |= {f"RESERVATIONS_{name}": value for name, value in ours.items()}
        return os.environ | more

    async def run(self, *arguments: str) -> Finished:
        """Run a command to its end."""
        process = await asyncio.create_subprocess_exec(
            COMMAND,
            *arguments,
            env=self.environment,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        out, err = await process.communicate()
        return Finished(process.returncode or 0, out.decode(), err.decode())

    async def must(self, *arguments: str) -> str:
        """Run a command that has to succeed."""
        finished = await self.run(*arguments)
        assert finished.code == 0, f"{arguments}: {finished.out}{finished.err}"
        return finished.out

    async def prepare(self, *, partitions: int, stock: dict[str, int], policy: str = "") -> None:
        """Make topics, and bring stock and policies in: as the commands do, without a process."""
        await create_topics(self.own_settings(), partitions=partitions, replication_factor=1)
        rows = [
            StockRow(line, "acme", product, "", units)
            for line, (product, units) in enumerate(stock.items())
        ]
        connection = await connect(self.database_url, application_name="test")
        try:
            if await schema_state(connection) == "missing":
                await asyncio.to_thread(upgrade, self.database_url)
            await import_stock(connection, rows)
            if policy:
                await import_policies(connection, read_policies("policy.toml", policy.encode()))
        finally:
            await connection.close()

    def own_settings(self) -> Settings:
        names = {variable.lower(): self.topic(name) for name, variable in TOPICS.items()}
        return Settings.model_validate({"kafka_bootstrap_servers": self.bootstrap_servers, **names})

    async def start_worker(self, command: Path = COMMAND, /, **settings: str) -> WorkerProcess:
        """Start a worker, and wait until it says that it has started."""
        worker = await self._start((command,), settings, {})
        worker.port = (await worker.log("worker.started"))["http_port"]
        return worker

    async def start_worker_of(self, code: Path, **settings: str) -> WorkerProcess:
        """Start a worker whose code is in a directory, and wait until it says so."""
        command = (sys.executable, "-P", "-m", "service.cli")  # -P: not what is in our directory
        worker = await self._start(command, settings, {"PYTHONPATH": str(code)})
        worker.port = (await worker.log("worker.started"))["http_port"]
        return worker

    async def start_doomed(
        self, step: Step, signal_number: int, *, when: Path | None = None, **settings: str
    ) -> WorkerProcess:
        """Start a worker that signals itself after a step, once the file `when` is there."""
        variables = {"STOP_AFTER": step, "STOP_WITH": str(signal_number)}
        variables |= {"STOP_FROM": str(when)} if when is not None else {}
        return await self._start(DOOMED, settings, variables)

    async def _start(
        self, command: Sequence[str | Path], settings: dict[str, str], variables: dict[str, str]
    ) -> WorkerProcess:
        ours = {f"RESERVATIONS_{name}": value for name, value in settings.items()}
        process = await asyncio.create_subprocess_exec(
            *command,
            "worker",
            env=self.environment | ours | variables,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        worker = WorkerProcess(process)
        self.workers.append(worker)
        worker.begin_reading()
        return worker

    async def send(self, records: Iterable[tuple[str, str | None, bytes | None]]) -> int:
        """Send (topic, key, value) records; the key decides the lane."""
        producer = AIOKafkaProducer(bootstrap_servers=self.bootstrap_servers, linger_ms=5)
        await producer.start()
        try:
            sent = [
                await producer.send(self.topic(topic), value, key=key.encode() if key else None)
                for topic, key, value in records
            ]
            await asyncio.gather(*sent)
        finally:
            await producer.stop()
        return len(sent)

    async def outcomes(self, done: Callable[[list[dict[str, Any]]], bool]) -> list[dict[str, Any]]:
        """Read the outcomes topic from its beginning, read committed, until `done` says so."""
        return await self.read("reservation-outcomes", done)

    async def read(
        self, topic: str, done: Callable[[list[dict[str, Any]]], bool], seconds: float = 60
    ) -> list[dict[str, Any]]:
        consumer = AIOKafkaConsumer(
            bootstrap_servers=self.bootstrap_servers, isolation_level="read_committed"
        )
        await consumer.start()
        read: list[dict[str, Any]] = []
        try:
            name = self.topic(topic)
            found = await consumer._client.fetch_all_metadata()
            partitions = [TopicPartition(name, n) for n in found.partitions_for_topic(name) or ()]
            consumer.assign(partitions)
            await consumer.seek_to_beginning(*partitions)
            async with asyncio.timeout(seconds):
                while not done(read):
                    for records in (await consumer.getmany(timeout_ms=500)).values():
                        read += [_record(record) for record in records]
        except TimeoutError:
            raise AssertionError(f"after {seconds} s only {_summary(read)}") from None
        finally:
            await consumer.stop()
        return read

    async def close(self) -> None:
        for worker in self.workers:
            if worker.process.returncode is None:
                await worker.stop(signal.SIGKILL)


def count_of(read: list[dict[str, Any]]) -> Counter[str]:
    return Counter(str(one.get("type")) for one in read)


async def until(condition: Callable[[], Awaitable[bool]], seconds: float = 30) -> None:
    """Wait for something that only asking can tell."""
    async with asyncio.timeout(seconds):
        while not await condition():
            await asyncio.sleep(0.05)


def _record(record: Any) -> dict[str, Any]:
    headers = {name: (value or b"").decode(errors="replace") for name, value in record.headers}
    try:
        body = json.loads(record.value or b"{}")
    except ValueError:
        body = {"value": record.value}
    place = {"partition": record.partition, "published_at": record.timestamp / 1000}
    return {**body, "headers": headers, "key": record.key, **place}


def _summary(read: list[dict[str, Any]]) -> str:
    return f"{len(read)} records: {dict(count_of(read))}"


def _parsed(line: bytes) -> dict[str, Any]:
    try:
        parsed = json.loads(line)
    except ValueError:
        return {"event": "", "line": line.decode(errors="replace")}
    return parsed if isinstance(parsed, dict) else {"event": "", "line": line.decode()}


def plain(text: str) -> str:
    """Take the colours off."""
    return re.sub(r"\x1b\[[0-9;]*m", "", text)
