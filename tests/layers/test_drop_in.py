"""What people do to a layer besides calling it, and what the drop-ins can do that their twins cannot."""

import copy
import io
import pickle
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils import parametrizations, parametrize, prune
from torch.nn.utils.parametrizations import orthogonal
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from elman.errors import ElmanError, ElmanWarning
from elman.layers import GRU, LSTM, RNN, Recurrent
from elman.testing import assert_close

every_drop_in = pytest.mark.parametrize("make", [RNN, LSTM, GRU])


class Double(nn.Module):
    """A parametrization: twice the parameter."""

    def forward(self, weight: Tensor) -> Tensor:
        return 2 * weight


def outputs(module: nn.Module, x: Tensor) -> Tensor:
    return module(x)[0]


def doubled(make: Any, layer: Any) -> Any:
    """A layer with the weights of this one, ``weight_hh_l0`` twice as large."""
    other = make(3, 5, 2)
    other.load_state_dict({**layer.state_dict(), "weight_hh_l0": 2 * layer.weight_hh_l0})
    return other


@every_drop_in
def test_a_parametrized_weight_is_the_one_that_is_used(make: Any) -> None:
    x = torch.randn(7, 4, 3)
    layer = make(3, 5, 2)
    expected = outputs(doubled(make, layer), x)
    parametrize.register_parametrization(layer, "weight_hh_l0", Double())
    assert_close(outputs(layer, x), expected, "outputs")
    assert_close(outputs(copy.deepcopy(layer), x), expected, "outputs of a copy")
    outputs(layer, x).sum().backward()
    assert layer.parametrizations.weight_hh_l0.original.grad.any()
    parametrize.remove_parametrizations(layer, "weight_hh_l0")
    assert_close(outputs(layer, x), expected, "outputs")


def test_the_recurrent_weight_can_be_held_orthogonal() -> None:
    layer: Any = orthogonal(RNN(3, 5), "weight_hh_l0")
    weight = layer.weight_hh_l0
    assert torch.allclose(weight @ weight.T, torch.eye(5), atol=1e-5)
    assert layer(torch.randn(7, 4, 3))[0].isfinite().all()


@every_drop_in
def test_a_functional_call_uses_what_it_is_given(make: Any) -> None:
    x = torch.randn(7, 4, 3)
    layer = make(3, 5, 2)
    expected = outputs(doubled(make, layer), x)
    found = torch.func.functional_call(layer, {"weight_hh_l0": 2 * layer.weight_hh_l0}, (x,))[0]
    assert_close(found, expected, "outputs")


@every_drop_in
def test_many_layers_at_once_with_vmap(make: Any) -> None:
    layers: list[nn.Module] = [make(3, 5, 2) for _ in range(3)]
    x = torch.randn(7, 4, 3)
    parameters, buffers = torch.func.stack_module_state(layers)
    call = torch.vmap(lambda p, b: torch.func.functional_call(layers[0], (p, b), (x,))[0])
    assert_close(call(parameters, buffers), torch.stack([outputs(layer, x) for layer in layers]), "outputs")


@every_drop_in
def test_an_assigned_parameter_is_used_and_trained(make: Any) -> None:
    x = torch.randn(7, 4, 3)
    layer = make(3, 5, 2)
    expected = outputs(doubled(make, layer), x)
    layer.weight_hh_l0 = nn.Parameter(2 * layer.weight_hh_l0.detach())
    assert_close(outputs(layer, x), expected, "outputs")
    outputs(layer, x).sum().backward()
    assert dict(layer.named_parameters())["weight_hh_l0"].grad.any()
    with torch.no_grad():
        layer.weight_hh_l0.zero_()
    assert not torch.equal(outputs(layer, x), expected)


@every_drop_in
def test_weights_are_loaded_by_assignment(make: Any) -> None:
    source = make(3, 5, 2)
    target = make(3, 5, 2, device="meta")
    assert all(value.is_meta for value in target.state_dict().values())
    target.load_state_dict(source.state_dict(), assign=True)
    x = torch.randn(7, 4, 3)
    assert torch.equal(outputs(target, x), outputs(source, x))
    assert target.weight_hh_l0.data_ptr() == source.weight_hh_l0.data_ptr()


