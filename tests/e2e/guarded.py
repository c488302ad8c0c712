"""A Kafka whose doors ask who is there: TLS and SASL, with certificates made for one test run."""

import base64
import json
import time
from pathlib import Path

import trustme
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from service.embedded import EmbeddedKafka
from service.embedded.kafka import Listener
from service.embedded.server import free_ports

USER = "worker"
PASSWORD = "pass-w0rd-of-kafka"
MECHANISMS = ("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "OAUTHBEARER")

_MODULE = "org.apache.kafka.common.security"
_JAAS = {
    "PLAIN": f'{_MODULE}.plain.PlainLoginModule required user_{USER}="{PASSWORD}";',
    "SCRAM-SHA-256": f"{_MODULE}.scram.ScramLoginModule required;",
    "SCRAM-SHA-512": f"{_MODULE}.scram.ScramLoginModule required;",
    # Kafka's own for tests: it believes unsigned tokens.
    "OAUTHBEARER": f"{_MODULE}.oauthbearer.OAuthBearerLoginModule required"
    ' unsecuredLoginStringClaim_sub="broker";',
}


class GuardedKafka:
    """A broker with the listeners SASL (in the clear), GUARDED (TLS, SASL), MUTUAL (both ways)."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.ca = directory / "ca.pem"
        self.certificate = directory / "worker.pem"
        self._make_certificates()
        listeners = [
            Listener("SASL", free_ports(1)[0], protocol="SASL_PLAINTEXT", properties=_sasl()),
            Listener(
                "GUARDED",
                free_ports(1)[0],
                protocol="SASL_SSL",
                properties=_sasl() | self._tls(),
            ),
            Listener(
                "MUTUAL",
                free_ports(1)[0],
                protocol="SSL",
                properties=self._tls() | {"ssl.client.auth": "required"},
            ),
        ]
        self.ports = {one.name: one.port for one in listeners}
        scram = [
            option
            for mechanism in MECHANISMS
            if mechanism.startswith("SCRAM")
            for option in ("--add-scram", f"{mechanism}=[name={USER},password={PASSWORD}]")
        ]
        self.server = EmbeddedKafka(directory / "kafka", listeners=listeners, format_options=scram)

    def address(self, listener: str) -> str:
        return f"127.0.0.1:{self.ports[listener]}"

    def access(self, mechanism: str, password: str = PASSWORD) -> dict[str, str]:
        """Give the settings of SASL, without their prefix."""
        if mechanism != "OAUTHBEARER":
            return {
                "KAFKA_SASL_MECHANISM": mechanism,
                "KAFKA_SASL_USERNAME": USER,
                "KAFKA_SASL_PASSWORD": password,
            }
        token = self.directory / "token"
        token.write_text(unsigned_token(USER) + "\n")
        return {"KAFKA_SASL_MECHANISM": mechanism, "KAFKA_SASL_TOKEN_FILE": str(token)}

    def _make_certificates(self) -> None:
        authority = trustme.CA()
        authority.cert_pem.write_to_path(self.ca)
        _write(authority.issue_cert("127.0.0.1", "localhost"), self.directory / "broker.pem")
        _write(authority.issue_cert(f"{USER}@shop.example"), self.certificate)

    def _tls(self) -> dict[str, str]:
        return {
            "ssl.keystore.type": "PEM",
            "ssl.keystore.location": str(self.directory / "broker.pem"),
            "ssl.truststore.type": "PEM",
            "ssl.truststore.location": str(self.ca),
        }


def unsigned_token(subject: str) -> str:
    """Make a token that is good for an hour, of the kind that Kafka believes in tests."""
    claims = {"sub": subject, "iat": int(time.time()) - 1, "exp": int(time.time()) + 3600}
    parts = [json.dumps(part).encode() for part in ({"alg": "none"}, claims)]
    return ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts) + "."


def _sasl() -> dict[str, str]:
    named = {f"{name.lower()}.sasl.jaas.config": jaas for name, jaas in _JAAS.items()}
    return {"sasl.enabled.mechanisms": ",".join(MECHANISMS), **named}


def _write(issued: trustme.LeafCert, path: Path) -> None:
    """Write key and certificates into one file, the key as Kafka wants it: PKCS #8."""
    key = load_pem_private_key(issued.private_key_pem.bytes(), password=None)
    parts = [key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())]
    parts += [certificate.bytes() for certificate in issued.cert_chain_pems]
    path.write_bytes(b"".join(parts))
    path.chmod(0o600)
