"""How every Kafka client of this process reaches the brokers: one place for all of them."""

from typing import Any

from service.settings import Settings


def client_options(settings: Settings) -> dict[str, Any]:
    """Give the options that consumers, producers and admin clients of aiokafka have in common."""
    return {
        "bootstrap_servers": settings.kafka_bootstrap_servers,
        "client_id": f"reservations-{settings.worker_name}",
    }
