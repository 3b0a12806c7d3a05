"""The parameters that PyTorch's operations take, from those of a step that is one of ``torch.nn``'s three."""

from collections.abc import Mapping, Sequence
from itertools import pairwise

import torch
from torch import Tensor

from elman.compiler.executors.fused.twins import Gate, Rows, Sum, Twin


def weights_of(
    twin: Twin, weight: Tensor, bias: Tensor | None, operands: Mapping[str, Tensor]
) -> tuple[list[Tensor], bool]:
    """``weight_ih``, ``weight_hh``, both biases if there are any, ``weight_hr``; and whether there are biases.

    What stands in the operands as PyTorch takes it is given as a view of it.
    """
    given: Mapping[str, Tensor] = {**operands, "": weight}
    vectors = {name: value.reshape(-1) for name, value in operands.items()}
    found = [
        _matrix([gate.x for gate in twin.gates], twin.size, given),
        _matrix([gate.matrix for gate in twin.gates], twin.size, given),
    ]
    biased = bias is not None or any(_is_there(gate.beside_x, gate.beside_matrix) for gate in twin.gates)
    if biased:
        like = weight.new_zeros(twin.size)
        pairs = [_divided(gate, bias is not None, _first_name(twin)) for gate in twin.gates]
        found += [_vector(sums, {**vectors, "": bias}, like) for sums in zip(*pairs, strict=True)]
    if twin.projection:
        matrix = operands[twin.projection]
        found.append(matrix.mT if twin.turned else matrix)
    return found, biased


def _is_there(*sums: Sum) -> bool:
    return any(each.vectors or each.number for each in sums)


def _first_name(twin: Twin) -> str:
    """The vector that is best the bias of the input, where the input has none: as the last gate of a GRU has it."""
    last = twin.gates[-1]
    return next((rows.name for rows in last.beside_x.vectors or last.beside_matrix.vectors), "")


def _divided(gate: Gate, biased: bool, first: str) -> tuple[Sum, Sum]:
    """What the two biases of a gate are the sums of."""
    if biased or gate.beside_x.vectors or len(gate.beside_matrix.vectors) != 2:
        own = (gate.x,) if biased else ()
        return Sum((*own, *gate.beside_x.vectors), gate.beside_x.number), gate.beside_matrix
    ours = sorted(gate.beside_matrix.vectors, key=lambda rows: rows.name != first)
    return Sum((ours[0],)), Sum((ours[1],), gate.beside_matrix.number)


def _matrix(rows: Sequence[Rows], size: int, given: Mapping[str, Tensor]) -> Tensor:
    """Rows of matrices under each other."""
    if _follow(rows, size):
        whole = given[rows[0].name]
        return _part(whole.mT if rows[0].transposed else whole, rows[0].first, size * len(rows))
    return torch.cat([_scaled(given[r.name].mT if r.transposed else given[r.name], r, size) for r in rows])


def _vector(sums: Sequence[Sum], given: Mapping[str, Tensor | None], like: Tensor) -> Tensor:
    """A vector of sums of vectors; ``like`` is one of zeros for each of them."""
    size = len(like)
    if all(len(each.vectors) == 1 and not each.number for each in sums):
        rows = [each.vectors[0] for each in sums]
        whole = given[rows[0].name]
        if _follow(rows, size) and whole is not None:
            return _part(whole, rows[0].first, size * len(rows))
    return torch.cat([_summed(each, given, like) for each in sums])


def _summed(each: Sum, given: Mapping[str, Tensor | None], like: Tensor) -> Tensor:
    found = like
    for rows in each.vectors:
        whole = given[rows.name]
        assert whole is not None
        found = found + _scaled(whole, rows, len(like))
    return found + each.number


def _follow(rows: Sequence[Rows], size: int) -> bool:
    """Whether rows stand behind each other in one tensor, and are taken as they are."""
    return all(r.scale == 1 and r.name == rows[0].name and r.transposed == rows[0].transposed for r in rows) and all(
        b.first - a.first == size for a, b in pairwise(rows)
    )


def _part(whole: Tensor, first: int, rows: int) -> Tensor:
    return whole if first == 0 and len(whole) == rows else whole[first : first + rows]


def _scaled(whole: Tensor, rows: Rows, size: int) -> Tensor:
    part = _part(whole, rows.first, size)
    return part if rows.scale == 1 else part * rows.scale