@every_drop_in
def test_copies_and_files_hold_the_whole_layer(make: Any) -> None:
    layer = make(3, 5, 2, bidirectional=True)
    x = torch.randn(7, 4, 3)
    file = io.BytesIO()
    torch.save(layer, file)
    file.seek(0)
    for other in (
        copy.deepcopy(layer),
        pickle.loads(pickle.dumps(layer)),
        torch.load(file, weights_only=False),
    ):
        assert torch.equal(outputs(other, x), outputs(layer, x))
        with torch.no_grad():
            other.weight_ih_l0.zero_()
        assert layer.weight_ih_l0.any()


@every_drop_in
def test_moves_between_dtypes(make: Any) -> None:
    layer = make(3, 5, 2)
    x = torch.randn(7, 4, 3)
    single = outputs(layer, x)
    layer.to(torch.float64)
    assert outputs(layer, x.double()).dtype == torch.float64
    assert torch.allclose(outputs(layer, x.double()).float(), single, atol=1e-6)
    assert len(list(layer.modules())) == 1


@every_drop_in
def test_the_parameters_are_drawn_anew_as_the_twin_draws_them(make: Any) -> None:
    twin: Any = getattr(nn, make.__name__)(3, 5, 2)
    layer = make(3, 5, 2)
    for module in (layer, twin):
        torch.manual_seed(7)
        module.reset_parameters()
    assert all(map(torch.equal, layer.parameters(), twin.parameters()))
    layer.flatten_parameters()


@every_drop_in
def test_threads_do_not_see_each_others_parameters(make: Any) -> None:
    layer = make(3, 5, 2)
    x = torch.randn(20, 4, 3)
    given = [{name: scale * value for name, value in layer.named_parameters()} for scale in (0.5, 1.0, 2.0, 3.0)]

    def call(parameters: dict[str, Tensor]) -> Tensor:
        own = copy.copy(layer)  # functional_call writes into the module it is given; all else is shared
        own._parameters = dict(layer._parameters)
        return torch.func.functional_call(own, parameters, (x,))[0]

    expected = [call(parameters) for parameters in given]
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(call, given * 10))
    assert all(torch.equal(found[k], expected[k % 4]) for k in range(40))


@every_drop_in
@pytest.mark.parametrize("batch_first", [False, True])
def test_lengths_are_what_packing_is_and_allow_zero(make: Any, batch_first: bool) -> None:
    layer = make(3, 5, 2, batch_first=batch_first, bidirectional=True)
    x = torch.randn(4, 7, 3) if batch_first else torch.randn(7, 4, 3)
    lengths = torch.tensor([3, 7, 1, 3])
    packed = pack_padded_sequence(x, lengths, batch_first, enforce_sorted=False)
    from_packed, right = layer(packed)
    padded, _ = pad_packed_sequence(from_packed, batch_first)
    found, state = layer(x, lengths=lengths)
    assert_close(found, padded, "outputs")
    for part, expected in zip(*((s,) if isinstance(s, Tensor) else s for s in (state, right)), strict=True):
        assert_close(part, expected, "state")
    none, state = layer(x, lengths=torch.zeros(4, dtype=torch.int32))
    assert not none.any()
    assert not any(part.any() for part in ((state,) if isinstance(state, Tensor) else state))
    with pytest.raises(ElmanError, match="a packed sequence has its own lengths"):
        layer(packed, lengths=lengths)


@every_drop_in
@pytest.mark.parametrize("kind", ["time first", "batch first", "unbatched", "packed"])
def test_resets_cut_a_sequence_in_two(make: Any, kind: str) -> None:
    layer = make(3, 5, 2, batch_first=kind == "batch first", bidirectional=True)
    x = torch.randn(7, 3) if kind == "unbatched" else torch.randn(7, 4, 3)
    resets = torch.zeros(x.shape[:-1], dtype=torch.bool)
    resets[3] = True
    if kind == "batch first":
        halves = [outputs(layer, part.transpose(0, 1)) for part in (x[:3], x[3:])]
        expected, x, resets = torch.cat(halves, 1), x.transpose(0, 1), resets.T
    else:
        expected = torch.cat([outputs(layer, part) for part in (x[:3], x[3:])])
    if kind == "packed":
        result, _ = layer(pack_padded_sequence(x, torch.full((4,), 7)), resets=resets)
        found, _ = pad_packed_sequence(result)
    else:
        found, _ = layer(x, resets=resets)
    assert_close(found, expected, "outputs")


def test_one_sequence_takes_one_length() -> None:
    layer = GRU(3, 5)
    x = torch.randn(7, 3)
    found, h = layer(x, lengths=torch.tensor(4))
    expected, end = layer(x[:4])
    assert_close(found[:4], expected, "outputs")
    assert not found[4:].any()
    assert_close(h, end, "state")


