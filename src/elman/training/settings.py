"""How to train, for how long, and beside what: the options that all tasks have; PyTorch is not needed to read them."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, ClassVar, TypeVar

from elman.errors import ElmanError
from elman.training.options import TaskOptions, chosen, option, usual

T = TypeVar("T")
LIMITS = ("minutes", "steps", "epochs")  # of a budget


@dataclass(frozen=True)
class Training:
    """How to train. The learning rate rises over ``warmup`` steps and falls by a cosine to a tenth over the budget."""

    panel: ClassVar[str] = "training"

    batch: int = option(64, "Rows in a batch.", min=1)
    bptt: int = option(64, "Steps in a window of truncated backpropagation through time.", min=1, was="truncate")
    learning: str = option(
        "truncated",
        "How gradients are computed: truncated; checkpointed, in less memory; or online, by rtrl, snap1 or eprop.",
        choices=("truncated", "checkpointed", "rtrl", "snap1", "eprop"),
    )
    lr: float = option(4e-3, "Learning rate, at its peak.", min=0, search=(3e-4, 1e-2), common=True)
    warmup: int = option(50, "Steps in which the learning rate rises to its peak.", min=0)
    decay: float = option(0.01, "Weight decay.", min=0)
    clip: float = option(1.0, "Bound of the gradient; 0 for none.", min=0)
    clipping: str = option(
        "norm",
        "What --clip bounds: norm, all together; value, each number; adaptive, each unit relative to its weights.",
        choices=("norm", "value", "adaptive"),
    )
    seed: int = option(1, "Random seed.", min=0, max=2**63 - 1)
    save_every: float = option(30.0, "Seconds between two checkpoints.", min=0)
    devices: int = option(1, "Devices that share each batch; without a GPU, processes.", min=1)
    precision: str = option(
        "32",
        "Precision: 32, or bf16 for matrix products in bfloat16, where the device has it.",
        choices=("32", "bf16"),
    )

    def __post_init__(self) -> None:
        if self.batch < self.devices:
            raise ElmanError(f"{self.devices} devices cannot share a batch of {self.batch}; --batch is to be as many")

    @property
    def rows(self) -> int:
        """Rows of a batch on each device."""
        return self.batch // self.devices


@dataclass(frozen=True)
class Budget:
    """How long to train; where several are given, the first that is reached ends the run."""

    panel: ClassVar[str] = "budget"

    minutes: float | None = option(None, "Train for this many minutes.", min=0, common=True)
    steps: int | None = option(None, "Train for this many steps.", min=1)
    epochs: float | None = option(None, "Train for this many epochs.", min=0, common=True)
    min_steps: int = option(1, "Train for at least this many steps, where --epochs would be fewer.", min=1)
    patience: int | None = option(None, "Stop after this many evaluations in a row without improvement.", min=1)

    def __post_init__(self) -> None:
        for name, value in (("minutes", self.minutes), ("epochs", self.epochs)):
            if value is not None and not value > 0:
                raise ElmanError(f"--{name} is above 0, not {value:g}")


@dataclass(frozen=True)
class Comparison:
    """What a model is compared with, in the same run."""

    panel: ClassVar[str] = "comparison"

    baselines: bool = option(True, "Train simple methods in the same run, and show them in the same table.")
    compare: str = option(
        "",
        "Other cells to train under the same budget, separated by commas, such as gru,transformer.",
        common=True,
        metavar="CELLS",
    )
    search: int = option(
        0, "Try this many settings first, each for a quarter of the budget, and train with the best.", min=0
    )


def groups(options: type[TaskOptions]) -> tuple[type, ...]:
    """The dataclasses of all that can be chosen about a run of the task that has these options."""
    return (options, Training, Budget, Comparison)


def usual_of(
    options: type[TaskOptions], group: type, given: Mapping[str, Any] = MappingProxyType({})
) -> dict[str, Any]:
    """What the options of a group are, for a task with these options, where the user does not give them."""
    found = usual(group)
    if group is not options:
        found |= {name: value for name, value in options.defaults.items() if name in found}
    if group is Budget and any(given.get(name) is not None for name in LIMITS):
        found |= dict.fromkeys(LIMITS)  # a limit that the user sets takes the place of the usual one
    return found


def configured(options: type[TaskOptions], group: type[T], given: Mapping[str, Any]) -> T:
    """The options of a group, for a task with these options: those given, the others as they usually are.

    Raises:
        ElmanError: a number out of its range.
    """
    return chosen(group, usual_of(options, group, given), given)
