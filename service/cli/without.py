"""Imports without what a library brings along where it is installed, and can do without."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def without(*modules: str) -> Iterator[None]:
    """Let the imports in this block not find these modules; afterwards they are as they were.

    Who cares for such a module tells by ImportError that it is not there, and goes on.
    """
    absent = [name for name in modules if name not in sys.modules]
    sys.modules.update(dict.fromkeys(absent))  # type: ignore[arg-type]
    try:
        yield
    finally:
        for name in absent:
            del sys.modules[name]
