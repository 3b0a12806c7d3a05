"""The classic tasks of recurrent networks, from the papers that posed them, as endless streams of batches."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from dynamics import lorenz, mackey_glass
from numpy.random import Generator
from torch import Tensor

from elman.errors import ElmanError


class Batch(NamedTuple):
    """Sequences, and the answers that are wanted of them."""

    x: Tensor  # [B, T, I]
    asked: Tensor  # [B, T] bool: the N steps at which an answer is wanted, which are counted row by row
    target: Tensor  # the right answers: numbers [N, O], classes [N], or sets of classes [N, O]


class Classic(ABC):
    """A task that is made and not collected: what is given, what is asked, and what counts as an error.

    A model reads ``batch.x [B, T, inputs]`` and gives ``answers [N, outputs]``, one for each step of ``batch.asked``.

    Attributes:
        inputs: features of the input, ``I``.
        outputs: numbers that make an answer, ``O``.
        baseline: the error of answers that remember nothing.
        solved: the error below which the task counts as solved.

    Example:
        >>> task = Adding(length=50)
        >>> batch = next(task.batches(8, seed=0))
        >>> batch.x.shape, batch.target.shape
        (torch.Size([8, 50, 2]), torch.Size([8, 1]))
        >>> task.error(batch.target, batch)
        0.0
    """

    inputs: int
    outputs: int
    baseline: float
    solved: float

    def batches(self, batch_size: int, seed: int, held_out: bool = False) -> Iterator[Batch]:
        """Batches without end, the same ones for the same seed; those held out are others than those of training.

        Raises:
            ElmanError: a batch size below 1.
        """
        if batch_size < 1:
            raise ElmanError(f"batch_size must be at least 1, not {batch_size!r}")
        return self._draw(batch_size, np.random.default_rng([seed, held_out]), held_out)

    @abstractmethod
    def _draw(self, size: int, rng: Generator, held_out: bool) -> Iterator[Batch]: ...

    @abstractmethod
    def loss(self, answers: Tensor, batch: Batch) -> Tensor:
        """What training is to make small."""

    @abstractmethod
    def error(self, answers: Tensor, batch: Batch) -> float:
        """What the answers are judged by."""


@dataclass(frozen=True)
class Adding(Classic):
    """The adding problem (Hochreiter and Schmidhuber 1997), in the form of Le et al. (2015).

    Every step has a number, uniform in 0 to 1, and a mark, which is 1 at two steps, one in each half, and 0 at all
    others. At the end the sum of the two marked numbers is asked for. Error: the mean squared error; the mean, 1, has
    1/6.

    Args:
        length: steps, ``T``, at least 2.

    Raises:
        ElmanError: a length below 2.
    """

    length: int = 200
    inputs = 2
    outputs = 1
    baseline = 1 / 6
    solved = 0.01

    def __post_init__(self) -> None:
        _at_least("length", self.length, 2)

    def _draw(self, size: int, rng: Generator, held_out: bool) -> Iterator[Batch]:
        rows, half = np.arange(size), self.length // 2
        while True:
            x = np.zeros((size, self.length, 2), np.float32)
            x[..., 0] = rng.random((size, self.length), np.float32)
            first, second = rng.integers(half, size=size), rng.integers(half, self.length, size=size)
            x[rows, first, 1] = x[rows, second, 1] = 1
            target = x[rows, first, 0] + x[rows, second, 0]
            yield Batch(torch.from_numpy(x), _at_the_end(size, self.length), torch.from_numpy(target)[:, None])

    def loss(self, answers: Tensor, batch: Batch) -> Tensor:
        return F.mse_loss(answers, batch.target)

    def error(self, answers: Tensor, batch: Batch) -> float:
        return self.loss(answers, batch).item()


@dataclass(frozen=True)
class Copy(Classic):
    """The copy memory task (Hochreiter and Schmidhuber 1997), in the form of Arjovsky et al. (2016).

    Ten symbols out of eight, ``T - 1`` blanks, a delimiter, ten blanks: ``T + 20`` steps, as one-hot vectors of ten. At
    every step an answer is asked for: blanks, and from the delimiter's next step on the ten symbols in their order. The
    loss is the cross-entropy over all steps, which is ``10 ln 8 / (T + 20)`` for answers that remember nothing. Error:
    the share of the ten symbols that is wrong.

    Args:
        delay: steps between the last symbol and the first that is recalled, ``T``, at least 1.

    Raises:
        ElmanError: a delay below 1.
    """

    delay: int = 100
    inputs = 10
    outputs = 9
    baseline = 7 / 8
    solved = 0.01

    def __post_init__(self) -> None:
        _at_least("delay", self.delay, 1)

    def _draw(self, size: int, rng: Generator, held_out: bool) -> Iterator[Batch]:
        blank, delimiter, recalled = 8, 9, 10
        asked = torch.ones(size, self.delay + 2 * recalled, dtype=torch.bool)
        while True:
            symbols = rng.integers(8, size=(size, recalled))
            given = np.full(asked.shape, blank)
            given[:, :recalled] = symbols
            given[:, -recalled - 1] = delimiter
            target = np.full(asked.shape, blank)
            target[:, -recalled:] = symbols
            yield Batch(_one_hot(given, self.inputs), asked, torch.from_numpy(target).flatten())

    def loss(self, answers: Tensor, batch: Batch) -> Tensor:
        return F.cross_entropy(answers, batch.target)

    def error(self, answers: Tensor, batch: Batch) -> float:
        wrong = (answers.argmax(-1) != batch.target).view(batch.asked.shape)
        return wrong[:, -10:].float().mean().item()


@dataclass(frozen=True)
class TemporalOrder(Classic):
    """Temporal order (Hochreiter and Schmidhuber 1997, task 6a): which of two symbols came first, and which second.

    A sequence begins with ``E``, ends with ``B``, and has random ones of ``a b c d`` between them, but for two steps
    that are each ``X`` or ``Y``: one at ``L/10`` to ``2L/10``, one at ``5L/10`` to ``6L/10``. There are ``L`` to
    ``11L/10`` steps, then zeros. At the ``B`` one of four classes is asked for: ``XX XY YX YY``. Error: the share of
    sequences that is wrong.

    Args:
        length: ``L``, at least 10; the paper's is 100.

    Raises:
        ElmanError: a length below 10.
    """

    length: int = 100
    inputs = 8
    outputs = 4
    baseline = 3 / 4
    solved = 0.01

    def __post_init__(self) -> None:
        _at_least("length", self.length, 10)

    def _draw(self, size: int, rng: Generator, held_out: bool) -> Iterator[Batch]:
        rows, tenth = np.arange(size), self.length // 10
        time = np.arange(self.length + tenth)
        symbols = {name: index for index, name in enumerate("abcdEBXY")}
        while True:
            given = rng.integers(4, size=(size, len(time)))
            given[:, 0] = symbols["E"]
            last = self.length - 1 + rng.integers(tenth + 1, size=size)
            given[rows, last] = symbols["B"]
            found = rng.integers(2, size=(2, size))
            for place, which in zip((tenth, self.length // 2), found, strict=True):
                given[rows, place + rng.integers(tenth + 1, size=size)] = symbols["X"] + which
            x = _one_hot(given, self.inputs)
            x[torch.from_numpy(time > last[:, None])] = 0
            yield Batch(x, torch.from_numpy(time == last[:, None]), torch.from_numpy(2 * found[0] + found[1]))

    def loss(self, answers: Tensor, batch: Batch) -> Tensor:
        return F.cross_entropy(answers, batch.target)

    def error(self, answers: Tensor, batch: Batch) -> float:
        return _share_wrong(answers, batch)


@dataclass(frozen=True)
class Reber(Classic):
    """The embedded Reber grammar (Cleeremans et al. 1989; Hochreiter and Schmidhuber 1997): which symbols may follow.

    A string is ``B``, ``T`` or ``P``, a string of Reber's grammar, the same ``T`` or ``P`` again, and ``E``; wherever
    two symbols may follow, either does with equal chance. After every symbol but the last the set of those that may
    follow is asked for. Error: the share of strings in which at some step a symbol that may not follow has a higher
    score than one that may. Who knows the grammar and forgets the second symbol has half of the strings wrong.
    """

    inputs = 7
    outputs = 7
    baseline = 1 / 2
    solved = 0.01

    def _draw(self, size: int, rng: Generator, held_out: bool) -> Iterator[Batch]:
        symbol, follow, may_follow = _reber()
        start, end = 0, len(symbol) - 1
        while True:
            node, nodes, given = np.full(size, start), [], []
            while (node != end).any():
                coin = rng.integers(2, size=size)
                nodes.append(node)
                given.append(symbol[node, coin])
                node = follow[node, coin]
            x = _one_hot(np.stack(given[:-1], 1), self.inputs)
            after = np.stack(nodes[1:], 1)
            asked = torch.from_numpy(after != end)
            x[~asked] = 0
            yield Batch(x, asked, torch.from_numpy(may_follow[after])[asked])

    def loss(self, answers: Tensor, batch: Batch) -> Tensor:
        return F.binary_cross_entropy_with_logits(answers, batch.target)

    def error(self, answers: Tensor, batch: Batch) -> float:
        may = batch.target > 0
        least = answers.masked_fill(~may, torch.inf).amin(-1)
        wrong = answers.masked_fill(may, -torch.inf).amax(-1) >= least
        return torch.zeros(batch.asked.shape).masked_scatter(batch.asked, wrong.float()).amax(1).mean().item()


@dataclass(frozen=True)
class Digits(Classic):
    """Images of digits, 8x8, one pixel a step (Le et al. 2015 have larger ones); the class is asked for at the end.

    The images are scikit-learn's 1797, of which a fixed fifth is held out. Error: the share that is wrong.

    Args:
        permuted: whether the pixels come in another order, a random one that is the same for all images, so that those
            near to each other are no longer near in time.
    """

    permuted: bool = False
    inputs = 1
    outputs = 10
    baseline = 0.9
    solved = 0.03

    def _draw(self, size: int, rng: Generator, held_out: bool) -> Iterator[Batch]:
        x, target = _digits(self.permuted, held_out)
        waiting = np.empty(0, np.int64)
        asked = _at_the_end(size, x.shape[1])
        while True:
            while len(waiting) < size:
                waiting = np.concatenate((waiting, rng.permutation(len(x))))
            now, waiting = torch.from_numpy(waiting[:size]), waiting[size:]
            yield Batch(x[now], asked, target[now])

    def loss(self, answers: Tensor, batch: Batch) -> Tensor:
        return F.cross_entropy(answers, batch.target)

    def error(self, answers: Tensor, batch: Batch) -> float:
        return _share_wrong(answers, batch)


@dataclass(frozen=True)
class Forecast(Classic):
    """Forecasts of a chaotic series: at every step of a window's second half, the value some steps ahead.

    Training has trajectories of its own, and so have the windows held out. Error: the root of the mean squared error of
    standardised values, so that the mean has 1.

    Args:
        series: gives standardised trajectories, ``[N, samples]``: ``mackey_glass_series`` or ``lorenz_series``.
        ahead: steps from the last value that is seen to the one that is asked for, at least 1.
        length: steps of a window, ``T``, at least 2.

    Raises:
        ElmanError: a number below its least.

    Example:
        >>> batch = next(Forecast(mackey_glass_series, ahead=15, length=100).batches(8, seed=0))
        >>> batch.x.shape, batch.target.shape
        (torch.Size([8, 100, 1]), torch.Size([400, 1]))
    """

    series: Callable[[], np.ndarray]
    ahead: int
    length: int = 200
    inputs = 1
    outputs = 1
    baseline = 1.0
    solved = 0.02

    def __post_init__(self) -> None:
        _at_least("ahead", self.ahead, 1)
        _at_least("length", self.length, 2)

    def _draw(self, size: int, rng: Generator, held_out: bool) -> Iterator[Batch]:
        values = self.series()
        known = len(values) * 3 // 4
        values = values[known:] if held_out else values[:known]
        window = np.arange(self.length + self.ahead)
        asked = torch.zeros(size, self.length, dtype=torch.bool)
        asked[:, self.length // 2 :] = True
        while True:
            rows = rng.integers(len(values), size=(size, 1))
            starts = rng.integers(values.shape[1] - len(window) + 1, size=(size, 1))
            cut = torch.from_numpy(values[rows, starts + window])
            yield Batch(cut[:, : self.length, None], asked, cut[:, self.ahead :][asked][:, None])

    def loss(self, answers: Tensor, batch: Batch) -> Tensor:
        return F.mse_loss(answers, batch.target)

    def error(self, answers: Tensor, batch: Batch) -> float:
        return self.loss(answers, batch).sqrt().item()


@cache
def mackey_glass_series() -> np.ndarray:
    """64 trajectories of the Mackey-Glass equation, 1000 samples each, standardised, float32 ``[64, 1000]``."""
    start = np.random.default_rng(0).uniform(0.5, 1.5, 64)
    return _standardised(mackey_glass(start, 1300)[:, 300:])


@cache
def lorenz_series() -> np.ndarray:
    """The first coordinate of 64 trajectories of Lorenz's equations, 1000 samples each, standardised, float32."""
    start = np.random.default_rng(0).normal((0, 0, 25), 5, (64, 3))
    return _standardised(lorenz(start, 1200)[:, 200:, 0])


