"""The expressions that Ax parses: names it can read, and linear inequalities as users write them.

Ax reads objectives and constraints with SymPy, where ``lambda``, ``test`` or ``val/loss`` have
another meaning. Here users' names are replaced before Ax sees them, and mistakes are reported in
the user's own words.
"""

from __future__ import annotations

import ast
import keyword
import math
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import sympy  # type: ignore[import-untyped]  # it has no annotations

_PLACEHOLDER = re.compile(
    r"_x[0-9a-f]{2,}_|__(dot|slash|colon|pipe|tilde|space|hyphen|at|[lr]paren)__"
)
_UNKNOWN_NAME = re.compile(r"[^\W\d]\w*(?:[./:@|-]\w+)*")


def ax_name(name: str, reserved: Collection[str] = ()) -> str:
    """Return a name for Ax: the same one if Ax can parse it, otherwise one with escaped characters.

    Different names stay different.

    Args:
        name: The name of a metric or parameter.
        reserved: Names that have a meaning of their own in Ax.

    Example:
        >>> ax_name("accuracy"), ax_name("val/loss"), ax_name("lambda")
        ('accuracy', 'val_x2f_loss', '_x6c_ambda')
    """
    parsed = name.isidentifier() and not keyword.iskeyword(name) and not hasattr(sympy, name)
    if parsed and name not in {"baseline", *reserved} and not _PLACEHOLDER.search(name):
        return name
    escaped = "".join(c if c.isalnum() and c.isascii() else f"_x{ord(c):02x}_" for c in name)
    if escaped == name or name[:1].isdigit():
        escaped = f"_x{ord(name[0]):02x}_{escaped[1:]}"
    return escaped


@dataclass(frozen=True)
class Inequality:
    """A linear inequality: the sum of the weighted values is at most the bound.

    Args:
        text: The inequality as the user wrote it.
        weights: Name → weight, none of them 0.
        bound: The upper bound of the sum.
    """

    text: str
    weights: Mapping[str, float]
    bound: float

    def expression(self, names: Mapping[str, str]) -> str:
        """Return the inequality in Ax's words.

        Args:
            names: The user's name → the name in Ax.
        """
        if len(self.weights) == 1:
            ((name, weight),) = self.weights.items()
            return f"{names[name]} {'<=' if weight > 0 else '>='} {self.bound / weight + 0.0!r}"
        terms = (f"{weight!r}*{names[name]}" for name, weight in self.weights.items())
        return f"{' + '.join(terms)} <= {self.bound!r}"

    def holds(self, values: Mapping[str, float]) -> bool:
        """Return whether values keep the inequality, up to a relative rounding error of 1e-8.

        Args:
            values: Name → value of every name in the inequality.
        """
        terms = [weight * float(values[name]) for name, weight in self.weights.items()]
        slack = 1e-8 * max(1.0, abs(self.bound), *map(abs, terms))
        return math.fsum(terms) <= self.bound + slack