def test_the_output_of_a_batch_can_be_viewed_flat() -> None:
    found, h = LSTM(3, 5, 2)(torch.randn(7, 4, 3))
    assert found.view(-1, 5).shape == (28, 5)
    assert h[0].view(-1).shape == (40,)


def test_equals_a_stack_of_its_cell() -> None:
    layer = LSTM(3, 5, 2, batch_first=True, bidirectional=True)
    stack = Recurrent("lstm", 3, 5, 2, bidirectional=True)
    stack.load_state_dict(dict(zip(stack.state_dict(), layer.state_dict().values(), strict=True)))
    x = torch.randn(4, 7, 3)
    assert torch.equal(stack(x)[0], layer(x)[0])


def test_second_derivatives_are_there() -> None:
    layer = GRU(2, 3, dtype=torch.float64)
    x = torch.randn(4, 2, 2, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradgradcheck(lambda value: layer(value)[0], (x,), fast_mode=True)


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"input": torch.zeros(7, 4, 2)}, r"takes an input of \[time, batch, 3\] or \[time, 3\], not \[7, 4, 2\]"),
        ({"hx": (torch.zeros(1, 5),) * 2}, "for an input of 3 dimensions hx has as many, not 2"),
        ({"hx": torch.zeros(1, 4, 5)}, r"takes a state hx of two, \(h, c\)"),
        ({"resets": torch.zeros(4, 7, dtype=torch.bool)}, r"resets are bool of \[7, 4\], not of \[4, 7\]"),
        ({"lengths": torch.full((4,), 8)}, "lengths go from 0 to 7"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_says_what_would_be_right(given: dict[str, Any], told: str) -> None:
    with pytest.raises(ElmanError, match=told):
        LSTM(3, 5)(**{"input": torch.zeros(7, 4, 3), **given})


@every_drop_in
def test_is_a_module_of_pytorch_and_has_what_that_has(make: Any) -> None:
    twin: Any = getattr(nn, make.__name__)(3, 5, 2, bidirectional=True)
    layer = make(3, 5, 2, bidirectional=True)
    assert isinstance(layer, type(twin))
    assert set(vars(twin)) - set(vars(layer)) <= {"_flat_weights"}  # which is read anew where it is asked for
    assert (layer._all_weights, layer._flat_weights_names) == (twin._all_weights, twin._flat_weights_names)
    assert all(map(torch.equal, layer._flat_weights, layer.parameters()))
    x = torch.randn(7, 4, 3)
    one = torch.zeros(4, 4, 5)
    hx: Any = (one, one) if make is LSTM else one
    layer.check_forward_args(x, hx, None)
    with pytest.raises(RuntimeError, match="Expected hidden"):
        layer.check_forward_args(x[:, :3], hx, None)
    assert layer.get_expected_hidden_size(x, None) == twin.get_expected_hidden_size(x, None) == (4, 4, 5)
    order = torch.tensor([1, 0, 2, 3])
    assert str(layer.permute_hidden(hx, order)) == str(twin.permute_hidden(hx, order))


def test_a_call_of_pytorchs_own_on_its_weights_gives_the_same() -> None:
    layer = LSTM(3, 5, 2)
    x, state = torch.randn(7, 4, 3), torch.zeros(2, 4, 5)
    own: Any = torch._VF
    found = own.lstm(x, (state, state), layer._flat_weights, True, 2, 0.0, True, False, False)
    assert_close(found[0], outputs(layer, x), "outputs")


@every_drop_in
def test_its_list_of_weights_is_what_its_weights_are(make: Any) -> None:
    layer = make(3, 5)
    layer.weight_hh_l0 = nn.Parameter(2 * layer.weight_hh_l0.detach())
    assert layer._flat_weights[1] is layer.weight_hh_l0
    layer._flat_weights = [nn.Parameter(torch.zeros_like(weight)) for weight in layer._flat_weights]
    assert len(list(layer.parameters())) == 4
    assert not any(parameter.any() for parameter in layer.parameters())
    with pytest.raises(TypeError):
        layer._flat_weights[0] = layer.weight_ih_l0
    weight = layer.weight_hh_l0
    del layer.weight_hh_l0
    assert layer.double()._flat_weights[1] is None
    layer.weight_hh_l0 = weight.double()
    assert outputs(layer, torch.randn(7, 4, 3, dtype=torch.float64)).dtype == torch.float64


@every_drop_in
def test_a_subclass_builds_on_its_call(make: Any) -> None:
    class Twice(make):
        def forward(self, input: Any, hx: Any = None) -> Any:
            found, state = super().forward(input, hx)
            return 2 * found, state

    layer, own = make(3, 5), Twice(3, 5)
    own.load_state_dict(layer.state_dict())
    x = torch.randn(7, 4, 3)
    assert torch.equal(outputs(own, x), 2 * outputs(layer, x))
    assert own.__prepare_scriptable__() is own


@every_drop_in
def test_units_can_be_cut_out_as_of_its_twin(make: Any) -> None:
    layer, twin = make(3, 5, 2), getattr(nn, make.__name__)(3, 5, 2)
    twin.load_state_dict(layer.state_dict())
    for module in (layer, twin):
        module.hidden_size = 4
        for name, value in list(module.named_parameters()):
            kept = value.detach().unflatten(0, (-1, 5))[:, :4].flatten(0, 1)
            cut = name in ("weight_hh_l0", "weight_ih_l1", "weight_hh_l1")
            setattr(module, name, nn.Parameter(kept[:, :4] if cut else kept))
    x = torch.randn(7, 4, 3)
    assert_close(outputs(layer, x), outputs(twin, x), "outputs")


@every_drop_in
@pytest.mark.parametrize("weight", ["weight_ih_l0", "weight_hh_l0"])
@pytest.mark.parametrize("new", [False, True], ids=["hook", "parametrization"])
def test_spectral_norm_of_the_same_vectors_is_that_of_its_twin(make: Any, weight: str, new: bool) -> None:
    norm: Any = parametrizations.spectral_norm if new else nn.utils.spectral_norm
    layer, twin = make(3, 5), getattr(nn, make.__name__)(3, 5)
    twin.load_state_dict(layer.state_dict())
    for module in (layer, twin):
        torch.manual_seed(5)  # the vectors of the power iteration are drawn; other ones give another norm
        norm(module, weight)
    x = torch.randn(7, 4, 3)
    for training in (True, True, True, False):
        layer.train(training)
        twin.train(training)
        assert_close(outputs(layer, x), outputs(twin, x), "outputs")


@every_drop_in
@pytest.mark.parametrize("norm", [nn.utils.weight_norm, parametrizations.weight_norm], ids=["hook", "parametrization"])
@pytest.mark.filterwarnings("ignore:.*weight_norm.*deprecated:FutureWarning")
def test_weight_norm_is_that_of_its_twin(make: Any, norm: Any) -> None:
    layer, twin = make(3, 5), getattr(nn, make.__name__)(3, 5)
    twin.load_state_dict(layer.state_dict())
    x = torch.randn(7, 4, 3)
    for module in (layer, twin):
        norm(module, "weight_hh_l0")
        outputs(module, x).square().sum().backward()
    assert [name for name, _ in layer.named_parameters()] == [name for name, _ in twin.named_parameters()]
    for (name, own), other in zip(layer.named_parameters(), twin.parameters(), strict=True):
        assert_close(own.grad, other.grad, name)


@every_drop_in
def test_pruned_weights_stay_pruned(make: Any) -> None:
    layer, twin = make(3, 5), getattr(nn, make.__name__)(3, 5)
    twin.load_state_dict(layer.state_dict())
    x = torch.randn(7, 4, 3)
    for module in (layer, twin):
        prune.l1_unstructured(module, "weight_hh_l0", 0.5)
    assert sum(isinstance(weight, nn.Parameter) for weight in layer._flat_weights) == 3
    assert_close(outputs(layer, x), outputs(twin, x), "outputs")
    prune.remove(layer, "weight_hh_l0")
    assert_close(outputs(layer, x), outputs(twin, x), "outputs")


@every_drop_in
@pytest.mark.parametrize("way", ["overwrite", "swap"])
def test_its_parameters_may_be_others_after_a_conversion(make: Any, way: str) -> None:
    layer, twin = make(3, 5), getattr(nn, make.__name__)(3, 5)
    choose: Any = getattr(torch.__future__, f"set_{way}_module_params_on_conversion")
    choose(True)
    try:
        layer.double()
        layer.load_state_dict(twin.state_dict())
    finally:
        choose(False)
    x = torch.randn(7, 4, 3)
    assert_close(outputs(layer, x.double()).float(), outputs(twin, x), "outputs")


@every_drop_in
def test_what_pytorch_does_with_modules_can_be_done_with_it(make: Any) -> None:
    layer: Any = nn.utils.skip_init(make, 3, 5)

    def start(module: nn.Module) -> None:
        if isinstance(module, nn.RNNBase):
            nn.init.ones_(module.get_parameter("weight_hh_l0"))

    layer.apply(start)
    assert layer.weight_hh_l0.eq(1).all()
    vector = torch.linspace(-1, 1, sum(parameter.numel() for parameter in layer.parameters()))
    nn.utils.vector_to_parameters(vector, layer.parameters())
    assert torch.equal(nn.utils.parameters_to_vector(layer.parameters()), vector)
    layer.share_memory()
    assert all(parameter.is_shared() for parameter in layer.parameters())
    x = torch.randn(7, 4, 3)
    replica = layer._replicate_for_data_parallel()
    for name, parameter in layer.named_parameters():
        setattr(replica, name, parameter * 1)
    assert torch.equal(outputs(replica, x), outputs(layer, x))
    assert outputs(layer.bfloat16(), x.bfloat16()).dtype == torch.bfloat16


@every_drop_in
def test_a_module_that_an_older_version_pickled_is_read(make: Any) -> None:
    layer = make(3, 5, 2)
    state = layer.__getstate__()
    state["_names"] = [cell.called for cell in layer._cells]
    for name in ("_all_weights", "_flat_weights_names"):
        del state[name]
    read = make.__new__(make)
    read.__setstate__(state)
    x = torch.randn(7, 4, 3)
    assert torch.equal(outputs(read, x), outputs(layer, x))
    assert read._all_weights == layer._all_weights


class Inner(nn.Module):
    """A model around one layer."""

    def __init__(self, layer: nn.Module) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, x: Tensor) -> Tensor:
        return self.layer(x)[0]


