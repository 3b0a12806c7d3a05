"""Which of ``torch.nn``'s three a Program is, found by what it computes, and where its parameters then stand.

    RNN    h' = tanh(a), or relu(a)
    LSTM   c' = sigmoid(f) * c + sigmoid(i) * tanh(g);  h' = sigmoid(o) * tanh(c'), or a product with that
    GRU    n = tanh(a + sigmoid(r) * b);  h' = (1 - sigmoid(z)) * n + sigmoid(z) * h

The output is ``h'``. Each gate is the sum of columns of the input that are its own, of rows of a product with ``h``,
and of vectors and numbers, with numbers before them; ``a`` of a GRU is without the product, ``b`` without the input.
How they are called, in which order they stand and how the sums are written does not matter. A gate may stand for its
opposite: ``1 - z`` in the place of ``z`` is one with all its parameters negated.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise, permutations, product

from elman.compiler.executors.fused.forms import Atom, Form, Forms, added, key, multiplied, scaled
from elman.compiler.program import Program

SIGNS = (1.0, -1.0)


@dataclass(frozen=True)
class Rows:
    """Rows of a tensor, with a number before them."""

    name: str  # of the operand; "" for what belongs to the input
    first: int
    scale: float
    transposed: bool = False


@dataclass(frozen=True)
class Sum:
    """Vectors, and a number."""

    vectors: tuple[Rows, ...] = ()
    number: float = 0.0


@dataclass(frozen=True)
class Gate:
    """What a gate is the sum of. ``x`` are rows of the input's matrix and bias."""

    x: Rows
    matrix: Rows
    beside_x: Sum
    beside_matrix: Sum


@dataclass(frozen=True)
class Twin:
    """One of ``torch.nn``'s three, with what stands in the place of its parameters."""

    kind: str  # as ``torch.nn.RNNBase`` has it in ``mode``
    gates: tuple[Gate, ...]  # in its order
    states: tuple[str, ...]  # which of the Program's states are its own, in its order
    size: int  # rows of each gate
    projection: str = ""  # the operand that is ``weight_hr``
    turned: bool = False  # whether it is to be transposed

    @property
    def called(self) -> str:
        """Its name, for people.

        >>> Twin("RNN_TANH", (), ("h",), 3).called
        'torch.nn.RNN'
        """
        return f"torch.nn.{self.kind.partition('_')[0]}"


@lru_cache(maxsize=256)
def twin_of(text: str) -> Twin | None:
    """Which of ``torch.nn``'s three a Program, given as text, is; None if it is none of them."""
    program = Program.read(text)
    if program.extras:
        return None
    for twin in _found(program, Forms(program)):
        starts = sorted(gate.x.first for gate in twin.gates)
        if all(b - a >= twin.size for a, b in pairwise(starts)):  # columns of its own for each
            return twin
    return None


def _found(program: Program, forms: Forms) -> Iterator[Twin]:
    output = forms.values[program.results["output"]]
    for names in permutations(program.states):
        if output != forms.values[program.results[f"state:{names[0]}"]]:
            continue
        if len(names) == 1:
            yield from _rnn(program, forms, output, names[0])
            yield from _gru(program, forms, output, names[0])
        elif len(names) == 2:
            yield from _lstm(program, forms, output, names)


def _rnn(program: Program, forms: Forms, new: Form, name: str) -> Iterator[Twin]:
    found, size = forms.only(new), program.states[name]
    if found is not None and (found[0].op == "tanh" or (found[0].op == "relu" and found[1] == 1)):
        atom, sign = found
        gate = _gate(program, forms, scaled(dict(atom.args[0]), sign), name, size) if abs(sign) == 1 else None
        if gate is not None:
            yield Twin(f"RNN_{atom.op.upper()}", (gate,), (name,), size)


