"""The AsyncAPI 3 document: which topic carries what, and in which direction."""

from importlib.metadata import version
from typing import Final

from schemas.payloads import Payload
from schemas.vocabulary import Topic
from service.contracts.plain_schema import Schema
from service.contracts.schemas import TOPICS, payload_schemas, published_schemas
from service.settings import Settings

ASYNCAPI: Final = "3.0.0"
_SCHEMAS: Final = "#/components/schemas/"
_DESCRIPTION: Final = (
    "Holds stock for admitted shoppers. All topics have the same number of partitions; the"
    " partitions of one number are a lane. Topics have the names that settings give them."
)
_TOPICS_IN: Final[dict[Topic, str]] = {
    "admitted": "Shoppers whom Fanfare admits to a checkout.",
    "cart-updated": "Carts as shops tell them.",
    "checkout-completed": "Payments, and orders that are cancelled.",
    "hold-commands": "What shall be done with a hold.",
    "admission-expired": "Admissions that ended without a checkout.",
    "expiry-ticks": "The instant up to which a lane expires its holds. The workers make them.",
}


def asyncapi_document() -> Schema:
    """Give the document, with all schemas in it."""
    schemas = payload_schemas(_SCHEMAS + "{model}") | published_schemas(_SCHEMAS + "{model}")
    return {
        "asyncapi": ASYNCAPI,
        "info": {
            "title": "Reservation worker",
            "version": version("reservation-worker"),
            "description": _DESCRIPTION,
        },
        "defaultContentType": "application/json",
        "channels": _channels_in() | _channels_out(),
        "operations": _operations(),
        "components": {"messages": _messages(), "schemas": schemas},
    }


def _channels_in() -> Schema:
    settings = Settings.model_fields
    return {
        topic: _channel(
            settings[f"{topic.replace('-', '_')}_topic"].default,
            f"{words} The key is the {'lane' if topic == 'expiry-ticks' else 'consumer id'}.",
            [payload.__name__ for payload in _payloads(topic)],
        )
        for topic, words in _TOPICS_IN.items()
    }


def _channels_out() -> Schema:
    settings = Settings.model_fields
    return {
        "reservation-outcomes": _channel(
            settings["outcomes_topic"].default,
            "What became of holds. Read it with isolation.level=read_committed: then each is there"
            " once, and those of a lane in the order of ce_sequence. The key is the consumer id;"
            " of `adjusted`, which no shopper asked for, the stock line.",
            ["Outcome", "Adjusted"],
        ),
        "reservation-dead-letters": _channel(
            settings["dead_letters_topic"].default,
            "Records that cannot be read, byte for byte, and headers that say why. The key is the"
            " record's own.",
            ["DeadLetter"],
        ),
    }


def _channel(address: str, description: str, messages: list[str]) -> Schema:
    return {
        "address": address,
        "description": description,
        "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in messages},
    }


def _operations() -> Schema:
    receive = {f"receive-{topic}": _operation("receive", topic) for topic in _TOPICS_IN}
    sent = ("reservation-outcomes", "reservation-dead-letters", "expiry-ticks")
    return receive | {f"send-{topic}": _operation("send", topic) for topic in sent}


def _operation(action: str, channel: str) -> Schema:
    return {"action": action, "channel": {"$ref": f"#/channels/{channel}"}}


def _messages() -> Schema:
    headers = {"headers": {"$ref": f"{_SCHEMAS}OutcomeHeaders"}}
    published: Schema = {
        "Outcome": _message("Outcome") | headers,
        "Adjusted": _message("Adjusted") | headers,
        "DeadLetter": {
            "title": "DeadLetter",
            "contentType": "application/octet-stream",
            "headers": {"$ref": f"{_SCHEMAS}DeadLetterHeaders"},
            "payload": {"description": "The record's own value."},
        },
    }
    return {payload.__name__: _message(payload.__name__) for payload in TOPICS} | published


def _message(name: str) -> Schema:
    return {"title": name, "payload": {"$ref": f"{_SCHEMAS}{name}"}}


def _payloads(topic: Topic) -> list[type[Payload]]:
    return [payload for payload, its_topic in TOPICS.items() if its_topic == topic]
