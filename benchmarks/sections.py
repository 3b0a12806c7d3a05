"""What is measured, section by section. Each gives rows of figures, on the threads that PyTorch has now."""

import copy
import itertools
import sys
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import torch
from contenders import (
    KINDS,
    CharacterModel,
    Saving,
    in_a_loop,
    inference,
    inputs,
    named,
    outputs_of,
    refuse,
    refuse_cell,
    results,
    training_step,
    twins,
)
from grid import inference_of_layers, training_of_layers, under_autocast
from memory import floats_kept
from scale import MICRO, Scale, row
from targets import Figure
from timing import Timings, compare
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

import elman
from elman import cells
from elman.cells import Cell
from elman.cells.slstm import SLSTMCell

SMALL = 128  # units up to which a call's own cost counts
HEADS = (1, 4, 8)


class Missing(Exception):
    """What would be measured is not in this version."""


def language_model(scale: Scale) -> Iterator[Figure]:
    """A whole step of training a model of characters, against the same model around torch.nn.LSTM."""
    size = scale.text
    texts = torch.randint(CharacterModel.CHARACTERS, (size.time + 1, size.batch))
    models = {name: CharacterModel(layer) for name, layer in named(*twins("lstm", size.hidden))}
    refuse(f"lstm {size}, a language model", *(model.gradients(texts) for model in models.values()))
    timings = compare({name: model.training_step(texts) for name, model in models.items()}, scale.effort)
    count = size.time * size.batch
    yield row("lstm", size) | {
        "elman characters/s": count / timings.seconds("elman"),
        "torch characters/s": count / timings.seconds("torch"),
        "torch/elman": timings.ratio("torch", "elman"),
    }


def custom_cell(scale: Scale) -> Iterator[Figure]:
    """A cell that torch.nn does not have, against its own Python loop."""
    yield _against_loop("lstm_layer_norm", scale)


def family_of_cells(scale: Scale) -> Iterator[Figure]:
    """Every cell against its own Python loop."""
    for name in cells.names():
        yield _against_loop(name, scale)


