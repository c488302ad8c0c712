from collections.abc import Sequence
from pathlib import Path

import pytest

from schemas.policy import Offer, Policy, Windows
from service.admin.policy_file import read_policies
from service.admin.problems import BadFile

FULL = """
[[experience]]
organization_id = "org_1"
experience_id = "exp_drop"
strategy = "pool"
cart = "all_or_nothing"
window_seconds = {queue = 300, draw = 3600}
buffer_seconds = 30
hold_seconds_max = 7200
early_fact_seconds = 600
late_seconds = 0
oversell_units = 3
restock_cancelled = false
extensions_max = 0
extension_seconds_max = 120
release_allowed = false
transfer_allowed = false
units_per_sku_max = 1
units_per_experience_max = 2
open_holds_max = 3
at_risk_first = "oldest"
items = [
  {product_id = "moon-lamp", variant_id = "red", quantity = 2},
  {product_id = "sun-chair"},
]
"""
EXAMPLE = Path(__file__).parents[2] / "deploy/examples/policy.toml"
LIMITS = {"units_per_sku_max", "units_per_experience_max", "open_holds_max"}
KEY = '[[experience]]\norganization_id = "org_1"\nexperience_id = "exp_1"\n'


def problems(text: str | bytes) -> Sequence[str]:
    with pytest.raises(BadFile) as raised:
        read_policies("p.toml", text.encode() if isinstance(text, str) else text)
    return raised.value.problems


def test_every_field_is_read() -> None:
    (row,) = read_policies("p.toml", FULL.encode())

    assert row.key == ("org_1", "exp_drop")
    assert row.policy == Policy(
        strategy="pool",
        cart="all_or_nothing",
        window_seconds=Windows(queue=300, draw=3600),
        buffer_seconds=30,
        hold_seconds_max=7200,
        early_fact_seconds=600,
        late_seconds=0,
        oversell_units=3,
        restock_cancelled=False,
        extensions_max=0,
        extension_seconds_max=120,
        release_allowed=False,
        transfer_allowed=False,
        units_per_sku_max=1,
        units_per_experience_max=2,
        open_holds_max=3,
        at_risk_first="oldest",
        items=(
            Offer(product_id="moon-lamp", variant_id="red", quantity=2),
            Offer(product_id="sun-chair"),
        ),
    )


def test_the_example_has_every_field_and_the_defaults_where_it_says_so() -> None:
    drop, draw = read_policies("policy.toml", EXAMPLE.read_bytes())

    assert drop.policy.model_fields_set == set(Policy.model_fields) - LIMITS - {"items"}
    assert drop.policy == Policy()
    assert draw.policy.model_fields_set == LIMITS | {"strategy", "items"}


def test_what_is_left_out_has_its_default_and_is_not_written_down() -> None:
    (row,) = read_policies("p.toml", KEY.encode())

    assert row.policy == Policy()
    assert row.policy.model_dump(exclude_unset=True) == {}


def test_file_without_experiences_is_no_error() -> None:
    assert read_policies("p.toml", b"# none yet\n") == []


def test_byte_order_mark_and_windows_line_ends_are_read() -> None:
    data = b"\xef\xbb\xbf" + FULL.replace("\n", "\r\n").encode()

    assert len(read_policies("p.toml", data)) == 1


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        (
            'stratgey = "soft"',
            "p.toml:4:stratgey: unknown key 'stratgey'; did you mean 'strategy'?",
        ),
        (
            "window_seconds = {qeue = 5}",
            "p.toml:4:window_seconds.qeue: unknown key 'qeue'; did you mean 'queue'?",
        ),
        (
            'items = [{product = "lamp"}]',
            "p.toml:4:items.0.product: unknown key 'product'; did you mean 'product_id'?",
        ),
        (
            'strategy = "firm"',
            "p.toml:4:strategy: 'firm': input should be 'soft', 'hard' or 'pool'",
        ),
        (
            "buffer_seconds = -1",
            "p.toml:4:buffer_seconds: -1: input should be greater than or equal to 0",
        ),
        ("hold_seconds_max = 1.5", "p.toml:4:hold_seconds_max: 1.5: input should be a valid"),
        ("hold_seconds_max = true", "p.toml:4:hold_seconds_max: True: input should be a valid"),
        (
            'items = [{product_id = "lamp", quantity = 0}]',
            "p.toml:4:items.0.quantity: 0: input should be greater than 0",
        ),
        (
            "units_per_sku_max = 0",
            "p.toml:4:units_per_sku_max: 0: input should be greater than 0",
        ),
        ("extensions_max = 21", "p.toml:4:extensions_max: 21: input should be less than or equal"),
        ("late_seconds = -1", "p.toml:4:late_seconds: -1: input should be greater than or equal"),
        ("release_allowed = 1", "p.toml:4:release_allowed: 1: input should be a valid boolean"),
        (
            'at_risk_first = "eldest"',
            "p.toml:4:at_risk_first: 'eldest': input should be 'newest' or 'oldest'",
        ),
        (
            "units_per_sku = 2",
            "p.toml:4:units_per_sku: unknown key 'units_per_sku'; "
            "did you mean 'units_per_sku_max'?",
        ),
        ("buffer_seconds = ", "p.toml:4:18: not TOML: invalid value"),
    ],
)
def test_bad_value_names_its_line_and_key(line: str, problem: str) -> None:
    assert any(found.lower().startswith(problem.lower()) for found in problems(KEY + line + "\n"))


def test_missing_id_names_its_table() -> None:
    assert problems(KEY + '\n[[experience]]\nexperience_id = "exp_2"\n') == [
        "p.toml:5:organization_id: missing; expected a value"
    ]


def test_same_experience_twice_names_both_places() -> None:
    assert problems(KEY + KEY) == [
        "p.toml:6:experience_id: the same organization_id, experience_id as at "
        "p.toml:3:experience_id"
    ]


def test_other_tables_are_unknown() -> None:
    (found,) = problems(KEY.replace("[[experience]]", "[[experiences]]"))

    assert found.startswith("p.toml: unknown key 'experiences'")


def test_one_table_is_not_a_list_of_them() -> None:
    assert problems(KEY.replace("[[experience]]", "[experience]")) == [
        "p.toml: [experience] is one table; expected [[experience]]"
    ]


def test_inline_tables_are_named_by_their_number() -> None:
    assert problems('experience = [{organization_id = "o", experience_id = "e", cart = 1}]') == [
        "p.toml: experience 1: cart: 1: input should be 'per_line' or 'all_or_nothing'"
    ]


def test_other_encoding_names_its_line() -> None:
    assert problems(KEY.encode() + b"# caf\xe9\n") == [
        "p.toml:4: byte 0xe9 is not UTF-8; save the file as UTF-8"
    ]


def test_policy_that_was_asked_what_it_keeps_is_the_same_policy() -> None:
    asked, other = Policy(buffer_seconds=7), Policy(buffer_seconds=7)

    assert (asked.buffer.total_seconds(), asked.has_limits) == (7, False)

    assert (asked, hash(asked), asked.text) == (other, hash(other), other.text)
    assert asked.text == '{"buffer_seconds":7}'
