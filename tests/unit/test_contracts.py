"""The contracts that are committed are those of the code, and tools of others can read them."""

import json
import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from jsonschema import Draft7Validator, Draft202012Validator
from msgspec.structs import replace
from typer.testing import CliRunner

from schemas.adjusted import Adjusted, CounterChange
from schemas.outcomes import OutcomeCause
from service.cli import app
from service.contracts.documents import ASYNCAPI, EVENTS, OUTCOME, breaks_with, contracts
from tests.contract import problems_of_body
from tests.unit.world import tell

HOME = Path(__file__).parents[2]
COMMITTED = HOME / "deploy" / "contracts"

STORY = """
    policy drop hard
    stock  moon-lamp 3
    stock  anorak/M 1
    10:20  left  dee
    10:00  admit ada moon-lamp 1 anorak/M 2 token=s3cret
    10:00  admit bo  moon-lamp 2 id=adm-b
    10:00  admit cyd moon-lamp 1
    10:05  paid  ada order=o-7
    10:05  left  bo id=adm-b
    10:06  paid  bo id=adm-b order=o-8
    10:07  paid  cyd order=o-9
    10:00+3d tick
"""


def committed(name: str) -> Any:
    return json.loads((COMMITTED / name).read_text())


@pytest.mark.parametrize("name", [OUTCOME, EVENTS, ASYNCAPI])
def test_what_is_committed_is_what_the_code_says(name: str) -> None:
    assert committed(name) == contracts()[name], "run `make contracts`"


@pytest.mark.parametrize("name", [OUTCOME, EVENTS])
def test_schemas_are_json_schema(name: str) -> None:
    Draft202012Validator.check_schema(committed(name))


def test_the_asyncapi_document_has_what_asyncapi_asks_for() -> None:
    """Source: AsyncAPI 3.0.0: Info, Channel, Operation, Message and Components Object."""
    document = committed(ASYNCAPI)

    assert document["asyncapi"] == "3.0.0"
    assert document["info"].keys() >= {"title", "version"}
    for channel in document["channels"].values():
        assert channel.keys() == {"address", "description", "messages"}
        assert all(message.keys() == {"$ref"} for message in channel["messages"].values())
    for operation in document["operations"].values():
        assert operation.keys() == {"action", "channel"}
        assert operation["action"] in ("send", "receive")
    for message in document["components"]["messages"].values():
        assert {"title", "payload"} <= message.keys()
    for schema in document["components"]["schemas"].values():
        Draft7Validator.check_schema(schema)


def test_every_reference_in_the_asyncapi_document_leads_somewhere() -> None:
    document = committed(ASYNCAPI)

    references = references_in(document)

    assert "#/channels/reservation-outcomes" in references
    for reference in references:
        place = document
        for step in reference.removeprefix("#/").split("/"):
            place = place[step]


def references_in(node: Any) -> list[str]:
    if isinstance(node, list):
        return [reference for one in node for reference in references_in(one)]
    if not isinstance(node, dict):
        return []
    own = [node["$ref"]] if isinstance(node.get("$ref"), str) else []
    return own + [reference for one in node.values() for reference in references_in(one)]


def test_outcomes_of_the_rules_are_what_their_schema_says() -> None:
    outcomes = tell(STORY).outcomes

    assert {outcome.type for outcome in outcomes} >= {"reserved", "rejected", "released"}
    for number, outcome in enumerate(outcomes, start=1):
        body = replace(outcome, sequence=number).body()
        assert problems_of_body(json.loads(body)) == []


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"type": "vanished"}, "'vanished' is not one of"),
        ({"consumerId": None}, "None is not of type 'string'"),
        ({"occurredAt": "yesterday"}, "'yesterday' is not a 'date-time'"),
        ({"reservationId": "r-1"}, "'r-1' is not a 'uuid'"),
        ({"cause": {"topic": "admitted"}}, "'partition' is a required property"),
    ],
)
def test_an_outcome_that_is_not_so_is_found(change: dict[str, Any], problem: str) -> None:
    body = json.loads(replace(tell("10:00 admit ada sun-lamp 1").outcomes[0], sequence=1).body())

    [found] = problems_of_body(body | change)

    assert problem in found


