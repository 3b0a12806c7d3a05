"""Weights of Keras: SimpleRNN, LSTM and GRU, also within RNN and Bidirectional. Keras itself is not needed."""

import io
import json
import re
import zipfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor

from elman.errors import ElmanError
from elman.layers import Recurrent
from elman.weights.stack import Part, build, existing, listed, pick, reading, require

Config = Mapping[str, Any]  # of one layer or cell: its class, and what that was made with

# where a variable stands: its layer, the direction, the cell or the cell of several, its number in Keras's order
_VARIABLE = re.compile(
    r"(?P<cell>(?P<layer>.+?)(?:/(?P<direction>(?:for|back)ward_layer))?/cell(?:/cells/[^/]+)?)/vars/(?P<number>\d+)"
)
_ACTIVATIONS = {
    "LSTM": {"activation": ("tanh",), "recurrent_activation": ("sigmoid",)},
    "GRU": {"activation": ("tanh",), "recurrent_activation": ("sigmoid",)},
    "SimpleRNN": {"activation": ("tanh", "relu")},
}


class _Layer(NamedTuple):
    """A recurrent layer as it stands in a file."""

    path: str
    directions: dict[str, dict[str, dict[int, Tensor]]]  # variables by the path of their cell


def from_keras(path: str | Path, layer: str | Sequence[str] | None = None) -> Recurrent:
    """The ``Recurrent`` that computes what a SimpleRNN, LSTM or GRU of Keras computes.

    The layer may be within ``Bidirectional``, and may be an ``RNN`` of one cell or of several. The outputs of all steps
    and the last state are always returned. A layer with ``go_backwards`` expects the sequence turned round. What Keras
    does in training alone, such as dropout, is left out.

    Args:
        path: a ``.keras`` file, or a ``.weights.h5`` of ``Model.save_weights``. The latter does not say what its layers
            compute: activations, and the merging of two directions, are taken to be Keras's defaults.
        layer: the layer's name, not needed where there is only one; or several names, which become one stack.

    Returns:
        A ``Recurrent`` of ``elman``, ``lstm``, ``gru``, or ``gru_reset_before`` for a GRU with ``reset_after=False``.
        Where Keras has one bias for a gate it is ``bias_ih``, and ``bias_hh`` is zero.

    Raises:
        ElmanError: no such file or one that cannot be read, no such layer, several where none is named, activations or
            a merging of directions that are not ours, layers that do not make a stack.

    Example:
        ``encoder = from_keras("model.keras", "encoder")``
    """
    path = existing(path)
    layers, configs = _read(path)
    rows: list[list[Part]] = []
    for wanted in listed(layer, "layer"):
        name, found = pick(layers, wanted, "layer", str(path))
        rows += _rows(found, configs, f"{name!r} of {path}")
    return build(rows, str(path) if layer is None else f"{layer!r} of {path}")


def _read(path: Path) -> tuple[dict[str, _Layer], dict[str, Config]]:
    """The recurrent layers of a file by name, and the configurations of its layers by path, where it has them."""
    with reading(path, "what model.save('model.keras') or model.save_weights('model.weights.h5') of Keras 3 writes"):
        if not zipfile.is_zipfile(path):
            return _layers(path, {}), {}
        with zipfile.ZipFile(path) as archive:
            configs = dict(_configs(json.loads(archive.read("config.json"))))
            return _layers(io.BytesIO(archive.read("model.weights.h5")), configs), configs


def _configs(config: Any, path: str = "") -> Iterator[tuple[str, Config]]:
    """The configuration of every layer and cell, with the path at which Keras keeps its weights."""
    if not isinstance(config, dict) or not isinstance(config.get("config"), dict):
        return
    yield path, config
    for key, value in config["config"].items():
        # what Bidirectional is made with is its layer of the forward direction
        key = "forward_layer" if (config.get("class_name"), key) == ("Bidirectional", "layer") else key
        start = f"{path}/{key}".lstrip("/")
        yield from _configs(value, start)
        seen: Counter[str] = Counter()
        for part in value if isinstance(value, list) else ():
            if isinstance(part, dict) and isinstance(part.get("class_name"), str):
                name = _snake(part["class_name"])
                yield from _configs(part, f"{start}/{name}_{seen[name]}" if seen[name] else f"{start}/{name}")
                seen[name] += 1


def _snake(name: str) -> str:
    """The name of a class as Keras writes it in paths: ``simple_rnn`` for ``SimpleRNN``."""
    name = re.sub(r"(.)([A-Z][a-z]+)", r"\1_\2", re.sub(r"\W", "", name))
    return re.sub(r"([a-z])([A-Z])", r"\1_\2", name).lower()


def _layers(source: Path | io.BytesIO, configs: Mapping[str, Config]) -> dict[str, _Layer]:
    """The recurrent layers of an HDF5 file, by name; those that share a name, by path."""
    h5py = require("h5py")
    layers: dict[str, _Layer] = {}
    names: dict[str, str] = {}

    def visit(at: str, item: Any) -> None:
        if isinstance(item, h5py.Dataset):
            if match := _VARIABLE.fullmatch(at):
                layer = layers.setdefault(match["layer"], _Layer(match["layer"], {}))
                cells = layer.directions.setdefault(match["direction"] or "forward_layer", {})
                cells.setdefault(match["cell"], {})[int(match["number"])] = _tensor(item)
        elif isinstance(name := item.attrs.get("name"), str):
            names[at.removesuffix("/vars")] = name

    with h5py.File(source, "r") as file:
        file.visititems(visit)  # which follows no link out of the file
        if not layers and ("model_weights" in file or "layer_names" in file.attrs):
            raise ValueError("it is in the HDF5 format of before Keras 3")
    called = {at: configs[at]["config"].get("name") if at in configs else names.get(at) for at in layers}
    called = {at: name if isinstance(name, str) else at.rpartition("/")[2] for at, name in called.items()}
    times = Counter(called.values())
    return {name if times[name] == 1 else at: layers[at] for at, name in called.items()}


