"""What a checkpoint has, held against the run that goes on from it, before anything of it is used."""

import hashlib
import json
import math
import sys
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from elman.data.plain import shown
from elman.errors import ElmanError
from elman.training.checkpoints import randomness, randomness_kept, set_randomness
from elman.training.folders import by_name
from elman.training.tensors import check_like, check_weights


def identity(task: Any, training: Mapping[str, Any], prepared: Mapping[str, str]) -> dict[str, Any]:
    """What a checkpoint says of the run that it belongs to.

    Args:
        task: what is trained: its name, options and vocabulary tell it.
        training: how.
        prepared: what tells the files that were made of its data to learn from, by their names.
    """
    learns = {name: value for name, value in training.items() if name != "save_every"}  # which changes nothing
    said = json.loads(json.dumps({"options": vars(task.options), "training": learns}, default=by_name))
    learnt = json.dumps(task.vocabulary, sort_keys=True, default=by_name)
    return {
        "task": task.name(),
        **said,
        "vocabulary": hashlib.sha256(learnt.encode()).hexdigest(),
        "prepared": dict(prepared),
    }


def check_checkpoint(
    checkpoint: Mapping[str, Any],
    module: nn.Module,
    optimizer: torch.optim.Optimizer,
    now: Mapping[str, Any],
    carried: Callable[[], Any],
) -> None:
    """Refuse a checkpoint that a run cannot have written.

    Args:
        checkpoint: what was read.
        module: what is trained.
        optimizer: a new one, of the parameters of the module.
        now: the identity of the run.
        carried: what makes a state as a batch of the run leaves it for the next one.

    Raises:
        ElmanError: what is wrong with it.
    """
    kept = checkpoint["elman"]
    if lacking := [name for name in ("progress", "carried", "randomness") if name not in kept]:
        raise ElmanError(f"it lacks {lacking[0]!r}")
    if "run" in kept:  # formats before 3 do not say it
        check_identity(kept["run"], now)
    check_weights(checkpoint["state_dict"], module)
    check_like(checkpoint["optimizer_states"], [None], "the optimizer's state")
    check_optimizer(checkpoint["optimizer_states"][0], optimizer)
    check_randomness(kept["randomness"])
    if kept["carried"] is not None:
        check_carried(kept["carried"], carried())


def check_identity(given: Any, now: Mapping[str, Any]) -> None:
    """Refuse a checkpoint of another run; what only one of two versions knows is not compared.

    Raises:
        ElmanError: another task, option or vocabulary.
    """
    given = {"prepared": now["prepared"], **given} if isinstance(given, dict) else given  # 0.2 did not say it
    check_like(given, dict.fromkeys(now), "what it says of its run")
    if given["task"] != now["task"]:
        raise ElmanError(f"it is of the task {shown(given['task'])}, not {now['task']}")
    for part in ("options", "training"):
        for name, value in now[part].items():
            if isinstance(given[part], dict) and given[part].get(name, value) != value:
                raise ElmanError(
                    f"it is of a run with --{name.replace('_', '-')} {shown(given[part][name])}, not {value}"
                )
    if given["vocabulary"] != now["vocabulary"]:
        raise ElmanError("it is of a run that learnt another vocabulary, from other data")
    if given["prepared"] != now["prepared"]:
        raise ElmanError(f"it is of a run that learnt from another {' or '.join(now['prepared'])}, from other data")


def check_optimizer(given: Any, optimizer: torch.optim.Optimizer) -> None:
    """Refuse what the state of an optimizer cannot have been.

    Args:
        given: what was read.
        optimizer: a new one, of the parameters of the run; what it says of their groups replaces what was read, but for
            the learning rate, which is that of the last step where no other follows.

    Raises:
        ElmanError: other parameters, another shape or type than theirs, or a number that is not finite.
    """
    check_like(given, {"state": None, "param_groups": None}, "the optimizer's state")
    own = optimizer.state_dict()["param_groups"]
    groups = given["param_groups"]
    members = [group.get("params") for group in groups if isinstance(group, dict)] if isinstance(groups, list) else None
    parameters = [each for group in optimizer.param_groups for each in group["params"]]
    states: Any = given["state"] if isinstance(given["state"], dict) else {None: None}
    if members != [group["params"] for group in own] or not set(states) <= set(range(len(parameters))):
        raise ElmanError("the optimizer's state is of other parameters")
    for number, state in states.items():
        like = {"step": torch.zeros(()), "exp_avg": parameters[number], "exp_avg_sq": parameters[number]}
        check_like(state, like, f"the optimizer's state of parameter {number}")
        if not (state["step"] >= 1 and bool((state["exp_avg_sq"] >= 0).all())):
            raise ElmanError(f"the optimizer's state of parameter {number} has a number out of its range")
    rates = [group.get("lr") for group in groups]
    if not all(type(rate) in (int, float) and 0 <= rate <= sys.float_info.max for rate in rates):
        raise ElmanError("the optimizer's state has a learning rate that is none")
    given["state"] = {number: _own(state) for number, state in states.items()}
    given["param_groups"] = [{**group, "lr": rate} for group, rate in zip(own, rates, strict=True)]


def check_loops(given: Mapping[str, Any], like: Mapping[str, Any]) -> None:
    """Refuse what Lightning cannot have said of where its loop is; what only one of two versions says is not compared.

    Args:
        given: what was read.
        like: what it says of the loop of a run that begins.

    Raises:
        ElmanError: something is not there, or of another kind.
    """
    loop = given.get("fit_loop")
    if not isinstance(loop, dict):
        raise ElmanError("where its loop is was left out")
    for name, value in like.items():
        check_like(loop.get(name, value), value, f"where its loop is: {name}")


def _own(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Tensors each in a place of its own: a file may have several in one, where a step would change it for each."""
    return {name: each.clone(memory_format=torch.contiguous_format) for name, each in state.items()}


def check_carried(given: Any, like: Any) -> None:
    """Refuse a state that is carried from batch to batch and that the run cannot have left.

    Args:
        given: what was read.
        like: what the run leaves; precision apart.

    Raises:
        ElmanError: what differs.
    """
    if isinstance(given, Tensor) and isinstance(like, Tensor):
        check_like(given, like.to(given.dtype) if given.is_floating_point() else like, "the state that is carried")
    elif isinstance(given, dict) and isinstance(like, dict) and set(given) == set(like):
        for name, each in like.items():
            check_carried(given[name], each)
    elif isinstance(given, list | tuple) and isinstance(like, list | tuple) and len(given) == len(like):
        for one, other in zip(given, like, strict=True):
            check_carried(one, other)
    elif given is not None or like is not None:
        raise ElmanError("the state that is carried is not that of this model")


def check_randomness(state: Any) -> None:
    """Refuse a place of random numbers that there is not.

    Raises:
        ElmanError: what ``randomness`` did not write.
    """
    now = randomness()
    like = {"torch": now["torch"], "numpy": [None, now["numpy"][1], None, None, None]}
    try:
        # before a copy is made of what may be huge
        check_like({name: state[name] for name in like}, like, "where its random numbers are")
        with randomness_kept():
            set_randomness(state)
        at, has, cached = state["numpy"][2:]
        right = type(at) is int and 0 <= at <= 624 and has in (0, 1) and math.isfinite(cached)
    except (AttributeError, IndexError, KeyError, OverflowError, RuntimeError, TypeError, ValueError) as error:
        raise ElmanError("where its random numbers are cannot be read") from error
    if not right:
        raise ElmanError("where its random numbers are is out of their range")
