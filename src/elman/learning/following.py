"""The cells of a model, and what they are given for a while."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from torch import nn

from elman.cells.recurrence import Recurrence
from elman.layers.drop_in import DropIn


def cells_of(model: nn.Module) -> dict[str, Recurrence]:
    """Every cell and adopted module that the model runs, by the path of its module; those of a drop-in are numbered."""
    found: dict[str, Recurrence] = {}
    for path, module in model.named_modules():
        if isinstance(module, Recurrence):
            found[path] = module
        elif isinstance(module, DropIn):
            found |= {f"{path}.{i}".lstrip("."): cell for i, cell in enumerate(module._cells)}
    return found


@contextmanager
def with_attributes(given: Mapping[Recurrence, Mapping[str, Any]]) -> Iterator[None]:
    """Within this context the cells have these attributes, in front of their own and of their class's."""
    before = {cell: dict(vars(cell)) for cell in given}
    for cell, attributes in given.items():
        vars(cell).update(attributes)
    try:
        yield
    finally:
        for cell, attributes in given.items():
            for name in attributes:
                if name in before[cell]:
                    vars(cell)[name] = before[cell][name]
                else:
                    del vars(cell)[name]
