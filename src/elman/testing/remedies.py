"""What holds for every remedy with every cell that it fits."""

import copy
import pickle
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from elman import cells
from elman.cells import Cell
from elman.cells.remedy import Remedy
from elman.compiler import plan
from elman.errors import ElmanError
from elman.layers import Recurrent
from elman.runtime import Stepper
from elman.testing.cases import pull, random_extras
from elman.testing.cells import able
from elman.testing.closeness import assert_close, assert_equal, require
from elman.testing.law import Check, Law

B, T, I, H = 3, 7, 3, 4  # rows, steps, features, units


def check_remedy(*remedies: Remedy, cell: type[Cell] | None = None, **options: Any) -> None:
    """Hold a remedy of your own to the laws that hold for every remedy of Elman.

    All executors give the same outputs, states and gradients from one seed; random numbers come from
    ``torch.manual_seed``, and evaluation draws none; copies, pickles and files of weights have the remedy too; second
    derivatives are right with the noise held; a ``Stepper`` steps as evaluation does.

    Args:
        remedies: one, or several that a cell is given together.
        cell: the cell that is given them; without it, each of Elman's that they fit.
        options: what the constructor of ``cell`` is given beside the sizes.

    Raises:
        LawBroken: the first law that does not hold: with which cell, and what differs.
        ElmanError: remedies that fit no cell.

    Example:
        >>> from elman import Zoneout
        >>> from elman.cells.gru import GRUCell
        >>> check_remedy(Zoneout(0.3), cell=GRUCell)
    """
    for check in remedy_checks(*remedies, cell=cell, **options):
        check.run()


def remedy_checks(
    *remedies: Remedy, cell: type[Cell] | None = None, executors: Sequence[str] | None = None, **options: Any
) -> Iterator[Check]:
    """The single checks of ``check_remedy``, each with a name, for the parameters of a test.

    Args:
        remedies: one, or several that a cell is given together.
        cell: the cell that is given them; without it, each of Elman's that they fit.
        executors: those that must run it; without it, those that can.
        options: what the constructor of ``cell`` is given beside the sizes.

    Example:
        >>> from elman import LearntState
        >>> from elman.cells.gru import GRUCell
        >>> next(remedy_checks(LearntState(), cell=GRUCell)).name
        'an_executor_gives_what_the_loop_gives-GRUCell-eager'
    """
    if not remedies:
        raise ElmanError("give check_remedy one remedy or more, as check_remedy(Zoneout(0.1))")
    for remedy in remedies:
        if not isinstance(remedy, Remedy):
            raise ElmanError(f"a remedy is a value such as Zoneout(0.1), not {remedy!r}")
    found = [cell] if cell else [each for each in map(cells.load, cells.names()) if fits(each, *remedies)]
    if not found:
        raise ElmanError(f"there is no cell that {' with '.join(map(repr, remedies))} fits")
    for each in found:
        kit = Kit(each, remedies, options)
        can = able(kit.make) if executors is None else executors
        for law in laws(each):
            subject = f"{'-'.join([each.__name__, *map(str, options.values())])} with {', '.join(map(repr, remedies))}"
            for check in law.checks(subject, kit, executors=can):
                name, _, executor = check.name.rpartition("-")
                yield Check(f"{name}-{each.__name__}-{executor}", check.run)


def laws(cell: type[Cell]) -> list[Law]:
    """The laws that a cell with remedies is held to."""
    return [
        Law(an_executor_gives_what_the_loop_gives),
        Law(seeds_make_the_noise_and_evaluation_has_none),
        Law(copies_and_files_have_the_remedies_too),
        *([Law(second_derivatives_are_right_with_the_noise_held)] if cell.smooth else []),
        *([] if cell.extra_inputs else [Law(a_stepper_steps_as_evaluation_does)]),
    ]


def fits(cell: type[Cell], *remedies: Remedy, **options: Any) -> bool:
    """Whether a cell takes these remedies together."""
    try:
        cell(I, H, **options).attach(*remedies)
    except ElmanError:
        return False
    return True


@dataclass(frozen=True)
class Kit:
    """A cell, and the remedies that it is given."""

    cell: type[Cell]
    remedies: tuple[Remedy, ...]
    options: Mapping[str, Any]

    def make(self, input_size: int, hidden_size: int, **more: Any) -> Cell:
        return self.cell(input_size, hidden_size, **self.options, **more).attach(*self.remedies)

    def layer(self, **more: Any) -> Recurrent:
        """A layer in float64 whose parameters, gains and initial states are all random."""
        layer = Recurrent(self.cell, I, H, remedies=self.remedies, dtype=torch.float64, **self.options, **more)
        with torch.no_grad():
            for name, parameter in layer.named_parameters():
                if "gain" in name or "initial" in name:
                    parameter.add_(0.3 * torch.rand_like(parameter))
        return layer


