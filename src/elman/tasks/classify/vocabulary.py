"""What a classifier learns of its data before there is a model, as a folder keeps it."""

from dataclasses import dataclass
from typing import Annotated, Literal

from elman.data.plain import Distinct, Named, Positive, Within
from elman.errors import ElmanError
from elman.tasks.classify.layout import Layout
from elman.tasks.classify.target import Target


@dataclass(frozen=True)
class Texts:
    """The words and characters of texts."""

    tokens: Literal["words", "characters"]
    words: Named
    characters: Annotated[str, Distinct()]


@dataclass(frozen=True)
class Series:
    """The channels of series."""

    channels: tuple[str, ...]
    mean: tuple[float, ...]
    scale: tuple[Positive, ...]
    sparse: bool
    pace: Positive

    def __post_init__(self) -> None:
        if not len(self.mean) == len(self.scale) == len(self.channels) > 0:
            raise ElmanError("input: channels, mean and scale are not of one length")


@dataclass(frozen=True)
class Vocabulary:
    """How the data lay, what is answered, and what it is made of."""

    layout: Layout
    target: Target
    input: Texts | Series
    weights: tuple[Annotated[float, Within(min=0)], ...] | None

    def __post_init__(self) -> None:
        if self.layout.is_text != isinstance(self.input, Texts):
            raise ElmanError(f"input is not that of the layout {self.layout.kind!r}")
        kind, names = self.target.kind, self.target.names
        if (
            kind not in ("classes", "labels", "number")
            or len(set(names)) < len(names)
            or bool(names) == (kind == "number")
        ):
            raise ElmanError(f"target: {len(names)} names, or their kind {kind!r}, are not those of a target")
        if not self.target.scale > 0:
            raise ElmanError(f"target: scale is {self.target.scale:g}, which is out of its range")
        if self.weights is not None and len(self.weights) != self.target.size:
            raise ElmanError(f"weights are {len(self.weights)} and not {self.target.size}")
