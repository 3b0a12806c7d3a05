"""What holds for every drop-in: it is its torch.nn twin, in all that can be seen of it from outside."""

import inspect
import warnings
from typing import Any, NamedTuple, get_overloads

import pytest
import torch
from cases import FLAG, covering
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence, pack_padded_sequence

from elman.errors import ElmanError
from elman.layers import drop_in
from elman.testing import assert_close

DROP_INS = [value for value in vars(drop_in).values() if isinstance(value, type) and issubclass(value, drop_in.DropIn)]
DROP_INS.remove(drop_in.DropIn)
every_drop_in = pytest.mark.parametrize("ours", DROP_INS, ids=lambda value: value.__name__)


class Shape(NamedTuple):
    """A way to build a drop-in and its twin, and to call both."""

    ours: type[drop_in.DropIn]
    option: dict[str, Any]  # what only this one takes
    num_layers: int
    bidirectional: bool
    bias: bool
    batch_first: bool
    dtype: torch.dtype
    input: str  # batched, unbatched, packed, or packed unsorted
    hx: bool

    def __str__(self) -> str:
        flags = [name for name in ("bidirectional", "bias", "batch_first", "hx") if getattr(self, name)]
        option = [f"{name}={value}" for name, value in self.option.items()]
        dtype = str(self.dtype).removeprefix("torch.")
        return "-".join([self.ours.__name__, *option, f"L{self.num_layers}", dtype, self.input, *flags])


KINDS = [(ours, {}) for ours in DROP_INS] + [(drop_in.RNN, {"nonlinearity": "relu"}), (drop_in.LSTM, {"proj_size": 2})]
INPUTS = ("batched", "packed", "packed unsorted", "unbatched")
SHAPES = [
    Shape(*kind, *row)
    for kind in KINDS
    for row in covering((2, 1, 3), FLAG, FLAG, FLAG, (torch.float64, torch.float32), INPUTS, FLAG)
]


def twin(ours: type) -> Any:
    return getattr(nn, ours.__name__)


def build(shape: Shape) -> tuple[drop_in.DropIn, nn.RNNBase]:
    """Both from one seed: their parameters are to be the same to the last bit."""
    options = {**shape.option, "bidirectional": shape.bidirectional, "bias": shape.bias, "dtype": shape.dtype}
    modules = []
    makes: list[Any] = [shape.ours, twin(shape.ours)]
    for cls in makes:
        torch.manual_seed(3)
        modules.append(cls(3, 5, shape.num_layers, batch_first=shape.batch_first, **options))
    return modules[0], modules[1]


def inputs(shape: Shape, module: nn.RNNBase) -> tuple[Tensor | PackedSequence, Any, dict[str, Tensor]]:
    """The input, ``hx``, and the tensors in both that have a gradient."""
    batch, time = 4, 6
    lengths = torch.tensor([6, 4, 4, 1]) if shape.input == "packed" else torch.tensor([2, 6, 1, 6])
    size = (time, 3) if shape.input == "unbatched" else (batch, time, 3) if shape.batch_first else (time, batch, 3)
    x = torch.randn(size, dtype=shape.dtype, requires_grad=True)
    leaves = {"input": x}
    given: Any = x
    if shape.input.startswith("packed"):
        given = pack_padded_sequence(x, lengths, shape.batch_first, enforce_sorted=shape.input == "packed")
    hx = None
    if shape.hx:
        cells = shape.num_layers * (2 if shape.bidirectional else 1)
        sizes = [module.proj_size or module.hidden_size]
        if isinstance(module, nn.LSTM):
            sizes.append(module.hidden_size)
        row = (cells,) if shape.input == "unbatched" else (cells, batch)
        parts = tuple(torch.randn(*row, n, dtype=shape.dtype, requires_grad=True) for n in sizes)
        leaves.update({f"hx {k}": part for k, part in enumerate(parts)})
        (hx,) = parts if len(parts) == 1 else (parts,)
    return given, hx, leaves


def results(module: nn.Module, given: Any, hx: Any) -> dict[str, Tensor]:
    """All that a call gives, by name."""
    outputs, state = module(given, hx)
    states = {f"state {k}": part for k, part in enumerate((state,) if isinstance(state, Tensor) else state)}
    if not isinstance(given, PackedSequence):
        return {"output": outputs, **states}
    assert isinstance(outputs, PackedSequence)
    packed = {name: value for name, value in outputs._asdict().items() if value is not None}
    return {**packed, **states}


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.filterwarnings("ignore:LSTM with projections is not supported with oneDNN:UserWarning")  # of the twin
def test_gives_what_its_twin_gives_with_every_gradient(shape: Shape) -> None:
    ours, theirs = build(shape)
    given, hx, leaves = inputs(shape, theirs)
    gradients = []
    all_results = []
    for module in (ours, theirs):
        found = results(module, given, hx)
        parts = [(value * value.cos()).sum() for value in found.values() if value.is_floating_point()]
        loss = torch.stack(parts).sum()
        every = {**leaves, **dict(module.named_parameters())}
        grads = torch.autograd.grad(loss, list(every.values()), retain_graph=True)
        gradients.append(dict(zip(every, grads, strict=True)))
        all_results.append(found)
    assert list(all_results[0]) == list(all_results[1])
    for name, value in all_results[1].items():
        if value.is_floating_point():
            assert_close(all_results[0][name], value, name)
        else:
            assert torch.equal(all_results[0][name], value), name
    for name, value in gradients[1].items():
        assert_close(gradients[0][name], value, f"the gradient of {name}")


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_has_the_weights_and_the_looks_of_its_twin(shape: Shape) -> None:
    ours, theirs = build(shape)
    mine, other = ours.state_dict(), theirs.state_dict()
    assert list(mine) == list(other)
    for name, value in other.items():
        assert torch.equal(mine[name], value), f"{name} starts from other numbers"
    assert [name for name, _ in ours.named_parameters()] == [name for name, _ in theirs.named_parameters()]
    assert [[w.shape for w in part] for part in ours.all_weights] == [
        [w.shape for w in part] for part in theirs.all_weights
    ]
    assert repr(ours) == repr(theirs)
    assert isinstance(ours, type(theirs))
    assert ours._flat_weights_names == theirs._flat_weights_names
    assert ours._all_weights == theirs._all_weights

    pairs: list[tuple[Any, Any]] = [(ours, theirs), (theirs, ours)]
    for source, target in pairs:
        torch.nn.init.ones_(source.weight_hh_l0)
        target.load_state_dict(source.state_dict(), strict=True)
        assert torch.equal(target.weight_hh_l0, source.weight_hh_l0)
    for name in theirs.__constants__:
        assert getattr(ours, name) == getattr(theirs, name), name


