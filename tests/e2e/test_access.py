"""TLS and SASL: every client gets in by settings, and a wrong one is told in a line."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from service.kafka_access import refusal
from service.settings import Settings
from service.topics import show_topics
from tests.e2e.events import admitted
from tests.e2e.guarded import MECHANISMS, PASSWORD, GuardedKafka
from tests.e2e.world import World
from tests.scratch import scratch

QUICK = """
[[experience]]
organization_id = "acme"
experience_id = "drop"
window_seconds = { queue = 2 }
buffer_seconds = 0
"""


@pytest.fixture(scope="module")
async def guarded() -> AsyncIterator[GuardedKafka]:
    with scratch() as directory:
        guarded = GuardedKafka(Path(directory))
        await guarded.server.start()
        yield guarded
        await guarded.server.stop()


def settings_of(guarded: GuardedKafka, listener: str, **access: str) -> Settings:
    named = {name.lower(): value for name, value in access.items()}
    return Settings.model_validate({"kafka_bootstrap_servers": guarded.address(listener), **named})


@pytest.mark.parametrize("mechanism", MECHANISMS)
async def test_every_mechanism_gets_in(guarded: GuardedKafka, mechanism: str) -> None:
    access = guarded.access(mechanism)
    settings = settings_of(guarded, "SASL", KAFKA_SECURITY_PROTOCOL="SASL_PLAINTEXT", **access)

    assert len(await show_topics(settings)) == 8


async def test_a_worker_works_through_tls_and_sasl(world: World, guarded: GuardedKafka) -> None:
    """All its clients: consumer, lane producers, readers, admin, and Faust's two."""
    await _sells_through(
        world,
        guarded,
        "GUARDED",
        KAFKA_SECURITY_PROTOCOL="SASL_SSL",
        KAFKA_SSL_CA_FILE=str(guarded.ca),
        **guarded.access("SCRAM-SHA-512"),
    )


async def test_a_certificate_of_ones_own_gets_in(guarded: GuardedKafka) -> None:
    settings = settings_of(
        guarded,
        "MUTUAL",
        KAFKA_SECURITY_PROTOCOL="SSL",
        KAFKA_SSL_CA_FILE=str(guarded.ca),
        KAFKA_SSL_CERTIFICATE_FILE=str(guarded.certificate),
    )

    assert len(await show_topics(settings)) == 8


async def _sells_through(
    world: World, guarded: GuardedKafka, listener: str, **settings: str
) -> None:
    # What the test itself does goes through the plain door; the commands have no other than theirs.
    world.bootstrap_servers = guarded.server.bootstrap_servers
    await world.prepare(partitions=1, stock={"lamp": 1}, policy=QUICK)
    world.settings |= {"KAFKA_BOOTSTRAP_SERVERS": guarded.address(listener), **settings}

    worker = await world.start_worker(TICK_INTERVAL="0.1", LOG_LEVEL="debug")
    await worker.log("lanes.taken")
    await world.send([admitted("ada"), admitted("bo")])

    # The expired one tells that ticks came, and they come from Faust.
    outcomes = await world.outcomes(lambda read: len(read) == 3)
    assert {one["type"] for one in outcomes} == {"reserved", "rejected", "expired"}
    await world.must("verify")
    assert await worker.stop() == 0
    assert PASSWORD not in str(worker.lines)


@pytest.mark.parametrize(
    ("listener", "settings", "words"),
    [
        ("SASL", {"KAFKA_SECURITY_PROTOCOL": "SASL_PLAINTEXT"}, "refuses: "),
        ("GUARDED", {"KAFKA_SECURITY_PROTOCOL": "SASL_SSL"}, "fails at TLS: "),
        ("SASL", {"KAFKA_SECURITY_PROTOCOL": "PLAINTEXT"}, "breaks the connection off"),
    ],
)
async def test_who_is_not_let_in_is_told_why(
    world: World, guarded: GuardedKafka, listener: str, settings: dict[str, str], words: str
) -> None:
    world.settings |= {
        "KAFKA_BOOTSTRAP_SERVERS": guarded.address(listener),
        **guarded.access("SCRAM-SHA-512", password="wr0ng"),
        **settings,
    }

    finished = await world.run("worker")

    (line,) = finished.err.splitlines()
    assert finished.code == 2
    assert words in line
    assert "RESERVATIONS_KAFKA_SECURITY_PROTOCOL" in line
    assert "wr0ng" not in line


async def test_sasl_without_a_password_names_the_settings(world: World) -> None:
    world.settings |= {"KAFKA_SECURITY_PROTOCOL": "SASL_SSL", "KAFKA_SASL_USERNAME": "worker"}

    finished = await world.run("worker")

    assert finished.code == 2
    assert "SCRAM-SHA-512 needs RESERVATIONS_KAFKA_SASL_USERNAME and" in finished.err
    assert "RESERVATIONS_KAFKA_SASL_PASSWORD_FILE" in finished.err
    assert len(finished.err.splitlines()) == 1


@pytest.mark.parametrize("command", ["worker", "migrate"])
async def test_a_database_url_that_demands_tls_gets_tls_or_nothing(
    world: World, command: str
) -> None:
    """The embedded Postgres is built without TLS: what can be seen is that nobody goes on plain."""
    world.database_url += "?sslmode=require"

    finished = await world.run(command)

    (line,) = finished.err.splitlines()
    assert finished.code == 2
    assert "SSL" in line
    assert "RESERVATIONS_DATABASE_URL" in line


async def test_a_proxy_whose_broker_is_away_is_named_among_what_it_may_be() -> None:
    """It looks like a broker of another protocol: whoever reads it has to think of both."""
    proxy = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", 0)
    async with proxy:
        port = proxy.sockets[0].getsockname()[1]
        settings = Settings.model_validate({"kafka_bootstrap_servers": f"127.0.0.1:{port}"})

        refused = await refusal(settings)

    assert "another security protocol, or a proxy whose broker is away" in str(refused)