def _lstm(program: Program, forms: Forms, new: Form, names: tuple[str, ...]) -> Iterator[Twin]:
    h, c = names
    size, turned, projection = program.states[c], False, ""
    new_c = forms.values[program.results[f"state:{c}"]]
    found = forms.only(new)
    if found is not None and found[0].op.startswith("mix"):
        (op, projection, first, width, args), number = found
        whole = first == 0 and width == program.states[h] < size and len(program.operands[projection]) == 2
        if not whole or number != 1:
            return
        new, turned = dict(args[0]), op != "mix"
    old, squashed = _state(program, forms, c), forms.function("tanh", new_c, size)
    for o, o_sign in product(forms.among(new, "sigmoid"), SIGNS):
        if multiplied(_signed(o, o_sign), squashed) != new:
            continue
        for (f, i), g in product(permutations(forms.among(new_c, "sigmoid"), 2), forms.among(new_c, "tanh")):
            for f_sign, i_sign, g_sign in product(SIGNS, repeat=3):
                kept = multiplied(_signed(f, f_sign), old)
                if added(kept, multiplied(_signed(i, i_sign), {(g,): g_sign})) != new_c:
                    continue
                signed = ((i, i_sign), (f, f_sign), (g, g_sign), (o, o_sign))
                gates = [_gate(program, forms, _argument(forms, n, sign), h, size) for n, sign in signed]
                if all(gates):
                    yield Twin("LSTM", tuple(filter(None, gates)), names, size, projection, turned)


def _gru(program: Program, forms: Forms, new: Form, name: str) -> Iterator[Twin]:
    size = program.states[name]
    old = _state(program, forms, name)
    for z, n, z_sign, n_sign in product(forms.among(new, "sigmoid"), forms.among(new, "tanh"), SIGNS, SIGNS):
        taken = multiplied(_signed(z, -z_sign), {(n,): n_sign})
        if added(taken, multiplied(_signed(z, z_sign), old)) != new:
            continue
        inner = _argument(forms, n, n_sign)
        for r, r_sign in product(forms.among(inner, "sigmoid"), SIGNS):
            times = {tuple(a for a in p if a != r): number for p, number in inner.items() if p.count(r) == 1}
            rest = {p: number for p, number in inner.items() if r not in p}
            b = scaled(times, r_sign)
            a = rest if r_sign > 0 else added(rest, times)
            if added(a, multiplied(_signed(r, r_sign), b)) != inner:
                continue
            signed = ((r, r_sign), (z, z_sign))
            gates = [_gate(program, forms, _argument(forms, gate, sign), name, size) for gate, sign in signed]
            x, matrix = _sum(program, forms, a, name, size), _sum(program, forms, b, name, size)
            if all(gates) and x and matrix and x[0] and not x[1] and matrix[1] and not matrix[0]:
                last = Gate(x[0], matrix[1], x[2], matrix[2])
                yield Twin("GRU", (*filter(None, gates), last), (name,), size)


def _state(program: Program, forms: Forms, name: str) -> Form:
    return forms.atom(Atom("state", name, 0, program.states[name]))


def _signed(atom: int, sign: float) -> Form:
    """The sigmoid, or its opposite."""
    return {(atom,): 1.0} if sign > 0 else {(): 1.0, (atom,): -1.0}


def _argument(forms: Forms, atom: int, sign: float) -> Form:
    return scaled(dict(forms.atoms[atom].args[0]), sign)


def _gate(program: Program, forms: Forms, form: Form, h: str, size: int) -> Gate | None:
    found = _sum(program, forms, form, h, size)
    if found is None or found[0] is None or found[1] is None:
        return None
    return Gate(found[0], found[1], Sum(), found[2])


def _sum(program: Program, forms: Forms, form: Form, h: str, size: int) -> tuple[Rows | None, Rows | None, Sum] | None:
    """Columns of the input, rows of a product with the state, and vectors and a number, if a form is their sum."""
    state = key(_state(program, forms, h))
    x, matrix, vectors, constant = list[Rows](), list[Rows](), list[Rows](), 0.0
    for atoms, number in form.items():
        if not atoms:
            constant = number
            continue
        atom = forms.atoms[atoms[0]]
        if len(atoms) != 1 or atom.width != size:
            return None
        rows = Rows(atom.name, atom.first, number, atom.op == "mix transposed")
        if atom.op == "x":
            x.append(rows)
        elif atom.op == "vector":
            vectors.append(rows)
        elif atom.op.startswith("mix") and atom.args == (state,) and len(program.operands[atom.name]) == 2:
            matrix.append(rows)
        else:
            return None
    if len(x) > 1 or len(matrix) > 1:
        return None
    return next(iter(x), None), next(iter(matrix), None), Sum(tuple(vectors), constant)
