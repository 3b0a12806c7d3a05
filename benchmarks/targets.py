"""What Elman is to reach on a machine of two cores with AVX-512, and whether a run did."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from timing import geometric_mean

from elman.compiler.executors.llvm.host import host

Figure = dict[str, Any]
Figures = Sequence[Figure]


@dataclass(frozen=True)
class Target:
    """A bound on one number that is made from a run's figures."""

    what: str
    least: bool  # whether the bound is the least that is enough, or the most that is allowed
    bound: float
    value: Callable[[Figures], Iterable[float]]
    together: Callable[[Iterable[float]], float] | None = None  # how many become one; the worst where not given

    def judge(self, figures: Figures) -> Figure:
        """The target with what was reached; ``reached`` is None where nothing of it was measured."""
        values = list(self.value(figures))
        if not values:
            value = reached = None
        else:
            value = (self.together or (min if self.least else max))(values)
            reached = value >= self.bound if self.least else value <= self.bound
        sense = "at least" if self.least else "at most"
        return {"target": self.what, "bound": f"{sense} {self.bound:g}", "value": value, "reached": reached}


def of(section: str, column: str, **only: Any) -> Callable[[Figures], list[float]]:
    """One column of a section, of the rows that have these values; a function stands for a condition on one."""

    def fits(row: Figure) -> bool:
        return all(want(row[key]) if callable(want) else row[key] == want for key, want in only.items())

    return lambda figures: [row[column] for row in figures if row["section"] == section and fits(row)]


def _simple(cell: str) -> bool:
    return cell in ("gru", "rnn")


TARGETS = [
    Target(
        "GRU and RNN training against torch.nn, geometric mean",
        True,
        3.5,
        of("training", "torch/elman", cell=_simple),
        geometric_mean,
    ),
    Target(
        "the same at B=1 and H up to 128, the worst",
        True,
        15,
        of("training", "torch/elman", cell=_simple, B=1, H=lambda h: h <= 128),
    ),
    Target(
        "LSTM training against torch.nn, geometric mean",
        True,
        1.5,
        of("training", "torch/elman", cell="lstm"),
        geometric_mean,
    ),
    Target("the same, the worst", True, 1.0, of("training", "torch/elman", cell="lstm")),
    Target(
        "inference against the better of torch.nn and ONNX Runtime, geometric mean",
        True,
        1.4,
        of("inference", "best/elman"),
        geometric_mean,
    ),
    Target("the same, the worst", True, 1.0, of("inference", "best/elman")),
    Target(
        "training at B of 16 and more and H of 256 and more, share of the peak, the worst",
        True,
        0.8,
        of("training", "share of peak", B=lambda b: b >= 16, H=lambda h: h >= 256),
    ),
    Target(
        "inference of an LSTM, 100x1x32, against ONNX Runtime",
        True,
        1.0,
        of("inference", "onnx/elman", cell="lstm", T=100, B=1, H=32),
    ),
    Target(
        "training of a GRU, 100x1x32, against JAX",
        True,
        1.3,
        of("training", "jax/elman", cell="gru", threads=host().cores, T=100, B=1, H=32),
    ),
    Target(
        "LSTM training under autocast to bfloat16 against torch.nn, geometric mean",
        True,
        1.3,
        of("autocast", "torch/elman"),
        geometric_mean,
    ),
    Target("the same at 100x64x512, against ours in float32", True, 1.5, of("autocast", "float32/elman", B=64, H=512)),
    Target("training a language model around an LSTM, against torch.nn", True, 1.0, of("language", "torch/elman")),
    Target("layer-norm LSTM training against its Python loop", True, 12, of("custom", "loop/elman")),
    Target("any cell's training against its Python loop, the worst", True, 5, of("family", "loop/elman")),
    Target("an adopted module's training against its users' loop, the worst", True, 6, of("adopted", "loop/elman")),
    *(
        Target(f"{what} of an sLSTM of 8 heads, against one head", True, least, of("heads", column, heads=8))
        for what, least, column in (
            ("inference", 1.6, "inference, one head's/its"),
            ("training", 1.5, "training, one head's/its"),
        )
    ),
    *(
        Target(f"one step of an LSTM of {hidden} from Python, us", False, most, of("step", "elman us", H=hidden))
        for hidden, most in ((32, 5), (128, 8), (512, 90))
    ),
    *(
        Target(
            f"one call of one step of {kind}, against torch.nn, the worst",
            True,
            least,
            of("call", "torch/elman", cell=cell),
        )
        for kind, cell, least in (("an LSTM", "lstm", 2.5), ("a GRU", "gru", 1.5), ("an RNN", "rnn", 1.5))
    ),
    Target("a new layer and its first call, in times of torch.nn's, the worst", False, 2, of("new", "elman/torch")),
    Target("kept by an LSTM in mode fast, floats a step, row and unit", False, 6, of("memory", "fast", cell="lstm")),
    Target("the same in mode lean", False, 1.3, of("memory", "lean", cell="lstm")),
    Target("time of mode lean, in times of fast", False, 1.4, of("memory", "lean/fast", cell="lstm")),
    Target("time with 60 % of the steps valid, in times of all", False, 0.68, of("ragged", "ragged/padded")),
    Target("double backward of an LSTM, in first-order steps", False, 6, of("double", "second/first")),
]
