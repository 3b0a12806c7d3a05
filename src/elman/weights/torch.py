"""Weights of ``torch.nn``: RNN, LSTM and GRU, and their cells."""

import re
from collections.abc import Mapping, Sequence
from itertools import count, takewhile
from pathlib import Path
from typing import Any, Literal, overload

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from elman.errors import ElmanError
from elman.layers import GRU, LSTM, RNN, Recurrent
from elman.weights.stack import Part, build, existing, fill, pick, reading

Source = nn.Module | Mapping[str, Any] | str | Path

_LAYER = re.compile(r"(?:(?P<prefix>.*)\.)?weight_hh(?:_l0)?")
_NUMBERED = re.compile(r"(?:weight|bias)_(?:ih|hh|hr)_l\d+(?:_reverse)?")
_DIRECTIONS = ("", "_reverse")
_PARAMETERS = ("weight_ih", "weight_hh", "bias_ih", "bias_hh", "weight_hr")


@overload
def from_torch(
    source: Source, prefix: str | None = None, *, nonlinearity: str | None = None, drop_in: Literal[False] = False
) -> Recurrent: ...
@overload
def from_torch(
    source: Source, prefix: str | None = None, *, nonlinearity: str | None = None, drop_in: Literal[True]
) -> LSTM | GRU | RNN: ...
def from_torch(
    source: Source, prefix: str | None = None, *, nonlinearity: str | None = None, drop_in: bool = False
) -> Recurrent | LSTM | GRU | RNN:
    """The module that computes what an RNN, LSTM or GRU of ``torch.nn``, or one of their cells, computes.

    Layers, directions, biases, a projection, the dtype and the device are those of the weights, which are copied.

    Args:
        source: a module, a ``state_dict``, or a file: one that ``torch.save`` wrote, read with ``weights_only=True``,
            or a ``.safetensors``.
        prefix: the layer's name within a bigger model, as ``"encoder.lstm"``; not needed where there is only one layer.
        nonlinearity: ``"tanh"`` or ``"relu"`` of a simple RNN, which only a module says by itself.
        drop_in: whether to return a drop-in for ``torch.nn`` instead of a ``Recurrent``; of a module it has
            ``batch_first`` as well.

    Returns:
        A ``Recurrent`` of ``lstm``, ``lstm_projected``, ``gru`` or ``elman``, which is batch first; with ``drop_in`` an
        ``LSTM``, ``GRU`` or ``RNN``.

    Raises:
        ElmanError: no such file or one that cannot be read, no such layer, several where none is named, shapes that do
            not belong together, a simple RNN whose nonlinearity is not known.

    Example:
        >>> lstm = torch.nn.LSTM(3, 5, num_layers=2, bidirectional=True)
        >>> layer = from_torch({"encoder." + name: value for name, value in lstm.state_dict().items()}, "encoder")
        >>> outputs, (h, c) = layer(torch.zeros(4, 7, 3))
        >>> outputs.shape
        torch.Size([4, 7, 10])
    """
    tensors, where = _read(source)
    found = {match["prefix"] or "": match for name in tensors if (match := _LAYER.fullmatch(name))}
    name, _ = pick(found, None if prefix is None else prefix.removesuffix("."), "prefix", where)
    where = f"{name!r} of {where}" if name else where
    start = f"{name}." if name else ""
    own = source.get_submodule(name) if isinstance(source, nn.Module) else None
    nonlinearity = nonlinearity or getattr(own, "nonlinearity", None)
    layer = {key[len(start) :]: value for key, value in tensors.items() if key.startswith(start)}
    rows = [[_part(parameters, nonlinearity, where) for parameters in row] for row in _layers(layer, where)]
    dropout = own.dropout if isinstance(own, nn.RNNBase) else 0.0
    if drop_in:
        module = _drop_in(rows, where, dropout=dropout, batch_first=getattr(own, "batch_first", False))
    else:
        module = build(rows, where, dropout=dropout)
    return module if own is None else module.train(own.training)


