"""How clients get in at Kafka: TLS and SASL, the same for each of them, the ticker's included."""

import asyncio
import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from aiokafka.abc import AbstractTokenProvider
from aiokafka.conn import create_conn
from aiokafka.errors import KafkaConnectionError, KafkaError
from aiokafka.protocol.metadata import MetadataRequest

from service.settings import PREFIX, Settings

_PROBE_SECONDS: Final = 5.0


class KafkaRefused(KafkaError):  # type: ignore[misc]
    """Brokers are there and do not let us in, or we do not trust them; the message says why."""


class WrongAccess(ValueError):
    """The settings of the access contradict each other or name no file; one line for people."""


class TokenFile(AbstractTokenProvider):  # type: ignore[misc]
    """Gives OAUTHBEARER's token: read anew for each connection, for tokens are short-lived.

    Whatever renews it (a mounted service account, a sidecar) writes the file.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    async def token(self) -> str:
        return (await asyncio.to_thread(self._path.read_text)).strip()


def access_options(settings: Settings) -> dict[str, Any]:
    """Give what every client of Kafka is told about getting in. Raises WrongAccess."""
    protocol = settings.kafka_security_protocol
    options: dict[str, Any] = {"security_protocol": protocol}
    if protocol.endswith("SSL"):
        options["ssl_context"] = _ssl_context(settings)
    if not protocol.startswith("SASL"):
        return options
    options["sasl_mechanism"] = settings.kafka_sasl_mechanism
    if settings.kafka_sasl_mechanism == "OAUTHBEARER":
        return options | {"sasl_oauth_token_provider": _token_file(settings)}
    if not settings.kafka_sasl_username or settings.kafka_sasl_password is None:
        raise WrongAccess(
            f"{settings.kafka_sasl_mechanism} needs {PREFIX}KAFKA_SASL_USERNAME and"
            f" {PREFIX}KAFKA_SASL_PASSWORD (or {PREFIX}KAFKA_SASL_PASSWORD_FILE)"
        )
    return options | {
        "sasl_plain_username": settings.kafka_sasl_username,
        "sasl_plain_password": settings.kafka_sasl_password.get_secret_value(),
    }


async def refusal(settings: Settings) -> KafkaRefused | None:
    """Ask the brokers why nobody got in: aiokafka's clients say only that nobody did."""
    access = access_options(settings)
    for server in map(str.strip, settings.kafka_bootstrap_servers.split(",")):
        host, _, port = server.rpartition(":")
        try:
            async with asyncio.timeout(_PROBE_SECONDS):
                _, writer = await asyncio.open_connection(host, port)
                writer.close()
                if refused := await _try_once(host, int(port), access):
                    return KafkaRefused(f"{server} {refused}")
        except (OSError, ValueError):
            continue  # nobody listens there
    return None


async def _try_once(host: str, port: int, access: Mapping[str, Any]) -> str | None:
    try:
        connection = await create_conn(host, port, **access)
        try:
            await connection.send(MetadataRequest([]))
        finally:
            connection.close()
    except ssl.SSLError as error:
        return f"fails at TLS: {_reason(error)}"
    except KafkaConnectionError:
        return (
            "breaks the connection off, as a broker does that speaks another security protocol,"
            " or a proxy whose broker is away"
        )
    except KafkaError as error:
        return f"refuses: {_reason(error)}"
    return None


def _reason(error: Exception) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return error.verify_message
    return str(error).splitlines()[0] if str(error) else type(error).__name__


def _ssl_context(settings: Settings) -> ssl.SSLContext:
    """Trust the CAs of the file, else those of the system; show a certificate if there is one."""
    certificate, key = settings.kafka_ssl_certificate_file, settings.kafka_ssl_key_file
    password = settings.kafka_ssl_key_password
    try:
        context = ssl.create_default_context(cafile=settings.kafka_ssl_ca_file)
        if certificate is not None:
            # A function: else OpenSSL would ask on the terminal for a password that is not set.
            context.load_cert_chain(
                certificate, key, password=password.get_secret_value if password else lambda: ""
            )
    except (OSError, ssl.SSLError) as error:
        raise WrongAccess(
            f"the files of {PREFIX}KAFKA_SSL_CA_FILE, _CERTIFICATE_FILE and _KEY_FILE cannot be"
            f" used: {error.strerror or error}"
        ) from None
    return context


def _token_file(settings: Settings) -> TokenFile:
    path = settings.kafka_sasl_token_file
    if path is None or not path.is_file():
        raise WrongAccess(f"OAUTHBEARER needs a token in the file {PREFIX}KAFKA_SASL_TOKEN_FILE")
    return TokenFile(path)
