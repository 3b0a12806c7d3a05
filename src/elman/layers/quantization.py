"""Where PyTorch quantises, a drop-in is taken for its twin, and what comes of it is PyTorch's own quantised module.

``torch.ao.quantization`` finds modules by their exact type, and would leave a drop-in in floating point without a word.
There is no other door than its functions, which are wrapped here: those that replace modules in a model, and those that
replace them in a graph. What was asked for a drop-in itself goes before what was asked for its twin.
"""

from collections.abc import Callable, Mapping
from contextlib import suppress
from copy import copy
from importlib import import_module
from typing import Any

from torch import nn
from torch.nn.utils import parametrize

from elman.errors import ElmanError
from elman.layers.twins import twin_of


def quantize_as(twins: Mapping[type, type[nn.Module]]) -> None:
    """Let ``torch.ao.quantization`` take a module of exactly such a type for its twin, as far as PyTorch has that."""
    for wrap in (quantize_modules_as, quantize_graphs_as):
        with suppress(ImportError, AttributeError):  # PyTorch means to give it up, and some names are its own
            wrap(twins)


def quantize_modules_as(twins: Mapping[type, type[nn.Module]]) -> None:
    """The same for ``quantize_dynamic``, and for ``prepare`` and ``convert``, which replace modules in their model."""
    quantize: Any = import_module("torch.ao.quantization.quantize")  # by its path: a function has the name too
    propagate: Callable[..., None] = quantize.propagate_qconfig_
    swap: Callable[..., nn.Module] = quantize.swap_module
    observed = quantize.get_default_custom_config_dict()["float_to_observed_custom_module_class"]
    observed.update({own: observed[twin] for own, twin in twins.items() if twin in observed})

    def propagate_qconfig_(module: nn.Module, qconfig_dict: Mapping[Any, Any] | None = None, *more: Any) -> None:
        given = dict(qconfig_dict or {})
        propagate(module, {own: given[twin] for own, twin in twins.items() if twin in given} | given, *more)

    def swap_module(mod: nn.Module, mapping: Mapping[Any, Any], *args: Any, **options: Any) -> nn.Module:
        twin = twins.get(parametrize.type_before_parametrizations(mod))
        config = getattr(mod, "qconfig", None)
        if config is None or twin is None or twin not in mapping:
            return swap(mod, mapping, *args, **options)
        if getattr(mod, "proj_size", 0):
            raise ElmanError("PyTorch has no quantised LSTM with a projection; leave it out by qconfig_spec")
        module = twin_of(mod, twin)
        module.qconfig = config
        module._forward_hooks, module._forward_pre_hooks = mod._forward_hooks, mod._forward_pre_hooks
        return swap(module, mapping, *args, **options)

    quantize.propagate_qconfig_, quantize.swap_module = propagate_qconfig_, swap_module


def quantize_graphs_as(twins: Mapping[type, type[nn.Module]]) -> None:
    """The same for ``prepare_fx`` and ``convert_fx``: what a backend can do with a twin, and what is asked for it."""
    backends: Any = import_module("torch.ao.quantization.backend_config")
    custom: Any = import_module("torch.ao.quantization.fx.custom_config")
    asked: Any = import_module("torch.ao.quantization.fx.qconfig_mapping_utils")
    owns = {twin: own for own, twin in twins.items()}
    configure = backends.BackendConfig.set_backend_pattern_config
    observe = custom.PrepareCustomConfig.set_float_to_observed_mapping
    of_type, of_place = asked._get_object_type_qconfig, asked._maybe_adjust_qconfig_for_module_name_object_type_order

    def set_backend_pattern_config(self: Any, config: Any) -> Any:
        own = owns.get(config.pattern)
        if own is not None:
            alike = copy(config).set_pattern(own)
            configure(self, alike.set_root_module(own) if config.root_module is config.pattern else alike)
        return configure(self, config)

    def set_float_to_observed_mapping(self: Any, float_class: type, *args: Any, **options: Any) -> Any:
        if float_class in owns and not any(owns[float_class] in m for m in self.float_to_observed_mapping.values()):
            observe(self, owns[float_class], *args, **options)
        return observe(self, float_class, *args, **options)

    def _get_object_type_qconfig(mapping: Any, kind: Any, fallback: Any) -> Any:
        return of_type(mapping, kind, of_type(mapping, twins.get(kind, kind), fallback))

    def _maybe_adjust(mapping: Any, name: str, kind: Any, index: int, fallback: Any) -> Any:
        return of_place(mapping, name, kind, index, of_place(mapping, name, twins.get(kind, kind), index, fallback))

    backends.BackendConfig.set_backend_pattern_config = set_backend_pattern_config
    custom.PrepareCustomConfig.set_float_to_observed_mapping = set_float_to_observed_mapping
    asked._get_object_type_qconfig = _get_object_type_qconfig
    asked._maybe_adjust_qconfig_for_module_name_object_type_order = _maybe_adjust