def inputs(layer: Recurrent) -> tuple[Tensor, dict[str, Tensor]]:
    """An input ``[B, T, I]``, and the extra inputs that the layer takes beside it."""
    return torch.randn(B, T, I, dtype=torch.float64, requires_grad=True), random_extras(_first(layer), B, T)


def _first(layer: Recurrent) -> Cell:
    cell = layer.cells[0]
    assert isinstance(cell, Cell)
    return cell


def results(layer: Recurrent, x: Tensor, given: Mapping[str, Any], seed: int = 1) -> dict[str, Tensor]:
    """Outputs, last states and all gradients, from one seed."""
    torch.manual_seed(seed)
    outputs, final = layer(x, **given)
    final = (final,) if isinstance(final, Tensor) else final
    gradients = pull({"x": x, **dict(layer.named_parameters())}, outputs, *final)
    return {
        "outputs": outputs,
        **{f"final {name}": part for name, part in zip(_first(layer).states, final, strict=True)},
        **{f"the gradient of {name}": value for name, value in gradients.items()},
    }


def an_executor_gives_what_the_loop_gives(kit: Kit) -> None:
    layer = kit.layer(bidirectional=True)
    x, extras = inputs(layer)
    given = {"lengths": torch.tensor([7, 0, 4]), "resets": torch.rand(B, T) < 0.3, **extras}

    def everything() -> dict[str, Tensor]:
        found = results(layer.train(), x, given)
        with torch.no_grad():
            return {**found, "outputs of evaluation": layer.eval()(x, **given)[0]}

    with plan.use("eager"):
        expected = everything()
    for what, value in everything().items():
        assert_close(value, expected[what], what)


def seeds_make_the_noise_and_evaluation_has_none(kit: Kit) -> None:
    layer = kit.layer()
    x, extras = inputs(layer)
    one, same, other = (results(layer, x, extras, seed) for seed in (1, 1, 2))
    for what, value in one.items():
        assert_equal(same[what], value, f"{what} from the same seed")
    torch.manual_seed(1)
    before = torch.get_rng_state()
    layer(x, **extras)
    noisy = not torch.equal(torch.get_rng_state(), before)
    alike = torch.equal(other["outputs"], one["outputs"])
    require(noisy != alike, "random numbers are drawn and change nothing" if noisy else "the seed is not torch's")

    layer.eval()
    before = torch.get_rng_state()
    calm, again = (layer(x, **extras)[0] for _ in range(2))
    require(torch.equal(torch.get_rng_state(), before), "evaluation draws random numbers")
    assert_equal(again, calm, "outputs of evaluation, twice")
    require(not noisy or not torch.equal(calm, one["outputs"]), "evaluation is as noisy as training")
    layer.train()
    assert_equal(results(layer, x, extras)["outputs"], one["outputs"], "outputs of training after evaluation")


def copies_and_files_have_the_remedies_too(kit: Kit) -> None:
    layer = kit.layer()
    x, extras = inputs(layer)
    expected = results(layer, x, extras)
    from_file = kit.layer()
    from_file.load_state_dict(layer.state_dict())
    pickled = pickle.loads(pickle.dumps(layer))
    for way, twin in {"a copy": copy.deepcopy(layer), "a pickle": pickled, "a file of weights": from_file}.items():
        for what, value in results(twin, x, extras).items():
            assert_equal(value, expected[what], f"{what} of {way}")


def second_derivatives_are_right_with_the_noise_held(kit: Kit) -> None:
    layer = kit.layer()
    names, own = zip(*layer.named_parameters(), strict=True)
    x, extras = torch.randn(2, 3, I, dtype=torch.float64), random_extras(_first(layer), 2, 3)

    def function(x: Tensor, *parameters: Tensor) -> Tensor:
        torch.manual_seed(3)
        given = dict(zip(names, parameters, strict=True))
        return torch.func.functional_call(layer, given, (x,), extras)[0]

    leaves = (x.requires_grad_(), *(p.detach().requires_grad_() for p in own))
    torch.autograd.gradgradcheck(function, leaves, fast_mode=True)


def a_stepper_steps_as_evaluation_does(kit: Kit) -> None:
    layer = kit.layer(num_layers=2)
    stepper, x = Stepper(layer, B), torch.randn(B, T, I, dtype=torch.float64)
    for _ in range(2):
        steps = torch.stack([stepper.step(x[:, t]).clone() for t in range(T)], 1)
        assert_close(steps, layer.eval()(x)[0].detach(), "outputs")
        stepper.reset()