@every_drop_in
def test_has_the_arguments_of_its_twin(ours: type) -> None:
    (declared, _) = get_overloads(twin(ours).__init__)

    def arguments(function: Any) -> list[tuple[str, Any, Any]]:
        return [(p.name, p.default, p.kind) for p in inspect.signature(function).parameters.values()]

    assert arguments(ours.__init__) == arguments(declared)
    call = arguments(ours.forward)
    assert call[:3] == arguments(twin(ours).forward)
    assert all(kind is inspect.Parameter.KEYWORD_ONLY for _, _, kind in call[3:])


WRONG_BUILDS = [
    {"input_size": 0},
    {"input_size": 2.5},
    {"hidden_size": 0},
    {"hidden_size": "5"},
    {"num_layers": 0},
    {"bias": 1},
    {"batch_first": "yes"},
    {"dropout": -0.1},
    {"dropout": 1.5},
    {"dropout": True},
    {"dropout": "much"},
    {"proj_size": -1},
    {"proj_size": 5},
    {"nonlinearity": "sine"},
    {"unknown": 1},
]


@every_drop_in
@pytest.mark.parametrize("wrong", WRONG_BUILDS, ids=str)
def test_refuses_to_be_what_its_twin_refuses_to_be(ours: type, wrong: dict[str, Any]) -> None:
    arguments = {"input_size": 3, "hidden_size": 5, **wrong}
    with pytest.raises((ValueError, TypeError)):
        twin(ours)(**arguments)
    known = set(wrong) <= set(inspect.signature(ours).parameters)
    with pytest.raises(ElmanError if known else TypeError):
        ours(**arguments)


def wrong_calls(lstm: bool) -> dict[str, tuple[Any, Any]]:
    """Calls of a layer of 3 features, 5 units, 2 layers that make no sense, by what is wrong."""

    def hx(*size: int, dtype: torch.dtype = torch.float32) -> Any:
        return (torch.zeros(size, dtype=dtype), torch.zeros(size, dtype=dtype)) if lstm else torch.zeros(size)

    x = torch.zeros(7, 4, 3)
    one, two = torch.zeros(2, 4, 5), (torch.zeros(2, 4, 5), torch.zeros(2, 4, 5))
    return {
        "features": (torch.zeros(7, 4, 2), None),
        "one dimension": (torch.zeros(3), None),
        "four dimensions": (torch.zeros(1, 7, 4, 3), None),
        "dtype": (x.double(), None),
        "dtype of hx": (x, two[0].double() if not lstm else (one.double(), one.double())),
        "layers of hx": (x, hx(1, 4, 5)),
        "batch of hx": (x, hx(2, 3, 5)),
        "units of hx": (x, hx(2, 4, 6)),
        "dimensions of hx": (x, hx(2, 5)),
        "hx of a batch for one sequence": (torch.zeros(7, 3), hx(2, 1, 5)),
        "number of states": (x, one if lstm else two),
    }


@every_drop_in
@pytest.mark.parametrize("wrong", list(wrong_calls(True)))
def test_refuses_the_calls_its_twin_refuses(ours: type, wrong: str) -> None:
    given, hx = wrong_calls(ours is drop_in.LSTM)[wrong]
    with pytest.raises(Exception):  # noqa: B017, PT011 (torch raises what it happens to meet)
        twin(ours)(3, 5, 2)(given, hx)
    with pytest.raises(ElmanError):
        ours(3, 5, 2)(given, hx)


@every_drop_in
def test_warns_as_its_twin_of_dropout_that_does_nothing(ours: type) -> None:
    told = []
    makes: list[Any] = [ours, twin(ours)]
    for cls in makes:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            cls(3, 5, dropout=0.5)
        told.append([(w.category, str(w.message)) for w in caught])
        assert cls is twin(ours) or caught[0].filename == __file__
    assert len(told[0]) == 1
    assert told[0] == told[1]


@every_drop_in
@pytest.mark.parametrize("training", FLAG, ids=["evaluation", "training"])
def test_drops_between_layers_where_its_twin_does(ours: type, training: bool) -> None:
    x = torch.randn(7, 4, 3)
    mine, other = (cls(3, 5, 2, dropout=1.0, bidirectional=True) for cls in (ours, twin(ours)))
    mine.load_state_dict(other.state_dict())
    for module in (mine, other):
        module.train(training)
    assert_close(mine(x)[0], other(x)[0], "output")