@every_drop_in
@pytest.mark.filterwarnings("ignore:.*torch.jit.* (is|are) deprecated:DeprecationWarning")
def test_is_scripted_as_its_twin_and_it_is_said(make: Any) -> None:
    model = Inner(make(3, 5, 2))
    x = torch.randn(7, 4, 3)
    expected = model(x)
    parameter = next(model.parameters())
    with pytest.warns(ElmanWarning, match="torch.jit.script puts PyTorch's own"):
        scripted = torch.jit.script(copy.deepcopy(model))
    assert_close(scripted(x), expected, "outputs")
    assert next(model.parameters()) is parameter
    assert type(model.layer) is make


@every_drop_in
def test_is_a_leaf_of_a_symbolic_graph(make: Any) -> None:
    model = Inner(make(3, 5))
    graph = torch.fx.symbolic_trace(model)
    assert [node.op for node in graph.graph.nodes] == ["placeholder", "call_module", "call_function", "output"]
    x = torch.randn(7, 4, 3)
    assert torch.equal(graph(x), model(x))


@every_drop_in
def test_is_compiled_whole_where_its_twin_is_not(make: Any) -> None:
    layer, x = make(3, 5), torch.randn(7, 4, 3)
    torch._dynamo.reset()
    compiled: Any = torch.compile(Inner(layer), fullgraph=True, backend="aot_eager")
    assert_close(compiled(x), outputs(layer, x), "outputs")
    with pytest.raises(RuntimeError, match="Attempted to wrap RNN, GRU, or LSTM"):
        torch.compile(Inner(getattr(nn, make.__name__)(3, 5)), fullgraph=True, backend="eager")(x)


@every_drop_in
@pytest.mark.parametrize(
    ("given", "words"),
    [
        (torch.zeros(7, 4, 2), r"input.size\(-1\) must be equal to input_size. Expected 3, got 2"),
        (torch.zeros(7, 4, 3, dtype=torch.float64), "RNN input dtype .* does not match weight dtype"),
        (torch.zeros(3), "input must have 3 dimensions, got 1"),
    ],
    ids=["features", "dtype", "dimensions"],
)
def test_its_errors_are_of_the_types_and_in_the_words_of_its_twin(make: Any, given: Tensor, words: str) -> None:
    for kind in (RuntimeError, ValueError, ElmanError):
        with pytest.raises(kind, match=words):
            make(3, 5)(given)
    with pytest.raises(TypeError, match="input_size should be of type int"):
        make(3.0, 5)
    with pytest.raises(ValueError, match="num_layers must be greater than zero"):
        make(3, 5, 0)
