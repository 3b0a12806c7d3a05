"""How a language model writes: tokens drawn from their chances, one text after the other or many strings at once."""

import math
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor

from elman.errors import ElmanError
from elman.training.answers import finite

AT_ONCE = 1000  # strings


class Draw:
    """Tokens drawn from logits.

    Args:
        temperature: 0 takes the likeliest each time, 1 follows the model, more is wilder.
        top_k: choose among the so many likeliest only.
        top_p: choose among the likeliest that together have this probability only (Holtzman et al. 2020).
        seed: the same seed, the same tokens.

    Raises:
        ElmanError: a number out of its range.
    """

    def __init__(self, temperature: float, top_k: int | None, top_p: float | None, seed: int | None) -> None:
        if not 0 <= temperature < math.inf:
            raise ElmanError(f"the temperature is 0 or more, not {temperature:g}")
        if top_k is not None and top_k < 1:
            raise ElmanError(f"top-k is 1 or more, not {top_k}")
        if top_p is not None and not 0 < top_p <= 1:
            raise ElmanError(f"top-p is above 0 and at most 1, not {top_p:g}")
        if seed is not None and not -(2**63) <= seed < 2**63:
            raise ElmanError(f"the seed is a whole number of 64 bits, not {seed}")
        self.temperature, self.top_k, self.top_p = temperature, top_k, top_p
        self.random = torch.Generator()
        self.random.manual_seed(seed) if seed is not None else self.random.seed()

    def __call__(self, logits: Tensor) -> Tensor:
        """A token for each row of logits, ``[B, V]`` to ``[B]``; ElmanError where these are not finite."""
        return draw(finite(logits.cpu()), self.temperature, self.top_k, self.top_p, self.random)


def draw(logits: Tensor, temperature: float, top_k: int | None, top_p: float | None, random: torch.Generator) -> Tensor:
    """A token for each row, from ``softmax(logits / temperature)`` cut to the likeliest, ``[B, V]`` to ``[B]``.

    Example:
        >>> draw(torch.tensor([[0.0, 2.0, 1.0], [3.0, 2.0, 1.0]]), 0, None, None, torch.Generator())
        tensor([1, 0])
    """
    if temperature == 0:
        return logits.argmax(-1)
    shifted = logits.double() - logits.double().amax(-1, keepdim=True)  # the likeliest stay finite, however cold it is
    chances, order = torch.softmax(shifted / temperature, -1).sort(dim=-1, descending=True, stable=True)
    if top_k is not None:
        chances = chances[:, : min(top_k, chances.shape[-1])]
    if top_p is not None:
        before = chances.cumsum(-1) - chances
        kept = before < top_p * chances.sum(-1, keepdim=True)
        chances = (chances * kept)[:, : int(kept.sum(-1).max())]
    return order.gather(-1, torch.multinomial(chances, 1, generator=random))[:, 0]


@torch.no_grad()
def write_strings(
    model: Callable[[Tensor, Any], tuple[Tensor, Any]], start: Tensor, number: int, longest: int, end: int, draw: Draw
) -> Iterator[tuple[list[int], bool]]:
    """Strings, many side by side; one that has ended takes no more time.

    Args:
        model: tokens ``[B, T]`` and a state to logits ``[B, T, V]`` and the state after them.
        start: ``[T]``, the tokens that each begins with.
        number: of strings.
        longest: tokens of one at most, what it begins with and its end not counted.
        end: the token that ends one.
        draw: how tokens are drawn.

    Yields:
        The tokens of each, without what it begins with and without its end, and whether it ended by itself.
    """
    for first in range(0, number, AT_ONCE):
        rows = min(AT_ONCE, number - first)
        columns: list[Tensor] = []
        going, tokens, state = torch.arange(rows), start.expand(rows, -1), None
        for _ in range(longest + 1):
            logits, state = model(tokens, state)
            drawn = draw(logits[:, -1])
            columns.append(torch.full((rows,), end))
            columns[-1][going] = drawn
            kept = drawn != end
            if not kept.all():
                going, drawn, state = going[kept], drawn[kept], _taken(state, kept)
            if not len(going):
                break
            tokens = drawn[:, None]
        written = torch.stack(columns, 1)
        lengths = (written != end).sum(1)
        for row, length in zip(written.tolist(), lengths.tolist(), strict=True):
            yield row[: min(length, longest)], length <= longest


def _taken(state: Any, rows: Tensor) -> Any:
    """The state of some rows, of one in the form that ``Recurrent`` gives."""
    if isinstance(state, Tensor):
        return state[:, rows.to(state.device)]
    return tuple(_taken(each, rows) for each in state)
