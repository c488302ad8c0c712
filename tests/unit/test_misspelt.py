"""A variable that is nearly a setting is told; nobody else's is."""

import pytest

from service.cli.common import load_settings
from service.misspelt import misspelt


@pytest.mark.parametrize(
    ("variable", "meant"),
    [
        ("RESERVATIONS_TICK_INTERVALL", "RESERVATIONS_TICK_INTERVAL"),
        ("RESERVATIONS_RETENTION_DAY", "RESERVATIONS_RETENTION_DAYS"),
        ("RESERVATIONS_KAFKA_BOOTSTRAP", "RESERVATIONS_KAFKA_BOOTSTRAP_SERVERS"),
        ("RESERVATIONS_DATABASE_URL_FIEL", "RESERVATIONS_DATABASE_URL_FILE"),
    ],
)
def test_what_was_meant_is_told(variable: str, meant: str) -> None:
    assert misspelt([variable]) == [f"{variable} is no setting; did you mean {meant}?"]


@pytest.mark.parametrize(
    "variable",
    [
        "RESERVATIONS_TICK_INTERVAL",
        "reservations_tick_interval",
        "RESERVATIONS_DATABASE_URL_FILE",
        "TICK_INTERVALL",  # not of this prefix
        "RESERVATIONS_PORT",  # what Kubernetes tells of a service called reservations
        "RESERVATIONS_PORT_8080_TCP",
        "RESERVATIONS_PORT_8080_TCP_ADDR",
        "RESERVATIONS_SERVICE_HOST",
        "RESERVATIONS_SERVICE_PORT",
        "RESERVATIONS_SERVICE_PORT_HTTP",
    ],
)
def test_nothing_is_said_of_others(variable: str) -> None:
    assert misspelt([variable]) == []


def test_it_is_told_and_the_default_counts(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("RESERVATIONS_TICK_INTERVALL", "2")

    assert load_settings().tick_interval == 1.0

    told = capsys.readouterr()
    meant = "did you mean RESERVATIONS_TICK_INTERVAL?"
    assert (told.out, told.err) == ("", f"RESERVATIONS_TICK_INTERVALL is no setting; {meant}\n")
