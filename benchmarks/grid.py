"""What is measured at every size of the grid: training, inference, and training in sixteen bits."""

from collections.abc import Callable, Iterator

import torch
from by_jax import InJax
from contenders import (
    KINDS,
    Session,
    Size,
    gradients_of_sum,
    in_bfloat16,
    inference,
    inputs,
    named,
    outputs_of,
    refuse,
    results,
    training_step,
    twins,
)
from scale import MICRO, Scale, row
from targets import Figure
from timing import compare
from torch import Tensor, nn

from elman.compiler.executors.llvm.host import host
from elman.compiler.executors.llvm.peak import peak

PAUSE = 0.02  # seconds after which the threads of ONNX Runtime, of JAX and of OpenMP have stopped spinning


def training_of_layers(scale: Scale) -> Iterator[Figure]:
    """Forward and backward against torch.nn and JAX, and against the machine's peak."""
    most = peak(torch.get_num_threads())
    for kind, size in _grid(scale):
        ours, theirs = twins(kind, size.hidden)
        xs = inputs(size)
        refuse(f"{kind} {size}, training", results(ours, xs[0]), results(theirs, xs[0]))
        work = {name: training_step(layer, xs, outputs_of(layer)) for name, layer in named(ours, theirs)}
        if jax := _in_jax(kind, theirs, xs):
            refuse(f"{kind} {size}, training by JAX", jax.gradients(xs[0]), gradients_of_sum(theirs, xs[0]))
            work["jax"] = jax.training_step
        timings = compare({**work, "peak": most.work}, scale.effort, _pause())
        # two products forward and four backward, of as many features as units
        operations = 12 * KINDS[kind].gates * size.time * size.batch * size.hidden**2
        speed = timings.ratio("peak", "elman") * operations / most.operations
        yield row(kind, size) | {
            "elman us": MICRO * timings.seconds("elman") / size.time,
            "torch us": MICRO * timings.seconds("torch") / size.time,
            "torch/elman": timings.ratio("torch", "elman"),
            **({"jax/elman": timings.ratio("jax", "elman")} if jax else {}),
            "GF/s": operations / timings.seconds("elman") / 1e9,
            "share of peak": speed,
        }


def inference_of_layers(scale: Scale) -> Iterator[Figure]:
    """Forward against torch.nn, ONNX Runtime and JAX."""
    for kind, size in _grid(scale):
        ours, theirs = twins(kind, size.hidden)
        xs = inputs(size)
        session = Session(kind, theirs, xs)
        with torch.inference_mode():
            truth, (outputs, _) = theirs(xs[0])[0], ours(xs[0])
        what = f"{kind} {size}, inference"
        refuse(what, {"the outputs": outputs}, {"the outputs": truth})
        refuse(f"{what} by ONNX Runtime", {"the outputs": session.outputs(xs[0])}, {"the outputs": truth})
        work: dict[str, Callable[[], object]] = {name: inference(xs, layer) for name, layer in named(ours, theirs)}
        work["onnx"] = session
        if jax := _in_jax(kind, theirs, xs):
            refuse(f"{what} by JAX", {"the outputs": jax.outputs(xs[0])}, {"the outputs": truth})
            work["jax"] = jax.inference
        timings = compare(work, scale.effort, _pause())
        torch_ratio, onnx_ratio = timings.ratio("torch", "elman"), timings.ratio("onnx", "elman")
        yield row(kind, size) | {
            "elman us": MICRO * timings.seconds("elman") / size.time,
            "torch us": MICRO * timings.seconds("torch") / size.time,
            "onnx us": MICRO * timings.seconds("onnx") / size.time,
            "torch/elman": torch_ratio,
            "onnx/elman": onnx_ratio,
            **({"jax/elman": timings.ratio("jax", "elman")} if jax else {}),
            "best/elman": min(torch_ratio, onnx_ratio),
        }


def under_autocast(scale: Scale) -> Iterator[Figure]:
    """Training of an LSTM under autocast to bfloat16, against torch.nn under the same, and ours in float32."""
    for size in scale.grid:
        ours, theirs = twins("lstm", size.hidden)
        xs = inputs(size)
        small, rough = (results(each, xs[0], in_bfloat16(each)) for each in (ours, theirs))
        refuse(f"lstm {size}, under autocast", small, results(theirs, xs[0]), rough)
        work = {
            "elman": training_step(ours, xs, outputs_of(in_bfloat16(ours))),
            "torch": training_step(theirs, xs, outputs_of(in_bfloat16(theirs))),
            "float32": training_step(ours, xs, outputs_of(ours)),
        }
        timings = compare(work, scale.effort, _pause())
        yield row("lstm", size) | {
            "elman us": MICRO * timings.seconds("elman") / size.time,
            "torch us": MICRO * timings.seconds("torch") / size.time,
            "torch/elman": timings.ratio("torch", "elman"),
            "float32/elman": timings.ratio("float32", "elman"),
        }


def _pause() -> float:
    return PAUSE if torch.get_num_threads() > 1 else 0.0


def _in_jax(kind: str, layer: nn.Module, xs: list[Tensor]) -> InJax | None:
    """A layer in JAX where PyTorch has as many threads as JAX takes: one for each core."""
    return InJax(kind, layer, xs) if torch.get_num_threads() == host().cores else None


def _grid(scale: Scale) -> Iterator[tuple[str, Size]]:
    return ((kind, size) for kind in KINDS for size in scale.grid)