def read_inequality(text: str, known: Collection[str], *, what: str, closed: bool) -> Inequality:
    """Return a linear inequality that a user wrote, such as ``"x + 2*a/y <= 3"``.

    Known names are found first, the longest first, so that they may contain ``/``, ``-``,
    parentheses or spaces. A known name with an operator in it is never an operation.

    Args:
        text: One comparison by ``<=`` or ``>=`` of sums of numbers times names.
        known: Names that may occur.
        what: What the text is, for messages: ``"outcome constraint"``.
        closed: Whether only known names may occur.

    Raises:
        ValueError: If the text is not such an inequality, or a name is unknown.
    """
    if not isinstance(text, str):
        raise ValueError(f"{what} must be a text such as 'x + 2*y <= 3', got {text!r}")
    code, names = _with_symbols(text, known, closed=closed)
    if closed and (unknown := [name for name in names if name not in known]):
        raise ValueError(
            f"{what} {text!r} names {unknown[0]!r}, which is no parameter; "
            f"the parameters are {', '.join(known)}"
        )
    if "baseline" in names:
        raise ValueError(
            f"{what} {text!r} is relative to a baseline, and the experiment has none; "
            "give the bound as a number"
        )
    try:
        tree = ast.parse(code.strip(), mode="eval").body
        if not isinstance(tree, ast.Compare) or len(tree.ops) != 1:
            raise _NotLinearError("it must have exactly one <= or >=")
        left, right = (_linear(side) for side in (tree.left, tree.comparators[0]))
        if isinstance(tree.ops[0], ast.GtE):
            left, right = right, left
        elif not isinstance(tree.ops[0], ast.LtE):
            raise _NotLinearError("only <= and >= are supported")
        moved = _sum(left, right, -1.0)
    except (SyntaxError, _NotLinearError, ZeroDivisionError) as error:
        reason = str(error) if isinstance(error, _NotLinearError) else "it cannot be parsed"
        raise ValueError(
            f"{what} {text!r} is no linear inequality such as 'x + 2*y <= 3': {reason}"
        ) from None
    weights = {names[int(key[1:])]: weight for key, weight in moved.items() if key and weight}
    bound = -moved.get("", 0.0) + 0.0
    if not weights or not all(map(math.isfinite, [*weights.values(), bound])):
        raise ValueError(f"{what} {text!r} must compare a sum of names with a finite number")
    return Inequality(text, weights, bound)


class _NotLinearError(Exception):
    """The expression is not linear; the text says why."""


def _with_symbols(text: str, known: Collection[str], *, closed: bool) -> tuple[str, Sequence[str]]:
    """Return the text with each name replaced by ``_0``, ``_1``, …, and the names."""
    listed = [re.escape(n) for n in sorted(known, key=len, reverse=True) if not _is_number(n)]
    # A number's exponent (1e-3) must not be taken for a name.
    number = r"(?P<number>(?<![\w.])(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?(?!\w))"
    any_known = "|".join(listed) or r"\b\B"  # nothing matches the latter
    known_name = rf"(?P<known>(?<!\w)(?:{any_known})(?!\w))"
    unknown = r"(?P<unknown>[^\W\d]\w*)" if closed else rf"(?P<unknown>{_UNKNOWN_NAME.pattern})"
    names: list[str] = []

    def symbol(match: re.Match[str]) -> str:
        if match["number"]:
            return match[0]
        if match[0] not in names:
            names.append(match[0])
        return f"_{names.index(match[0])}"

    return re.sub(f"{number}|{known_name}|{unknown}", symbol, text), names


def _is_number(name: str) -> bool:
    try:
        float(name)
    except ValueError:
        return False
    return True


def _linear(node: ast.expr) -> dict[str, float]:
    """Return a linear expression as symbol → weight; the constant has the symbol ``""``."""
    match node:
        case ast.Constant(value=int() | float() as value) if not isinstance(value, bool):
            return {"": float(value)}
        case ast.Name(id=name):
            return {name: 1.0}
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return _sum({}, _linear(operand), -1.0)
        case ast.UnaryOp(op=ast.UAdd(), operand=operand):
            return _linear(operand)
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            return _sum(_linear(left), _linear(right), 1.0)
        case ast.BinOp(left=left, op=ast.Sub(), right=right):
            return _sum(_linear(left), _linear(right), -1.0)
        case ast.BinOp(left=left, op=ast.Div(), right=right):
            return _sum({}, _linear(left), 1 / _constant(_linear(right)))
        case ast.BinOp(left=left, op=ast.Mult(), right=right):
            one, other = _linear(left), _linear(right)
            if set(other) - {""}:
                one, other = other, one
            return _sum({}, one, _constant(other))
    raise _NotLinearError(f"{ast.unparse(node)!r} is no sum of numbers times names")


def _constant(expression: Mapping[str, float]) -> float:
    if set(expression) - {""}:
        raise _NotLinearError("it multiplies or divides by a name")
    return expression.get("", 0.0)


def _sum(one: Mapping[str, float], other: Mapping[str, float], factor: float) -> dict[str, float]:
    total = dict(one)
    for name, weight in other.items():
        total[name] = total.get(name, 0.0) + factor * weight
    return total