def test_a_repair_is_what_its_schema_says() -> None:
    change = CounterChange(counter="reserved", before=7, after=2)
    adjusted = Adjusted(
        outcome_id=UUID(int=7),
        type="adjusted",
        organization_id="acme",
        product_id="moon-lamp",
        changes=(change,),
        explanation="reserved differs from its holds",
        occurred_at=datetime(2026, 11, 27, tzinfo=UTC),
        lane=3,
        sequence=9,
        cause=OutcomeCause(topic="expiry-ticks", partition=3, offset=12),
    )

    body = json.loads(adjusted.body())

    assert problems_of_body(body) == []
    assert problems_of_body(body | {"changes": [{"counter": "reserved"}]}) != []
    assert body["changes"] == [{"counter": "reserved", "before": 7, "after": 2}]


def test_a_reader_passes_over_a_field_that_it_does_not_know() -> None:
    body = json.loads(replace(tell("10:00 admit ada sun-lamp 1").outcomes[0], sequence=1).body())

    assert problems_of_body(body | {"colour": "blue"}) == []


def test_nothing_breaks_for_those_who_rely_on_the_last_release() -> None:
    assert breaks_with(COMMITTED / "released") == []


def test_the_command_writes_what_is_committed(tmp_path: Path) -> None:
    written = CliRunner().invoke(app, ["contracts", str(tmp_path / "new")])

    assert written.exit_code == 0, written.output
    for name in (OUTCOME, EVENTS, ASYNCAPI):
        assert (tmp_path / "new" / name).read_text() == (COMMITTED / name).read_text()


def test_the_command_refuses_what_breaks_and_says_for_what(tmp_path: Path) -> None:
    CliRunner().invoke(app, ["contracts", str(tmp_path)])
    put(tmp_path / OUTCOME, {"type": "integer"}, "$defs", "Outcome", "properties", "price")
    put(tmp_path / EVENTS, {}, "$defs", "Cart", "properties", "data", "properties", "gift")
    put(tmp_path / ASYNCAPI, "lobby", "channels", "admitted", "address")
    schemas = ("components", "schemas")
    put(tmp_path / ASYNCAPI, {}, *schemas, "OutcomeHeaders", "properties", "ce_subject")

    refused = CliRunner().invoke(app, ["contracts", "--check", str(tmp_path)])

    assert str(refused.exception).splitlines() == [
        "outcome.schema.json: Outcome.price is gone",
        "events.schema.json: Cart.data.gift is gone",
        "asyncapi.json: OutcomeHeaders: ce_subject is gone",
        "asyncapi.json: the topic lobby is gone",
    ]


def put(file: Path, value: object, *path: str) -> None:
    """Change one place of a JSON file."""
    document = place = json.loads(file.read_text())
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    file.write_text(json.dumps(document))


@pytest.mark.parametrize(
    ("name", "content", "problem"),
    [
        (OUTCOME, None, "No such file or directory"),
        (EVENTS, b"{", "is no JSON: Expecting property name"),
        (OUTCOME, b"\xff", "is no JSON: 'utf-8' codec can't decode byte 0xff"),
        (EVENTS, b"[]", "is no contract"),
        (ASYNCAPI, b"{}", "is no contract"),
    ],
)
def test_the_command_names_the_file_that_it_cannot_read(
    tmp_path: Path, name: str, content: bytes | None, problem: str
) -> None:
    shutil.copytree(COMMITTED, tmp_path, dirs_exist_ok=True)
    (tmp_path / name).unlink()
    if content is not None:
        (tmp_path / name).write_bytes(content)

    refused = CliRunner().invoke(app, ["contracts", "--check", str(tmp_path)])

    said = str(refused.exception)
    assert said.startswith(f"{tmp_path / name}: {problem}")
    assert said.endswith(": --check takes a directory that `reservations contracts` has written")


def test_the_command_names_what_it_cannot_write(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("")
    (tmp_path / "new" / EVENTS).mkdir(parents=True)

    for directory, at in (("taken", "taken"), ("new", f"new/{EVENTS}")):
        refused = CliRunner().invoke(app, ["contracts", str(tmp_path / directory)])

        assert str(refused.exception).startswith(f"{tmp_path / at}: ")