def adopted_modules(scale: Scale) -> Iterator[Figure]:
    """Published recurrences as their users write them, by elman.adopt against their users' own loop."""
    sys.path.append(str(Path(__file__).parents[1]))
    try:
        from tests.cells.adopted import PUBLISHED
    finally:
        sys.path.pop()
    time, batch, hidden = size = scale.cell
    features = max(1, hidden // 4)
    xs = inputs((batch, time, features))
    for name, published in PUBLISHED.items():
        torch.manual_seed(0)
        cell = published.make(features, hidden)
        recurrence = elman.adopt(cell, **published.options(hidden))

        def loop(x: Tensor, cell: nn.Module = cell, published: Any = published) -> tuple[Tensor, Any]:
            return published.loop(cell, x, tuple(x.new_zeros(len(x), size) for size in published.sizes(hidden)))

        fine = copy.deepcopy(cell).double()
        truth = results(fine, xs[0].detach().double().requires_grad_(), partial(loop, cell=fine))
        refuse(f"adopted {name}, {size}", results(recurrence, xs[0]), truth, results(cell, xs[0], loop))
        work = {
            "elman": training_step(cell, xs, outputs_of(recurrence)),
            "loop": training_step(cell, xs, lambda x, loop=loop: loop(x)[0]),
        }
        timings = compare(work, scale.effort)
        yield row(name, size) | {
            "elman us": MICRO * timings.seconds("elman") / time,
            "loop us": MICRO * timings.seconds("loop") / time,
            "loop/elman": timings.ratio("loop", "elman"),
        }


def heads(scale: Scale) -> Iterator[Figure]:
    """An sLSTM of several heads against one of a single head, whose recurrent matrices are as many times larger."""
    time, batch, hidden = size = scale.heads
    xs = inputs((batch, time, hidden))
    by_count = {count: SLSTMCell(hidden, hidden, heads=count) for count in HEADS}
    for cell in by_count.values():
        refuse_cell(cell, xs[0][:2], {})
    forward = compare({str(n): inference(xs, cell) for n, cell in by_count.items()}, scale.effort)
    both = compare({str(n): training_step(cell, xs, outputs_of(cell)) for n, cell in by_count.items()}, scale.effort)
    for count in HEADS:
        found: Figure = row("slstm", size) | {"heads": count}
        for name, timings in (("inference", forward), ("training", both)):
            found |= {
                f"{name} us": MICRO * timings.seconds(str(count)) / time,
                f"{name}, one head's/its": timings.ratio("1", str(count)),
            }
        yield found


def ragged_batches(scale: Scale) -> Iterator[Figure]:
    """Training with 60 % of the steps valid, against the same without lengths, and torch.nn with packed sequences."""
    time, batch, hidden = size = scale.sequences
    xs = inputs(size)
    lengths = torch.linspace(0.2 * time, time, batch).round().long()[torch.randperm(batch)]

    for kind in KINDS:
        ours, theirs = twins(kind, hidden)

        def packed(x: Tensor, theirs: nn.Module = theirs) -> tuple[Tensor, Any]:
            outputs, last = theirs(pack_padded_sequence(x, lengths, enforce_sorted=False))
            return pad_packed_sequence(outputs, total_length=time)[0], last

        ragged = results(ours, xs[0], lambda x, ours=ours: ours(x, lengths=lengths))
        refuse(f"{kind} {size}, ragged", ragged, results(theirs, xs[0], packed))
        timings = compare(
            {
                "ragged": training_step(ours, xs, outputs_of(ours, lengths=lengths)),
                "padded": training_step(ours, xs, outputs_of(ours)),
                "packed": training_step(theirs, xs, lambda x, packed=packed: packed(x)[0]),
            },
            scale.effort,
        )
        yield row(kind, size) | {
            "valid": float(lengths.sum()) / (time * batch),
            "ragged/padded": timings.ratio("ragged", "padded"),
            "torch packed/ragged": timings.ratio("packed", "ragged"),
        }


def memory_kept(scale: Scale) -> Iterator[Figure]:
    """Floats kept for the backward pass for each step, row and unit, and the time of the mode that keeps few."""
    size = scale.sequences
    xs = inputs(size)
    for kind in KINDS:
        ours, theirs = twins(kind, size.hidden)
        kept, work = {"torch": floats_kept(theirs, xs[0])}, {}
        for mode in ("fast", "lean"):
            saving = Saving(ours, mode)
            found = {name.replace("layer.", ""): value for name, value in results(saving, xs[0]).items()}
            refuse(f"{kind} {size}, saving {mode}", found, results(theirs, xs[0]))
            kept[mode] = floats_kept(saving, xs[0])
            work[mode] = training_step(saving, xs, outputs_of(saving))
        timings = compare(work, scale.effort)
        yield row(kind, size) | kept | {"lean/fast": timings.ratio("lean", "fast")}


def double_backward(scale: Scale) -> Iterator[Figure]:
    """A gradient of a gradient, against a step that only takes the first."""
    size = scale.sequences
    ours, theirs = twins("lstm", size.hidden)
    xs = inputs(size)
    refuse(f"lstm {size}, double backward", _second_order(ours, xs[0]), _second_order(theirs, xs[0]))
    work: dict[str, Callable[[], object]] = {}
    for name, layer in named(ours, theirs):
        work[f"{name} first"] = training_step(layer, xs, outputs_of(layer))
        work[f"{name} second"] = lambda layer=layer: _second_order(layer, xs[0])
    timings = compare(work, scale.effort)
    yield row("lstm", size) | {
        "second/first": timings.ratio("elman second", "elman first"),
        "torch second/first": timings.ratio("torch second", "torch first"),
        "torch/elman": timings.ratio("torch second", "elman second"),
    }


def one_step(scale: Scale) -> Iterator[Figure]:
    """One step of one sequence, called from Python, with the state carried on; on one thread but for ``small``."""
    if not hasattr(elman, "Stepper"):
        raise Missing("elman.Stepper")
    for hidden in scale.steps:
        ours, theirs = twins("lstm", hidden)
        cell = nn.LSTMCell(hidden, hidden)
        cell.load_state_dict({name.removesuffix("_l0"): value for name, value in theirs.state_dict().items()})
        x = inputs((1, hidden), 1)[0].detach()
        with torch.inference_mode():
            stepper, small = elman.Stepper(ours, 1), elman.Stepper(ours, 1, weights=torch.bfloat16, threads=2)
            for run, layer in ((stepper, theirs), (small, _rounded(theirs))):
                truth, _ = layer(x.expand(5, 1, hidden))
                steps = torch.stack([run.step(x).clone() for _ in range(5)])
                refuse(f"lstm of {hidden}, one step", {"the outputs": steps}, {"the outputs": truth})
            timings = compare(
                {
                    "elman": lambda stepper=stepper, x=x: stepper.step(x),
                    "small": lambda small=small, x=x: small.step(x),
                    "cell": _carried(lambda x, state, cell=cell: (cell(x, state),) * 2, x),
                    "layer": _carried(theirs, x[None]),
                },
                scale.effort,
            )
        yield {
            "cell": "lstm",
            "H": hidden,
            "elman us": MICRO * timings.seconds("elman"),
            "small us": MICRO * timings.seconds("small"),
            "LSTMCell us": MICRO * timings.seconds("cell"),
            "nn.LSTM us": MICRO * timings.seconds("layer"),
            "LSTMCell/elman": timings.ratio("cell", "elman"),
            "nn.LSTM/elman": timings.ratio("layer", "elman"),
        }


def _of_both(kind: str, hidden: int, timings: Timings) -> Figure:
    return {
        "cell": kind,
        "H": hidden,
        "elman us": MICRO * timings.seconds("elman"),
        "torch us": MICRO * timings.seconds("torch"),
    }


def calls_of_one_step(scale: Scale) -> Iterator[Figure]:
    """One call of one step of one sequence, forward, against torch.nn, from zeros and with the state carried on."""
    for kind in KINDS:
        for hidden in (hidden for hidden in scale.steps if hidden <= SMALL):
            ours, theirs = twins(kind, hidden)
            xs = inputs((1, 1, hidden))
            with torch.no_grad():
                refuse(f"{kind} of {hidden}, one step", *({"the outputs": layer(xs[0])[0]} for layer in (ours, theirs)))
                both = named(ours, theirs)
                work = {name: inference(xs, layer) for name, layer in both}
                carried = {f"{name} carried": _carried(layer, xs[0].detach()) for name, layer in both}
                timings = compare({**work, **carried}, scale.effort)
            yield {
                **_of_both(kind, hidden, timings),
                "torch/elman": timings.ratio("torch", "elman"),
                "carried": timings.ratio("torch carried", "elman carried"),
            }


def new_modules(scale: Scale) -> Iterator[Figure]:
    """A new layer and its first call, over ten steps of two sequences: of sizes seen before, and of others."""
    for kind, made in KINDS.items():
        for hidden in (hidden for hidden in scale.steps if hidden <= SMALL):
            xs, sizes = inputs((10, 2, hidden)), itertools.count(hidden + 1)

            def again(make: Callable[[int, int], nn.Module], xs: list[Tensor] = xs, hidden: int = hidden) -> object:
                return make(hidden, hidden)(xs[0])

            def other(make: Callable[[int, int], nn.Module], sizes: Iterator[int] = sizes, x: Tensor = xs[0]) -> object:
                return make(x.shape[2], next(sizes))(x)

            timings = compare(
                {
                    f"{name}{what}": partial(run, make)
                    for name, make in (("elman", made.ours), ("torch", made.theirs))
                    for what, run in (("", again), (" other", other))
                },
                scale.effort,
            )
            yield {
                **_of_both(kind, hidden, timings),
                "elman/torch": timings.ratio("elman", "torch"),
                "other sizes": timings.ratio("elman other", "torch other"),
            }


SECTIONS: Mapping[str, Callable[[Scale], Iterator[Figure]]] = {
    "training": training_of_layers,
    "inference": inference_of_layers,
    "autocast": under_autocast,
    "language": language_model,
    "custom": custom_cell,
    "family": family_of_cells,
    "adopted": adopted_modules,
    "heads": heads,
    "ragged": ragged_batches,
    "memory": memory_kept,
    "double": double_backward,
    "step": one_step,
    "call": calls_of_one_step,
    "new": new_modules,
}


def _against_loop(name: str, scale: Scale) -> Figure:
    torch.manual_seed(0)
    time, batch, hidden = size = scale.cell
    cell: Cell = cells.load(name)(hidden, hidden)
    xs = inputs((batch, time, hidden))
    extras = {key: torch.rand(batch, time, cell.extra_sizes.get(key, 1)) + 0.1 for key in cell.extra_inputs}
    refuse_cell(cell, xs[0], extras)
    work = {
        "elman": training_step(cell, xs, outputs_of(cell, **extras)),
        "loop": training_step(cell, xs, in_a_loop(cell, **extras)),
    }
    timings = compare(work, scale.effort)
    return row(name, size) | {
        "elman us": MICRO * timings.seconds("elman") / time,
        "loop us": MICRO * timings.seconds("loop") / time,
        "loop/elman": timings.ratio("loop", "elman"),
    }


def _second_order(layer: nn.Module, x: Tensor) -> dict[str, Tensor]:
    """The gradients of the squared gradient of the input, as a penalty on it asks for."""
    outputs, _ = layer(x)
    (grad,) = torch.autograd.grad(outputs.sum(), x, create_graph=True)
    leaves = {"the input": x, **dict(layer.named_parameters())}
    grads = torch.autograd.grad(grad.square().sum(), list(leaves.values()))
    return {f"the second gradient of {name}": value for name, value in zip(leaves, grads, strict=True)}


def _rounded(layer: nn.Module) -> nn.Module:
    """The same layer with matrices that bfloat16 holds."""
    layer = copy.deepcopy(layer)
    with torch.no_grad():
        for name, parameter in layer.named_parameters():
            if name.startswith("weight"):
                parameter.copy_(parameter.bfloat16())
    return layer


def _carried(step: Callable[[Tensor, Any], Any], x: Tensor) -> Callable[[], object]:
    """A step whose state, the second of its results, goes into the next one."""
    state: Any = None

    def work() -> object:
        nonlocal state
        outputs, state = step(x, state)
        return outputs

    return work
