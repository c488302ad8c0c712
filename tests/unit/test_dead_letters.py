"""Dead letters as an operator sees them: chosen by name, readable, and without a token."""

import json
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from db.dead_letter_replays import Replay
from db.dead_letters import Kept, Listed, Place
from schemas.fields import TOKENS
from schemas.identity import token_digest
from schemas.journal import Headers
from service.dead_letters.choosing import read_chosen, read_since
from service.dead_letters.documents import kept_document, kept_lines, listed_document, listed_row
from service.dead_letters.masking import SHOWN_CHARACTERS_MAX, shown, shown_headers, shown_text
from service.dead_letters.replaying import replay_headers
from tests.poison import POISON, Poison

SECRET = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhZGEifQ.c2lnbmF0dXJl"
OPAQUE = "s3cr3t-0f-ada"
DIGEST = f"token:{token_digest(OPAQUE)}"
NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
ID = UUID("01a20561-fdd1-8b40-895a-54412ef7c821")


def kept(
    value: bytes | None = b"?",
    *,
    key: bytes | None = b"ada",
    headers: Headers = (),
    truncated_bytes: int | None = None,
) -> Kept:
    size = None if value is None else len(value)
    listed = Listed(ID, Place("admitted", 3, 42), "not JSON: oh", NOON, NOON, size, 0)
    return Kept(listed, key, value, headers, truncated_bytes)


# Contents


@pytest.mark.parametrize(
    ("content", "kind", "value"),
    [
        (None, "null", None),
        (b"", "text of 0 bytes", ""),
        (b'{"id": 7}', "JSON of 9 bytes", {"id": 7}),
        (b"[1, 2]", "JSON of 6 bytes", [1, 2]),
        (b'{"id": "a", "ty', "JSON, cut off, of 15 bytes", {"id": "a"}),
        (b'{"id": "abc', "JSON, cut off, of 11 bytes", {"id": "abc"}),
        (b" ", "text of 1 bytes", " "),
        (b"-", "text of 1 bytes", "-"),
        (b"[NaN, -Infinity]", "JSON of 16 bytes", ["nan", "-inf"]),
        (b"7", "text of 1 bytes", "7"),
        (b"{} {}", "text of 5 bytes", "{} {}"),
        (b"na\xffme", "text of 5 bytes", "na\\xffme"),
        (b"a\0b", "text of 3 bytes", "ab"),
    ],
)
def test_a_content_is_read_as_far_as_it_goes(
    content: bytes | None, kind: str, value: object
) -> None:
    assert shown(content) == (kind, value)


@pytest.mark.parametrize("content", [b"x" * 1_000_000, json.dumps(["x"] * 300_000).encode()])
def test_of_a_long_content_the_beginning_is_shown(content: bytes) -> None:
    _, value = shown(content)

    assert len(value) == SHOWN_CHARACTERS_MAX


@pytest.mark.parametrize("poison", POISON, ids=lambda poison: poison.name)
def test_whatever_is_a_dead_letter_can_be_shown(poison: Poison) -> None:
    record = poison.record("ada")
    headers = tuple((name.decode("utf-8", "replace"), value) for name, value in record.headers)
    letter = kept(record.value, key=record.key, headers=headers)

    json.dumps(kept_document(letter, [])).encode()
    "\n".join(kept_lines(letter, [])).encode()


@given(st.binary())
def test_whatever_bytes_there_are_can_be_shown(content: bytes) -> None:
    json.dumps(shown(content)).encode()


def test_a_record_that_was_cut_off_anywhere_can_be_shown() -> None:
    whole = b'{"a": [1.5e+10, true, null, "\\ud83d\\ude00", "\xc3\xa9"], "token": "s3cr3t-0f-ada"}'

    for end in range(len(whole)):
        assert OPAQUE not in json.dumps(shown(whole[:end]))


# Tokens


@pytest.mark.parametrize("name", [*TOKENS, "admission_token", "ADMISSION-TOKEN", "x_token_2"])
@pytest.mark.parametrize(
    "template",
    [
        '{"data": {"NAME": "SECRET", "id": "a"}}',
        '{"data": [{"NAME": "SECRET"',
        '{"data": {"NAME": "SECRET',
        '{"data": {"NAME": "SECRET"} oh',
        "{'NAME': 'SECRET', oh",
        "oh {NAME: SECRET, id: 7}",
        "id=7&NAME=SECRET&oh=1",
        "\0{\0NAME\0=\0SECRET",
        '"{\\"NAME\\": \\"SECRET\\"}"',
    ],
)
def test_a_token_is_shown_as_its_digest_wherever_it_stands(template: str, name: str) -> None:
    content = template.replace("NAME", name).replace("SECRET", OPAQUE).encode()

    text = json.dumps(shown(content)[1])

    assert OPAQUE not in text
    assert DIGEST in text


@pytest.mark.parametrize("value", ["7", "[1]", '{"inner": "s3cr3t-0f-ada"}', "true"])
def test_a_token_of_a_wrong_type_is_a_token(value: str) -> None:
    _, document = shown(f'{{"token": {value}, "id": "a"}}'.encode())

    assert document["id"] == "a"
    assert document["token"].startswith("token:")


def test_a_web_token_is_masked_under_any_name_and_in_any_text() -> None:
    for content in (f'{{"note": "see {SECRET}"}}', f"see {SECRET}, please", f'{{"{SECRET}": 1}}'):
        text = json.dumps(shown(content.encode())[1])

        assert SECRET[:20] not in text
        assert f"token:{token_digest(SECRET)}" in text