def _tensor(dataset: Any) -> Tensor:
    """The values of a dataset, which must be in the file itself."""
    # what a file declares and has not is read as zeros, of any size
    if dataset.external or dataset.is_virtual or dataset.nbytes > 1000 * dataset.id.get_storage_size():
        raise ValueError(f"the values of {dataset.name} are not in it")
    return torch.tensor(dataset[()])


def _rows(layer: _Layer, configs: Mapping[str, Config], where: str) -> list[list[Part]]:
    """A layer of Keras as layers of ours: for each, the cell of each direction."""
    own = configs.get(layer.path)
    merge = "concat" if own is None else own["config"].get("merge_mode", "concat")
    if merge != "concat":
        raise ElmanError(
            f"{where} has merge_mode {merge!r}, and a Recurrent has the directions side by side, as 'concat'; "
            "its .weights.h5 is read, for you to merge the halves of the outputs"
        )
    columns = []
    for direction in sorted(layer.directions, reverse=True):  # forward_layer before backward_layer
        cells = layer.directions[direction]
        outer = configs.get(f"{layer.path}/{direction}", own)
        columns.append([_cell(cells[at], configs.get(at, outer), where) for at in sorted(cells, key=_number)])
    if len(columns) == 2 and [len(column) for column in columns] != [1, 1]:
        raise ElmanError(
            f"{where} has a stack in each direction, and every layer of a Recurrent has both directions; "
            "Bidirectional layers one upon another are read, by a list of their names"
        )
    return [list(row) for row in zip(*columns, strict=True)]


def _number(path: str) -> int:
    """The place of a cell among its kind: 2 for ``lstm_cell_2``, 0 for ``lstm_cell``."""
    match = re.search(r"_(\d+)$", path)
    return int(match[1]) if match else 0


def _cell(variables: Mapping[int, Tensor], config: Config | None, where: str) -> Part:
    """A cell from its kernel, recurrent kernel and bias."""
    kernel, recurrent, bias = (variables.get(number) for number in range(3))
    if kernel is None or recurrent is None or kernel.dim() != 2 or recurrent.dim() != 2:
        raise ElmanError(f"{where} has no kernel and recurrent kernel of two axes each; the file is damaged")
    kind = _kind(recurrent, where) if config is None else _kind_of(config, where)
    settings = {} if config is None else config["config"]
    parameters = {"weight_ih": _packed(kernel, kind), "weight_hh": _packed(recurrent, kind)}
    after = kind == "GRU" and settings.get("reset_after", None if bias is None else bias.dim() == 2)
    if after is None:
        raise ElmanError(f"{where} is a GRU without bias; only a .keras file says whether its reset_after is True")
    if bias is not None:
        both = bias if after else torch.stack([bias, torch.zeros_like(bias)])
        if both.dim() != 2 or both.shape[0] != 2:
            raise ElmanError(f"{where} has a bias of {list(bias.shape)}, which no {kind} has; the file is damaged")
        parameters["bias_ih"], parameters["bias_hh"] = (_packed(part, kind) for part in both)
    if kind == "SimpleRNN":
        return Part("elman", {"nonlinearity": settings.get("activation", "tanh")}, parameters)
    return Part("lstm" if kind == "LSTM" else "gru" if after else "gru_reset_before", {}, parameters)


def _kind(recurrent: Tensor, where: str) -> str:
    """What a cell without configuration is, told by the number of its gates."""
    units, columns = recurrent.shape
    kind = {units: "SimpleRNN", 3 * units: "GRU", 4 * units: "LSTM"}.get(columns)
    if kind is None:
        raise ElmanError(f"{where} has a recurrent kernel of {[units, columns]}, and is no SimpleRNN, GRU or LSTM")
    return kind


def _kind_of(config: Config, where: str) -> str:
    """What a cell with a configuration is; refused if it does not compute what ours do."""
    kind = str(config.get("class_name")).removesuffix("Cell")
    # a class of the user's own may compute anything, whatever its name
    ours = str(config.get("module")).partition(".")[0] in ("keras", "tf_keras")
    if kind not in _ACTIVATIONS or not ours:
        raise ElmanError(f"{where} is a {config.get('class_name')}; SimpleRNN, GRU and LSTM of Keras are read")
    for name, allowed in _ACTIVATIONS[kind].items():
        value = config["config"].get(name, allowed[0])
        if value not in allowed:
            raise ElmanError(f"{where} has the {name} {value!r}; of a {kind} {' or '.join(map(repr, allowed))} is read")
    return kind


def _packed(value: Tensor, kind: str) -> Tensor:
    """Gates as rows instead of columns, in our order: z r h of Keras are r z n."""
    value = value.transpose(0, -1)
    if kind != "GRU":
        return value
    z, r, n = value.chunk(3)
    return torch.cat([r, z, n])
