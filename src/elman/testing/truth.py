"""What a recurrence must give: each row alone, cut to its length and into segments, one step after another."""

from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import NamedTuple

import torch
from torch import Tensor

from elman.cells.recurrence import Recurrence


class Truth(NamedTuple):
    """What a run must give."""

    outputs: Tensor  # [B, T, O]
    final: tuple[Tensor, ...]  # each [B, S]
    states: tuple[Tensor, ...]  # each [B, T, S]


def truth(
    cell: Recurrence,
    x: Tensor,
    state: tuple[Tensor, ...],
    *,
    lengths: Tensor | None = None,
    resets: Tensor | None = None,
    reverse: bool = False,
    extras: Mapping[str, Tensor] | None = None,
) -> Truth:
    """Run a cell as plainly as can be: each row alone, cut to its length and into segments, one step after another."""
    batch, time = x.shape[:2]
    initial = cell.initial_state(1)
    outputs = [[x.new_zeros(cell.output_size)] * time for _ in range(batch)]
    states = [[tuple(part[b] for part in state)] * time for b in range(batch)]
    finals = []
    for b in range(batch):
        row = tuple(part[b : b + 1] for part in state)
        length = time if lengths is None else int(lengths[b])
        for fresh, steps in _segments(length, None if resets is None else resets[b], reverse):
            row = initial if fresh else row
            for t in steps:
                now = {name: (v[b : b + 1, t] if v.dim() == 3 else v[b : b + 1]) for name, v in (extras or {}).items()}
                output, *new = cell.step(cell.project(x[b : b + 1, t]), *row, **now)
                row = tuple(new)
                outputs[b][t] = output[0]
                states[b][t] = tuple(part[0] for part in row)
        for t in () if reverse else range(length, time):
            states[b][t] = tuple(part[0] for part in row)
        finals.append(row)
    return Truth(
        torch.stack([torch.stack(row) for row in outputs]),
        tuple(torch.cat(parts) for parts in zip(*finals, strict=True)),
        tuple(
            torch.stack([torch.stack([now[k] for now in row]) for row in states]) for k in range(len(cell.state_sizes))
        ),
    )


def _segments(length: int, resets: Tensor | None, reverse: bool) -> Iterator[tuple[bool, list[int]]]:
    """The segments of a row in the order they are run, each with whether it starts from the initial state."""
    steps = list(range(length))
    cuts = [t for t in steps if resets is not None and resets[t]]
    edges = [0, *(t for t in cuts if t), length]
    segments = [steps[start:end] for start, end in pairwise(edges)]
    if reverse:
        segments = [list(reversed(segment)) for segment in reversed(segments)]
    for k, segment in enumerate(segments):
        # the first segment goes on from the state it is given, unless a reset stands before its own first step
        yield k > 0 or (not reverse and 0 in cuts), segment