def test_what_is_no_token_stays_readable() -> None:
    value = {"admissionGrantExpiresAt": "2026-11-22", "consumerId": "ada", "id": "evt-eyJ"}

    assert shown(json.dumps(value).encode())[1] == value


def test_headers_and_keys_are_masked_too() -> None:
    headers = (("authorization", b"Basic x"), ("X-Token", OPAQUE.encode()), ("trace", b"1"),
               ("null", None), ("note", SECRET.encode()))  # fmt: skip

    found = dict(shown_headers(headers))

    assert found["X-Token"] == DIGEST
    assert found["authorization"] == f"token:{token_digest('Basic x')}"
    assert (found["trace"], found["null"]) == ("1", None)
    assert SECRET not in str(found["note"])
    assert OPAQUE not in shown_text(f"token={OPAQUE}".encode())


@given(st.sampled_from(TOKENS), st.text(min_size=1), st.text(max_size=20), st.text(max_size=20))
def test_a_token_in_json_is_masked_whatever_it_is(
    name: str, secret: str, before: str, after: str
) -> None:
    document = {"data": [{"before": before, name: secret, "after": after}]}

    _, masked = shown(json.dumps(document).encode())

    assert masked["data"][0][name] == f"token:{token_digest(secret)}"


# Choosing


def test_letters_are_chosen_by_id_and_by_place() -> None:
    chosen = read_chosen([str(ID), "admitted/3/42", "a.b-c_d/0/0"])

    assert chosen.ids == [ID]
    assert chosen.places == [Place("admitted", 3, 42), Place("a.b-c_d", 0, 0)]


@pytest.mark.parametrize(
    "name",
    ["", "7", "admitted", "admitted/3", "admitted/3/", "admitted//3", "/3/4", "admitted/-1/4",
     "admitted/3/4/5", "admitted/x/4", f"admitted/3/{2**63}", f"admitted/{2**31}/0"],
)  # fmt: skip
def test_a_name_of_no_letter_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="neither an id nor TOPIC/PARTITION/OFFSET"):
        read_chosen([name])


@pytest.mark.parametrize(
    ("text", "ago"),
    [
        ("30s", timedelta(seconds=30)),
        ("15m", timedelta(minutes=15)),
        ("2h", timedelta(hours=2)),
        ("7d", timedelta(days=7)),
        ("2026-11-22T10:00:00Z", timedelta(hours=2)),
        ("2026-11-22T12:00:00+02:00", timedelta(hours=2)),
    ],
)
def test_a_time_is_an_instant_or_so_long_ago(text: str, ago: timedelta) -> None:
    assert read_since(text, NOON) == NOON - ago


@pytest.mark.parametrize("text", ["", "yesterday", "2", "-2h", "2 hours"])
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="say how long ago"):
        read_since(text, NOON)


# Showing


def test_a_row_of_the_list_has_the_name_that_show_and_replay_take() -> None:
    row = listed_row(kept().listed)

    assert read_chosen([row["from"]]).places == [kept().listed.place]
    assert (row["reason"], row["replays"]) == ("not JSON: oh", 0)


def test_a_line_of_json_has_what_the_list_has_and_no_content() -> None:
    document = listed_document(kept(b"secret").listed)

    assert document == {
        "id": str(ID),
        "topic": "admitted",
        "partition": 3,
        "offset": 42,
        "reason": "not JSON: oh",
        "recordedAt": NOON.isoformat(),
        "writtenAt": NOON.isoformat(),
        "valueBytes": 6,
        "replays": 0,
    }


def test_a_letter_is_told_in_lines() -> None:
    letter = kept(b'{"token": "s3cr3t-0f-ada"}', headers=(("h", b"1"), ("h", None)))
    replays = [Replay(NOON, 77), Replay(NOON, None)]

    assert list(kept_lines(letter, replays)) == [
        f"dead letter  {ID}",
        "from         admitted/3/42",
        "recorded at  2026-11-22T12:00:00+00:00",
        "written at   2026-11-22T12:00:00+00:00",
        "reason       not JSON: oh",
        "replayed     2026-11-22T12:00:00+00:00, to offset 77",
        "replayed     2026-11-22T12:00:00+00:00, and it is not known whether it was sent",
        "key          ada",
        "header       h: 1",
        "header       h: null",
        "value        JSON of 26 bytes",
        "{",
        f'  "token": "{DIGEST}"',
        "}",
    ]


def test_a_letter_without_its_content_says_where_that_is() -> None:
    letter = kept(None, key=None, truncated_bytes=20_000_000)

    lines = list(kept_lines(letter, []))

    assert "replayed     never" in lines
    assert lines[-1] == (
        "value        not kept: 20,000,000 bytes are more than a dead letter holds; the record "
        "is in admitted[3] at offset 42 for as long as Kafka keeps it"
    )
    assert kept_document(letter, [])["truncatedBytes"] == 20_000_000


def test_a_replay_has_the_headers_of_the_record_and_one_that_says_whose_it_is() -> None:
    headers = (("h", b"1"), ("h", None), ("dlq.replay", b"an earlier one"), ("dlq.id", b"theirs"))

    assert replay_headers(headers, ID) == (
        *(("h", b"1"), ("h", None), ("dlq.id", b"theirs")),
        ("dlq.replay", str(ID).encode()),
    )
