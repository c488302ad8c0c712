"""Mutants: the rules with one thing changed, as cosmic-ray's operators change it."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import unified_diff
from pathlib import Path
from typing import Any, Final

from cosmic_ray.ast import ast_nodes, get_ast
from cosmic_ray.mutating import mutate_code
from parso.tree import NodeOrLeaf

from tests.mutants.operators import OPERATORS, Position

HOME: Final = Path(__file__).parents[2]
RULES: Final = HOME / "reservations"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a module can be changed: the n-th place that an operator finds in it."""

    path: Path
    line: int
    function: str
    operator: Any
    occurrence: int


@dataclass(frozen=True, slots=True)
class Mutant:
    """A module with one change."""

    place: Place
    before: str  # the line, or lines, that were changed
    after: str
    source: str

    @property
    def module(self) -> str:
        return f"reservations.{self.place.path.stem}"

    @property
    def at(self) -> str:
        return f"reservations/{self.place.path.name}:{self.place.line}"

    @property
    def name(self) -> str:
        """The change's name, which stays when the lines around it move."""
        return f"{self.module}.{self.place.function}: {self.before} -> {self.after}"


def places(path: Path) -> Iterator[Place]:
    """Find all places where a module can be changed, but where no rule can stand."""
    source = path.read_text()
    spans = list(_without_rules(ast.parse(source)))
    tree = get_ast(source)
    for operator in OPERATORS:
        found = [
            (node, position)
            for node in ast_nodes(tree)
            for position in operator.mutation_positions(node)
        ]
        for occurrence, (node, (start, *_)) in enumerate(found):
            if not any(begin <= start < end for begin, end in spans):
                yield Place(path, start[0], _function_of(node), operator, occurrence)


def mutant(place: Place) -> Mutant:
    """Make the change."""
    source = place.path.read_text()
    mutated = mutate_code(source, place.operator, place.occurrence)
    diff = list(unified_diff(source.splitlines(), mutated.splitlines(), n=0, lineterm=""))[3:]
    before, after = (
        " ".join(line[1:].strip() for line in diff if line[0] == side) for side in ("-", "+")
    )
    return Mutant(place, before, after, mutated)


def _without_rules(tree: ast.Module) -> Iterator[Position]:
    """Give the spans of annotations and decorators."""
    for node in ast.walk(tree):
        said = [getattr(node, "annotation", None), getattr(node, "returns", None)]
        for one in [*said, *getattr(node, "decorator_list", [])]:
            if isinstance(one, ast.expr) and one.end_lineno and one.end_col_offset:
                yield (one.lineno, one.col_offset), (one.end_lineno, one.end_col_offset)


def _function_of(node: NodeOrLeaf) -> str:
    """Give the function that a node is in, or "" for the module's own statements."""
    names = []
    inner: NodeOrLeaf | None = node
    while inner is not None:
        if inner.type in ("funcdef", "classdef"):
            names.append(inner.name.value)  # type: ignore[attr-defined]
        inner = inner.parent
    return ".".join(reversed(names))
