"""What a block does without is not found in it, and is as it was afterwards."""

import sys

import pytest

from service.cli.without import without


def test_a_module_is_not_found_in_the_block_and_is_there_afterwards() -> None:
    sys.modules.pop("colorsys", None)

    with without("colorsys"), pytest.raises(ModuleNotFoundError):
        import colorsys
    import colorsys

    assert colorsys.rgb_to_hsv(0, 0, 0) == (0, 0, 0)


def test_a_module_that_is_in_use_stays() -> None:
    with without("sys"):
        import sys as again

    assert again is sys


def test_afterwards_nothing_is_hidden_whatever_was_raised() -> None:
    sys.modules.pop("colorsys", None)

    with pytest.raises(KeyError), without("colorsys"):
        raise KeyError

    assert "colorsys" not in sys.modules