def _drop_in(rows: Sequence[Sequence[Part]], where: str, **options: Any) -> LSTM | GRU | RNN:
    """The module of ``torch.nn``'s names with these parameters."""
    first = rows[0][0]
    features, units = first.sizes(where)
    module = {"elman": RNN, "gru": GRU}.get(first.cell, LSTM)(
        features,
        units,
        len(rows),
        bias="bias_ih" in first.parameters,
        bidirectional=len(rows[0]) == 2,
        device="meta",
        **first.options,
        **options,
    )
    given = {
        f"{name}_l{k}{direction}": value
        for k, row in enumerate(rows)
        for direction, part in zip(_DIRECTIONS, row, strict=False)
        for name, value in part.parameters.items()
    }
    return fill(module, given, where)


def _read(source: Source) -> tuple[dict[str, Tensor], str]:
    """All tensors of the source by name, and what to call it."""
    if isinstance(source, nn.Module):
        return _flat(source.state_dict()), f"the {type(source).__name__}"
    if isinstance(source, Mapping):
        return _flat(source), "the state_dict"
    path = existing(source)
    with reading(path, "what torch.save(module.state_dict(), path) writes, or a .safetensors file"):
        if path.suffix == ".safetensors":
            return load_file(path), str(path)
        content = torch.load(path, map_location="cpu", weights_only=True)
    if not isinstance(content, Mapping):
        raise ElmanError(f"{path} has a {type(content).__name__}; it must have a state_dict")
    return _flat(content), str(path)


def _flat(values: Mapping[Any, Any], start: str = "") -> dict[str, Tensor]:
    """The tensors in ``values``, those of a dictionary in it, as checkpoints have, by both keys with a dot."""
    flat: dict[str, Tensor] = {}
    for key, value in values.items():
        if isinstance(value, Tensor):
            flat[f"{start}{key}"] = value
        elif isinstance(value, Mapping):
            flat.update(_flat(value, f"{start}{key}."))
    return flat


def _layers(tensors: Mapping[str, Tensor], where: str) -> list[list[dict[str, Tensor]]]:
    """The parameters of each layer and direction; a cell is one layer."""
    directions = _DIRECTIONS if "weight_hh_l0_reverse" in tensors else _DIRECTIONS[:1]
    numbers = takewhile(lambda k: f"weight_hh_l{k}" in tensors, count())
    ends = [[f"_l{k}{direction}" for direction in directions] for k in numbers] or [[""]]
    layers = [[{n: tensors[n + end] for n in _PARAMETERS if n + end in tensors} for end in row] for row in ends]
    known = {name + end for row in ends for end in row for name in _PARAMETERS}
    for name in tensors:
        if _NUMBERED.fullmatch(name) and name not in known:
            raise ElmanError(f"{where} has a {name}, and not all layers and directions before it; it is damaged")
    return layers


def _part(parameters: dict[str, Tensor], nonlinearity: str | None, where: str) -> Part:
    """A cell, told by the shapes of its parameters."""
    part = Part("", {}, parameters)
    rows, size = part.matrix("weight_hh", where).shape
    units = part.matrix("weight_hr", where).shape[1] if "weight_hr" in parameters else size
    kind = {units: "elman", 3 * units: "gru", 4 * units: "lstm"}.get(rows)
    if kind is None or (kind != "lstm" and "weight_hr" in parameters):
        raise ElmanError(f"{where} has a weight_hh of {[rows, size]}, and is no RNN, LSTM or GRU")
    if "weight_hr" in parameters:
        return Part("lstm_projected", {"proj_size": size}, parameters)
    if kind != "elman":
        return Part(kind, {}, parameters)
    if nonlinearity is None:
        raise ElmanError(f"{where} is an RNN, and does not say of what: give nonlinearity='tanh', the usual, or 'relu'")
    return Part("elman", {"nonlinearity": nonlinearity}, parameters)
