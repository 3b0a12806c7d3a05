"""The values of a Program as sums of products, by which two ways of writing the same thing are seen to be the same.

A *form* is a polynomial: products of *atoms*, each with a number before it. An atom is what is not added or multiplied:
columns of the input, a state, a vector, columns of a matrix product, a function of a form. So ``(1 - z) * n + z * h``
and ``n + z * (h - n)`` have one form; ``sigmoid(-a)`` is ``1 - sigmoid(a)``, and ``tanh(-a)`` is ``-tanh(a)``.
"""

from collections.abc import Mapping
from typing import NamedTuple

from elman.compiler.program import Program, Value

MOST = 64  # products in a form; what has more is not taken apart

Product = tuple[int, ...]  # the numbers of its atoms, in order
Form = dict[Product, float]
Key = tuple[tuple[Product, float], ...]  # a form that can be compared


class Atom(NamedTuple):
    """What a form is made of."""

    op: str
    name: str
    first: int  # column
    width: int
    args: tuple[Key, ...] = ()


class Forms:
    """The forms of all values of a Program that is not fused."""

    def __init__(self, program: Program) -> None:
        self.atoms: list[Atom] = []
        self._numbers: dict[Atom, int] = {}
        self.values: list[Form] = []
        for value in program.values:
            self.values.append(self._of(value, [self.values[a] for a in value.args]))

    def atom(self, atom: Atom) -> Form:
        """The form of an atom alone."""
        number = self._numbers.setdefault(atom, len(self.atoms))
        if number == len(self.atoms):
            self.atoms.append(atom)
        return {(number,): 1.0}

    def only(self, form: Mapping[Product, float]) -> tuple[Atom, float] | None:
        """The atom that a form is, and the number before it."""
        if len(form) != 1:
            return None
        ((product, number),) = form.items()
        return (self.atoms[product[0]], number) if len(product) == 1 else None

    def among(self, form: Form, op: str) -> list[int]:
        """The atoms of such an operation that stand in a form."""
        return [n for n in dict.fromkeys(n for product in form for n in product) if self.atoms[n].op == op]

    def function(self, op: str, form: Form, width: int) -> Form:
        """``sigmoid`` or ``tanh`` of a form; of a form and its negative one is an atom."""
        first = min((product for product in form if product), default=())
        if form.get(first, 0.0) >= 0:
            return self.atom(Atom(op, "", 0, width, (key(form),)))
        found = scaled(self.atom(Atom(op, "", 0, width, (key(scaled(form, -1)),))), -1)
        return added({(): 1.0}, found) if op == "sigmoid" else found

    def _of(self, v: Value, args: list[Form]) -> Form:
        match v.op:
            case "constant":
                return {(): v.number} if v.number else {}
            case "add":
                return added(*args)
            case "sub":
                return added(args[0], scaled(args[1], -1))
            case "neg":
                return scaled(args[0], -1)
            case "mul" if len(args[0]) * len(args[1]) <= MOST:
                return multiplied(*args)
            case "div" if args[1].keys() == {()}:
                return scaled(args[0], 1 / args[1][()])
            case "sigmoid" | "tanh":
                return self.function(v.op, args[0], v.width)
            case "widen" if args[0].keys() <= {()}:
                return args[0]
            case "slice":
                found = self.only(args[0])
                if found is not None and found[0].op.startswith("mix") and found[1] == 1:
                    return self.atom(found[0]._replace(first=found[0].first + v.offset, width=v.width))
        op = f"{v.op} transposed" if v.transposed else v.op
        return self.atom(Atom(op, v.name, v.offset, v.width, tuple(map(key, args))))


def key(form: Form) -> Key:
    return tuple(sorted(form.items()))


def added(a: Form, b: Form) -> Form:
    found = dict(a)
    for product, number in b.items():
        found[product] = found.get(product, 0.0) + number
    return {product: number for product, number in found.items() if number}


def scaled(form: Form, by: float) -> Form:
    return {product: number * by for product, number in form.items() if by}


def multiplied(a: Form, b: Form) -> Form:
    """The product of two forms.

    >>> multiplied({(): 1.0, (0,): -1.0}, {(1,): 2.0})
    {(1,): 2.0, (0, 1): -2.0}
    """
    found: Form = {}
    for (one, x), (two, y) in ((p, q) for p in a.items() for q in b.items()):
        found = added(found, {tuple(sorted(one + two)): x * y})
    return found
