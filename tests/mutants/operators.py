"""How a rule is changed: by cosmic-ray's operators that ask the tests something, and two more."""

from collections.abc import Iterator
from itertools import permutations
from typing import Any, Final

from cosmic_ray.operators.provider import OperatorProvider
from parso.python.tree import ExprStmt, Keyword
from parso.tree import BaseNode, NodeOrLeaf

Position = tuple[tuple[int, int], tuple[int, int]]  # each a line and a column

# Left out is what no test of a value can tell: `is` for `==`, an order of words, shifts of sums.
_SWAPS: Final = {
    "Comparison": [
        *permutations(("Lt", "LtE", "Gt", "GtE"), 2),
        *permutations(("Eq", "NotEq"), 2),
        *permutations(("Is", "IsNot"), 2),
    ],
    "Binary": [*permutations(("Add", "Sub", "Mul"), 2), *permutations(("BitOr", "BitAnd"), 2)],
    "Unary": [("UAdd", "USub"), ("USub", "UAdd"), ("Delete", "Not")],
}
_NAMES: Final = (
    "AddNot",  # to a condition
    "ExceptionReplacer",
    "NumberReplacer",  # by one more, by one less
    "RemoveDecorator",
    "ReplaceAndWithOr",
    "ReplaceBreakWithContinue",
    "ReplaceContinueWithBreak",
    "ReplaceFalseWithTrue",
    "ReplaceOrWithAnd",
    "ReplaceTrueWithFalse",
    "ZeroIterationForLoop",
    *(f"Replace{kind}Operator_{one}_{other}" for kind in _SWAPS for one, other in _SWAPS[kind]),
)


class RemoveStatement:
    """An operator of our own: a call, an assignment to a part, a return is left out."""

    def mutation_positions(self, node: NodeOrLeaf) -> Iterator[Position]:
        if isinstance(node, BaseNode) and node.type == "simple_stmt" and _can_go(node.children[0]):
            yield node.start_pos, node.end_pos

    def mutate(self, node: BaseNode, index: int) -> BaseNode:
        code = node.children[0].get_code()
        before = code.removesuffix(node.children[0].get_code(include_prefix=False))
        node.children[0] = Keyword("pass", node.start_pos, before)
        return node


def _can_go(statement: NodeOrLeaf) -> bool:
    """Tell a statement that something runs without: a variable is needed, and a definition is."""
    if statement.search_ancestor("funcdef") is None:
        return False
    if isinstance(statement, ExprStmt):
        target, sign = statement.children[:2]
        return target.type != "name" or sign.get_code().strip() in ("+=", "-=", "|=", "&=")
    return statement.type in ("atom_expr", "return_stmt", "del_stmt", "raise_stmt")


class ForgetArgument:
    """An operator of our own: an argument that is given by name is None."""

    def mutation_positions(self, node: NodeOrLeaf) -> Iterator[Position]:
        if isinstance(node, BaseNode) and node.type == "argument":
            _, sign, value = [*node.children, None][:3]
            if value is not None and sign.get_code() == "=" and value.get_code() != "None":
                yield value.start_pos, value.end_pos

    def mutate(self, node: BaseNode, index: int) -> BaseNode:
        node.children[2] = Keyword("None", node.children[2].start_pos)
        return node


OPERATORS: Final[list[Any]] = [
    *(OperatorProvider()[name]() for name in _NAMES),
    RemoveStatement(),
    ForgetArgument(),
]
