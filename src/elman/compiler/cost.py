"""What a fused Program costs: the floating-point operations of its products and of its element-wise work."""

from dataclasses import dataclass

from elman.compiler.ops import OPS
from elman.compiler.program import Program, elementwise


@dataclass(frozen=True)
class Work:
    """Floating-point operations of all steps and rows; a function such as ``tanh`` counts as 16."""

    products: int  # in the recurrence, one step after another
    projections: int  # of blocks of steps: of the input, and of the weights' gradients
    elementwise: int


def forward(program: Program, features: int, count: int) -> Work:
    """Of a fused Program over ``count`` rows and steps."""
    projection = program.x_width * features
    return Work(2 * count * _depths(program), 2 * count * projection, count * _operations(program))


def backward(program: Program, back: Program, features: int, count: int) -> Work:
    """Of its fused adjoint: the cotangents of states step by step, those of inputs and matrices in blocks of steps."""
    blocks = 2 * program.x_width * features + _depths(program)
    return Work(2 * count * _depths(back), 2 * count * blocks, count * _operations(back))


def _depths(program: Program) -> int:
    """Multiply-adds of a fused Program's products, for one row."""
    return sum(program.depth(m) * m.width for m in program.products)


def _operations(program: Program) -> int:
    """Element-wise operations of a Program, for one row."""
    sums = sum(program.values[v.args[0]].width for v in program.values if v.op == "sum")
    return sums + sum(value.width * OPS[value.op].cost for _, value in elementwise(program))
