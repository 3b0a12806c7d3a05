"""What all sources of weights share: a layer picked of those there are, and a module made of its parameters."""

import importlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from torch import Tensor, nn

from elman.cells import load
from elman.errors import ElmanError
from elman.layers import Recurrent

T = TypeVar("T")
M = TypeVar("M", bound=nn.Module)


class Part(NamedTuple):
    """One cell, as a source gives it."""

    cell: str  # its name
    options: dict[str, Any]
    parameters: dict[str, Tensor]  # by the names of the cell

    def matrix(self, name: str, where: str) -> Tensor:
        """The parameter of this name, which must be there and have two axes."""
        value = self.parameters.get(name)
        if value is None or value.dim() != 2:
            raise ElmanError(f"{where} has no {name} of two axes; it is damaged")
        return value

    def sizes(self, where: str) -> tuple[int, int]:
        """The features of the input and the units."""
        rows, features = self.matrix("weight_ih", where).shape
        return features, rows // len(load(self.cell).gates)


def build(rows: Sequence[Sequence[Part]], where: str, *, dropout: float = 0.0) -> Recurrent:
    """The stack of these cells, for each layer those of its directions, with copies of their parameters."""
    first = rows[0][0]
    features, units = first.sizes(where)
    like = [(first.cell, first.options, units)] * len(rows[0])
    kinds = [[(part.cell, part.options, part.sizes(where)[1]) for part in row] for row in rows]
    if any(kind != like for kind in kinds):
        found = ", ".join(
            " ".join([cell, *map(str, options.values()), f"of {size}"]) for row in kinds for cell, options, size in row
        )
        raise ElmanError(f"{where} is {found} units; the layers of one Recurrent are alike: read each by its own name")
    stack = Recurrent(
        first.cell,
        features,
        units,
        len(rows),
        bidirectional=len(like) == 2,
        dropout=dropout,
        bias="bias_ih" in first.parameters,
        device="meta",
        **first.options,
    )
    parts = enumerate(part for row in rows for part in row)
    given = {f"cells.{k}.{name}": value for k, part in parts for name, value in part.parameters.items()}
    return fill(stack, given, where)


def fill(module: M, given: Mapping[str, Tensor], where: str) -> M:
    """Give ``module``, which is on the device ``meta``, copies of these, with their dtype and device."""
    kind = f"{type(module).__name__}({module.extra_repr()})"
    wanted = dict(module.named_parameters())
    for name in [*wanted, *given]:
        if name not in given:
            raise ElmanError(f"{where} has no {name}, and a {kind} has one")
        if name not in wanted:
            raise ElmanError(f"{where} has a {name}, and a {kind} has none")
        if given[name].shape != wanted[name].shape:
            shapes = f"{list(given[name].shape)}, and that of a {kind} is {list(wanted[name].shape)}"
            raise ElmanError(f"{where} has a {name} of {shapes}")
    dtypes = sorted({str(value.dtype) for value in given.values()})
    if len(dtypes) > 1 or not all(value.is_floating_point() for value in given.values()):
        raise ElmanError(f"{where} has weights of {' and '.join(dtypes)}; they must be of one floating-point dtype")
    module.load_state_dict({name: value.detach().clone() for name, value in given.items()}, assign=True)
    return module


def pick(found: Mapping[str, T], wanted: str | None, argument: str, where: str) -> tuple[str, T]:
    """The layer of the name ``wanted``, or the only one there is."""
    if not found:
        raise ElmanError(f"{where} has no recurrent layer that is read: an LSTM, a GRU or a simple RNN")
    names = ", ".join(map(repr, found))
    if wanted is None:
        if len(found) > 1:
            raise ElmanError(f"{where} has several recurrent layers: give {argument} as one of {names}")
        (wanted,) = found
    if wanted not in found:
        raise ElmanError(f"{where} has no recurrent layer {wanted!r}: {argument} is one of {names}")
    return wanted, found[wanted]


def listed(wanted: str | Sequence[str] | None, argument: str) -> Sequence[str | None]:
    """The names that the user gives: one, several, or none where there is only one layer."""
    if wanted is None or isinstance(wanted, str):
        return [wanted]
    if not wanted or not all(isinstance(name, str) for name in wanted):
        raise ElmanError(f"{argument} is a name or a list of names, not {wanted!r}")
    return wanted


def existing(path: str | Path) -> Path:
    """``path``, which must be that of a file."""
    path = Path(path)
    if not path.is_file():
        raise ElmanError(f"there is no file {path}")
    return path


@contextmanager
def reading(path: Path, right: str) -> Iterator[None]:
    """Say of whatever a parser raises that ``path`` cannot be read, and that ``right`` could."""
    try:
        yield
    except ElmanError:
        raise
    except Exception as error:  # what damaged bytes can make a parser raise has no end
        reason = (str(error).strip() or type(error).__name__).partition("\n")[0].rstrip(".")
        raise ElmanError(f"{path} cannot be read ({reason}); it must be {right}") from error


def require(module: str) -> Any:
    """The module of this name, which comes with the extra ``weights``."""
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        raise ElmanError(f"this needs {module}: pip install 'elman[weights]'") from error
