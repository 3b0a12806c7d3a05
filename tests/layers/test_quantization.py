"""A drop-in is quantised where its twin is, by the functions that replace modules and by those that replace graphs."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.ao.nn.quantizable import LSTM as Observed
from torch.ao.quantization import QConfigMapping, quantize_dynamic
from torch.ao.quantization.fx.custom_config import PrepareCustomConfig
from torch.ao.quantization.qconfig import default_dynamic_qconfig, float16_dynamic_qconfig
from torch.ao.quantization.qconfig_mapping import get_default_qconfig_mapping
from torch.ao.quantization.quantize_fx import convert_fx, prepare_fx

from elman.errors import ElmanError
from elman.layers import GRU, LSTM, RNN, quantization
from elman.testing import assert_close
from tests.layers.test_drop_in import Inner

pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:torch.quantize_per:UserWarning"),
    pytest.mark.filterwarnings("ignore:Please use quant_min and quant_max:UserWarning"),
    pytest.mark.filterwarnings("ignore:To copy construct from a tensor:UserWarning"),
]


def outputs(module: nn.Module, x: Tensor) -> Tensor:
    return module(x)[0]


@pytest.mark.parametrize("make", [LSTM, GRU])
@pytest.mark.parametrize("asked", ["the twin", "itself", "by default", "float16"])
def test_is_quantised_as_its_twin(make: Any, asked: str) -> None:
    kind: Any = getattr(nn, make.__name__)
    layer, twin = make(3, 5, 2), kind(3, 5, 2)
    twin.load_state_dict(layer.state_dict())
    dtype = torch.float16 if asked == "float16" else torch.qint8
    what = {"itself": make, "by default": None}.get(asked, kind)
    own, other = (
        quantize_dynamic(
            nn.ModuleDict({"layer": module}), None if what is None else {what if module is layer else kind}
        )
        if dtype == torch.qint8
        else quantize_dynamic(nn.ModuleDict({"layer": module}), {kind}, dtype=dtype)
        for module in (layer, twin)
    )
    assert type(own["layer"]) is type(other["layer"]) is not type(twin)
    x = torch.randn(7, 4, 3)
    assert torch.equal(outputs(own["layer"], x), outputs(other["layer"], x))
    assert type(quantize_dynamic(nn.Sequential(layer), {nn.Linear})[0]) is make


def test_a_projection_is_not_quantised_and_it_is_said() -> None:
    with pytest.raises(ElmanError, match="no quantised LSTM with a projection"):
        quantize_dynamic(nn.Sequential(LSTM(3, 5, proj_size=2)), {nn.LSTM})


def both(make: Any) -> tuple[Any, Any]:
    layer, twin = make(3, 5), getattr(nn, make.__name__)(3, 5)
    twin.load_state_dict(layer.state_dict())
    return Inner(layer).eval(), Inner(twin).eval()


@pytest.mark.parametrize("make", [LSTM, GRU])
@pytest.mark.parametrize("asked", ["of all", "of the twin", "of itself", "by its place", "float16"])
def test_is_quantised_in_a_graph_as_its_twin(make: Any, asked: str) -> None:
    x, found = torch.randn(7, 4, 3), []
    for model in both(make):
        kind = type(model.layer) if asked == "of itself" else getattr(nn, make.__name__)
        config = float16_dynamic_qconfig if asked == "float16" else default_dynamic_qconfig
        mapping = QConfigMapping()
        if asked == "of all":
            mapping.set_global(config)
        elif asked == "by its place":
            mapping.set_module_name_object_type_order("", kind, 0, config)
        else:
            mapping.set_object_type(kind, config)
        found.append(convert_fx(prepare_fx(model, mapping, (x,))))
        assert isinstance(model.layer, kind)
    own, other = found
    assert type(own.layer) is type(other.layer)
    assert type(own.layer).__module__.startswith("torch.ao.nn.quantized.dynamic")
    assert torch.equal(own(x), other(x))


@pytest.mark.parametrize("make", [RNN, LSTM, GRU])
def test_stays_itself_in_a_graph_where_its_twin_is_not_quantised(make: Any) -> None:
    model, _ = both(make)
    x = torch.randn(7, 4, 3)
    of_itself = QConfigMapping().set_object_type(getattr(nn, make.__name__), default_dynamic_qconfig)
    for mapping in (QConfigMapping(), of_itself.set_object_type(make, None)):
        graph = convert_fx(prepare_fx(model, mapping, (x,)))
        assert type(graph.layer) is make
        assert_close(graph(x), model(x), "outputs")


def test_is_observed_in_a_graph_as_its_twin() -> None:
    x, state = torch.randn(7, 4, 3), torch.zeros(1, 4, 5)

    class Given(Inner):
        def forward(self, x: Tensor) -> Tensor:  # the observed module wants states to be given
            return self.layer(x, (state, state))[0]

    for model in both(LSTM):
        custom = PrepareCustomConfig().set_float_to_observed_mapping(nn.LSTM, Observed)
        prepared = prepare_fx(Given(model.layer), get_default_qconfig_mapping("fbgemm"), (x,), custom)
        assert type(prepared.layer) is Observed


def test_a_pytorch_that_has_no_such_functions_is_left_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def none(name: str) -> Any:
        asked.append(name)
        if name.endswith("backend_config"):
            raise ImportError(name)
        return object()

    monkeypatch.setattr(quantization, "import_module", none)
    quantization.quantize_as({LSTM: nn.LSTM})
    assert asked == ["torch.ao.quantization.quantize", "torch.ao.quantization.backend_config"]