@cache
def _reber() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The embedded grammar: the two arcs of every node (one twice where there is one), and what may follow there.

    Returns:
        The arcs' symbols ``[nodes, 2]``, the nodes they lead to ``[nodes, 2]``, and sets of symbols ``[nodes, 7]``. The
        first node is the start, and the last one the end.
    """
    inner = "0B1 1T2 1P3 2S2 2X4 3T3 3V5 4X3 4S6 5P4 5V6 6E7".split()
    outer = ("start B first", "first T T0", "first P P0", "T7 T last", "P7 P last", "last E end")
    arcs = [tuple(arc.split()) for arc in outer]
    arcs += [(tag + begin, symbol, tag + end) for tag in "TP" for begin, symbol, end in inner]
    nodes = ["start", *sorted({begin for begin, _, _ in arcs} - {"start"}), "end"]
    symbol, follow = np.zeros((2, len(nodes), 2), np.int64)
    follow[-1] = len(nodes) - 1
    may_follow = np.zeros((len(nodes), 7), np.float32)
    for node, name in enumerate(nodes[:-1]):
        own = [("BTSXPVE".index(mark), nodes.index(end)) for begin, mark, end in arcs if begin == name]
        for choice in range(2):
            symbol[node, choice], follow[node, choice] = own[choice % len(own)]
        may_follow[node, symbol[node]] = 1
    return symbol, follow, may_follow


@cache
def _digits(permuted: bool, held_out: bool) -> tuple[Tensor, Tensor]:
    """Images ``[N, 64, 1]`` of 0 to 1, and their classes ``[N]``."""
    from sklearn.datasets import load_digits

    pixels, classes = load_digits(return_X_y=True)
    rng = np.random.default_rng(0)
    order, own = rng.permutation(pixels.shape[1]), rng.permutation(len(pixels))
    count = len(pixels) // 5
    own = own[:count] if held_out else own[count:]
    x = (pixels[:, order] if permuted else pixels)[own, :, None] / 16
    return torch.from_numpy(x.astype(np.float32)), torch.from_numpy(classes[own])


def _at_least(name: str, value: int, least: int) -> None:
    if value < least:
        raise ElmanError(f"{name} must be at least {least}, not {value!r}")


def _at_the_end(size: int, length: int) -> Tensor:
    asked = torch.zeros(size, length, dtype=torch.bool)
    asked[:, -1] = True
    return asked


def _one_hot(symbols: np.ndarray, count: int) -> Tensor:
    return torch.from_numpy(np.eye(count, dtype=np.float32)[symbols])


def _share_wrong(answers: Tensor, batch: Batch) -> float:
    return (answers.argmax(-1) != batch.target).float().mean().item()


def _standardised(series: np.ndarray) -> np.ndarray:
    return ((series - series.mean()) / series.std()).astype(np.float32)
