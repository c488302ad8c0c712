"""Secrets come from variables or files, and are shown nowhere."""

import traceback
from pathlib import Path

import pytest
from faust.auth import OAuthCredentials, SASLCredentials

from producers.access import credentials
from service.cli.common import CommandError, load_settings
from service.kafka_access import TokenFile, WrongAccess, access_options
from service.settings import Settings

SECRET = "s3cret-of-all"
NAMES = ["DATABASE_URL", "KAFKA_SASL_PASSWORD", "KAFKA_SSL_KEY_PASSWORD"]
SASL = {"kafka_security_protocol": "SASL_PLAINTEXT", "kafka_sasl_username": "worker"}


@pytest.mark.parametrize("name", NAMES)
def test_a_secret_may_come_from_a_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str
) -> None:
    file = tmp_path / "secret"
    file.write_text(f"{SECRET}\n")
    monkeypatch.setenv(f"RESERVATIONS_{name}_FILE", str(file))

    assert getattr(load_settings(), name.lower()).get_secret_value() == SECRET


@pytest.mark.parametrize(
    ("variables", "content", "words"),
    [
        ({"RESERVATIONS_DATABASE_URL": SECRET}, SECRET, "are both set: unset one"),
        ({}, None, "No such file or directory"),
        ({}, "\n", "the file is empty"),
    ],
)
def test_a_secret_file_of_no_use_is_a_line_without_the_secret(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    variables: dict[str, str],
    content: str | None,
    words: str,
) -> None:
    file = tmp_path / "secret"
    if content is not None:
        file.write_text(content)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("RESERVATIONS_DATABASE_URL_FILE", str(file))

    with pytest.raises(CommandError) as raised:
        load_settings()

    (problem,) = raised.value.problems
    assert raised.value.exit_code == 2
    assert words in problem
    assert "RESERVATIONS_DATABASE_URL_FILE" in problem
    assert SECRET not in problem


def test_what_is_no_secret_comes_from_no_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "group").write_text("others")
    monkeypatch.setenv("RESERVATIONS_CONSUMER_GROUP_FILE", str(tmp_path / "group"))

    assert load_settings().consumer_group == "reservations"


@pytest.mark.parametrize("name", NAMES)
def test_a_secret_is_in_no_picture_of_the_settings(name: str) -> None:
    settings = Settings.model_validate({name.lower(): SECRET})

    assert SECRET not in f"{settings!r} {settings} {settings.model_dump_json()}"


def test_the_password_is_in_no_picture_of_fausts_credentials() -> None:
    settings = Settings.model_validate({**SASL, "kafka_sasl_password": SECRET})

    made = credentials(access_options(settings))

    assert isinstance(made, SASLCredentials)
    assert made.password == SECRET
    assert SECRET not in repr(made)


async def test_a_token_is_read_anew_each_time(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("first\n")
    settings = Settings.model_validate(
        {**SASL, "kafka_sasl_mechanism": "OAUTHBEARER", "kafka_sasl_token_file": file}
    )
    made = credentials(access_options(settings))
    assert isinstance(made, OAuthCredentials)
    assert isinstance(made.oauth_cb, TokenFile)
    assert await made.oauth_cb.token() == "first"

    file.write_text("second\n")

    assert await made.oauth_cb.token() == "second"


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        (SASL, "RESERVATIONS_KAFKA_SASL_PASSWORD_FILE"),
        ({**SASL, "kafka_sasl_mechanism": "OAUTHBEARER"}, "RESERVATIONS_KAFKA_SASL_TOKEN_FILE"),
        (
            {"kafka_security_protocol": "SSL", "kafka_ssl_ca_file": "/no/such.pem"},
            "RESERVATIONS_KAFKA_SSL_CA_FILE",
        ),
    ],
)
def test_access_that_cannot_work_names_the_setting(settings: dict[str, str], words: str) -> None:
    with pytest.raises(WrongAccess, match=words):
        access_options(Settings.model_validate(settings))


def test_a_traceback_of_a_wrong_access_shows_no_secret() -> None:
    settings = Settings.model_validate(
        {"kafka_security_protocol": "SASL_SSL", "kafka_sasl_password": SECRET}
    )

    with pytest.raises(WrongAccess) as raised:
        access_options(settings)

    assert SECRET not in "".join(traceback.format_exception(raised.value))
