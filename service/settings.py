"""The settings of a process: from the environment, prefix RESERVATIONS_, each with its unit."""

import os
import socket
from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import Field, SecretStr
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from schemas.vocabulary import Stream, Topic
from service.secret_files import SecretFiles

Port = Annotated[int, Field(ge=0, le=65535)]

PREFIX: Final = "RESERVATIONS_"


class Settings(BaseSettings):
    """What an operator may set; the descriptions are the table in README."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="ignore")

    kafka_bootstrap_servers: str = Field(
        "localhost:9092", description="brokers of Kafka, host:port, comma separated"
    )
    kafka_security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = Field(
        "PLAINTEXT", description="`SSL`, `SASL_SSL`, or `SASL_PLAINTEXT`, which hides nothing"
    )
    kafka_sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "OAUTHBEARER"] = Field(
        "SCRAM-SHA-512", description="or `SCRAM-SHA-256`, `PLAIN`, `OAUTHBEARER`"
    )
    kafka_sasl_username: str | None = Field(None, description="user of SCRAM and PLAIN")
    kafka_sasl_password: SecretStr | None = Field(None, description="password of that user")
    kafka_sasl_token_file: Path | None = Field(
        None, description="OAUTHBEARER's token, read anew for each connection"
    )
    kafka_ssl_ca_file: Path | None = Field(
        None, description="PEM: whom to trust; None: whom the system trusts"
    )
    kafka_ssl_certificate_file: Path | None = Field(
        None, description="PEM: our certificate, where brokers ask for one"
    )
    kafka_ssl_key_file: Path | None = Field(
        None, description="PEM: its key, if that is not in the same file"
    )
    kafka_ssl_key_password: SecretStr | None = Field(None, description="of the key")
    database_url: SecretStr = Field(
        SecretStr("postgresql://localhost:5432/reservations"), description="Postgres, as a URL"
    )
    consumer_group: str = Field("reservations", description="consumer group of the workers")

    admitted_topic: str = Field("admitted", description="topic in")
    cart_updated_topic: str = Field("cart-updated", description="topic in")
    checkout_completed_topic: str = Field("checkout-completed", description="topic in")
    hold_commands_topic: str = Field("hold-commands", description="topic in")
    admission_expired_topic: str = Field("admission-expired", description="topic in")
    expiry_ticks_topic: str = Field("expiry-ticks", description="the timer stream")
    outcomes_topic: str = Field("reservation-outcomes", description="topic out")
    dead_letters_topic: str = Field("reservation-dead-letters", description="topic out")

    http_host: str = Field("127.0.0.1", description="where /metrics, /livez and /readyz listen")
    http_port: Port = Field(8080, description="0: any free port")

    tick_interval: float = Field(1.0, gt=0, le=60, description="seconds between expiry ticks")
    batch_size_max: int = Field(4000, ge=1, le=20000, description="records in a batch, at most")
    expiry_batch_max: int = Field(
        1000,
        ge=1,
        le=20000,
        description="of each kind of what is due, say holds, in one batch, over its lanes",
    )
    dead_letters_share_max: float = Field(
        0.5, gt=0, le=1, description="of a partition's last 1,000 records; more stop the worker"
    )
    dead_letters_run_max: int = Field(
        500, ge=0, description="so many in a row in a partition stop the worker; 0: no limit"
    )
    unpublished_batches_max: int = Field(
        4,
        ge=1,
        le=100,
        description="times BATCH_SIZE_MAX outcomes may wait for Kafka before work waits",
    )
    publish_timeout: float = Field(
        20.0, gt=0, description="seconds for one publish, then its producer is replaced"
    )
    session_timeout: float = Field(
        10.0, ge=1, le=300, description="seconds without a heartbeat until Kafka gives lanes away"
    )
    stall_timeout: float = Field(
        30.0,
        ge=1,
        le=600,
        description="seconds without a record, though Kafka has some, until the consumer is "
        "replaced; if that does not help, the worker ends",
    )
    stop_timeout: float = Field(
        8.0,
        gt=0,
        le=600,
        description="seconds from SIGTERM to the end; what is unfinished is left to the next owner",
    )
    database_connections_max: int = Field(
        4, ge=2, le=100, description="pool size; one connection more takes samples"
    )

    sample_interval: float = Field(
        5.0, gt=0, le=300, description="seconds between samples of the database, for metrics"
    )
    stock_lines_measured: int = Field(
        20, ge=0, le=1000, description="stock lines with metrics of their own: those that sell most"
    )
    retention_days: float = Field(
        0.0,
        ge=0,
        le=3650,
        description="what is over for longer is pruned by the workers: at least two days more than "
        "the input topics keep their records; 0: nothing is",
    )
    prune_interval: float = Field(
        600.0, gt=0, description="seconds from one pass of pruning to the next"
    )

    log_format: Literal["auto", "json", "console"] = Field(
        "auto", description="auto: console on a terminal, else json"
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="the least that is logged"
    )
    tracing: bool = Field(
        False, description="spans by OpenTelemetry (extra `otel`), sent where `OTEL_...` says"
    )
    worker_name: str = Field(
        default_factory=lambda: f"{socket.gethostname()}-{os.getpid()}",
        description="how the worker is named in lanes, logs and client ids",
    )
    data_directory: Path = Field(
        Path(".reservations"), description="of the embedded servers, for `reservations up`"
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Read arguments, then the environment, then the files that it names for secrets."""
        return init_settings, env_settings, SecretFiles(settings_cls)

    @property
    def input_topics(self) -> dict[Topic, str]:
        """Give the input topics in the order in which a batch applies them: role to name."""
        return {
            "admitted": self.admitted_topic,
            "cart-updated": self.cart_updated_topic,
            "checkout-completed": self.checkout_completed_topic,
            "hold-commands": self.hold_commands_topic,
            "admission-expired": self.admission_expired_topic,
            "expiry-ticks": self.expiry_ticks_topic,
        }

    @property
    def output_topics(self) -> dict[Stream, str]:
        """Give the output topics: stream of the journal to name."""
        return {"outcomes": self.outcomes_topic, "dead_letters": self.dead_letters_topic}
