"""What holds of a Program whatever its parameters: found by going through its operations, never declared.

A proof is one-sided: where one holds the step has the property; where none does it may have it all the same, if its
terms happen to cancel.
"""

from typing import NamedTuple

from elman.compiler.ops import OPS
from elman.compiler.program import Program, Value


class Proof(NamedTuple):
    """Whether something was proved, and what the proof rests on or fails at."""

    holds: bool
    why: str


def linear(program: Program) -> Proof:
    """Whether the new states are sums of old ones times what does not contain them, and of further terms.

    Then the Jacobian of the step does not contain the state. A derivative alone would not do: that of ``sign`` is zero.
    Takes a Program that is not fused.

    >>> from elman.compiler.program import Builder, tidy
    >>> b = Builder()
    >>> x, h = b.leaf("x", 4), b.leaf("state", 4, "h")
    >>> new = b.op("mul", x, h)
    >>> linear(tidy(b, {"output": h, "state:h": new}, states={"h": 4}, extras={}, operands={}, x_width=4)).holds
    True
    """
    degrees: list[int] = []
    for value in program.values:
        degrees.append(_degree(value, [degrees[a] for a in value.args]))
    for i in _within(program):
        if degrees[i] > 1:  # what it is made from is not, or would have been found before
            return Proof(False, _objection(program.values[i].op))
    return Proof(True, "the states are scaled and added, and nothing else is done to them")


def _degree(value: Value, args: list[int]) -> int:
    """0 for a value without the state in it, 1 for one that is linear in the state, 2 for all others."""
    if value.op == "state":
        return 1
    highest = max(args, default=0)
    if value.op == "mul":
        return min(2, sum(args))
    if highest == 0 or value.op not in OPS or OPS[value.op].linear:  # slice, cat, sum, widen and mix are linear
        return highest
    # a quotient is linear in its numerator, and a choice in what is chosen from
    fixed = {"div": args[1:], "where": args[:1]}.get(value.op)
    return highest if fixed is not None and not any(fixed) else 2


def _objection(op: str) -> str:
    match op:
        case "mul":
            return "two values that contain the state are multiplied"
        case "div":
            return "something is divided by what contains the state"
        case "where":
            return "the state decides in a where"
    return f"{op} is taken of what contains the state"


def elementwise(program: Program) -> Proof:
    """Whether each unit of the new states depends on that unit of the old ones alone.

    Then the Jacobian of the step is diagonal, or, where there are several states, made of diagonal blocks. Takes a
    Program that is not fused.
    """
    for i in _within(program):
        value = program.values[i]
        match value.op:
            case "mix":
                return Proof(False, "a matrix product mixes the units")
            case "sum":
                return Proof(False, "a sum goes over the units")
            case "slice" | "cat":
                return Proof(False, f"a {value.op} moves the units")
    widths = set(program.states.values())
    if len(widths) > 1:
        return Proof(False, f"the states have {' and '.join(map(str, sorted(widths)))} units")
    return Proof(True, "no product, sum or move of units stands between the old states and the new ones")


def _within(program: Program) -> list[int]:
    """The values that contain an old state and that a new one is made from, in order."""
    found = set().union(*(program.depends(program.results[f"state:{name}"]) for name in program.states))
    return [i for i in sorted(found) if any(program.values[j].op == "state" for j in program.depends(i))]
