"""Search: which tokens a model says, one after another, given how likely it finds each next one.

A search is a value. It is called with a model's step, ``step(tokens, state) -> (log_probs, state)``, which takes the
last token ``[B, K]`` of ``K`` hypotheses for each of ``B`` sentences, and gives ``log_probs [B, K, V]`` of the next
one; the state is a tuple of tensors, each ``[B, K, ...]``. All sentences and hypotheses are one step.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from elman.errors import ElmanError

State = tuple[Tensor, ...]
Step = Callable[[Tensor, State], tuple[Tensor, State]]


class Hypothesis(NamedTuple):
    """What may be said."""

    tokens: list[int]  # without the one that begins and the one that ends it
    log_prob: float  # of all the tokens and the end
    score: float  # what hypotheses are compared by


@dataclass(frozen=True)
class Limits:
    """What every search keeps to.

    Args:
        end: the token that ends a hypothesis.
        max_length: the most tokens of a hypothesis, beside ``end``: one number, or whole numbers ``[B]``. A hypothesis
            that is as long as that can only end.
        forbidden: tokens that are never said.

    Raises:
        ElmanError: a negative length, or an end that is forbidden.
    """

    end: int
    max_length: int | Tensor
    forbidden: Sequence[int] = ()

    def __post_init__(self) -> None:
        lengths = torch.as_tensor(self.max_length)
        if lengths.is_floating_point() or bool((lengths < 0).any()):
            raise ElmanError(f"max_length is a whole number of tokens, 0 or more, not {self.max_length}")
        if self.end in self.forbidden:
            raise ElmanError(f"token {self.end} ends a hypothesis and is forbidden: take it out of forbidden")

    def each(self, batch: int) -> Tensor:
        """``[B]``: the most tokens of each sentence."""
        lengths = torch.as_tensor(self.max_length)
        if list(lengths.shape) not in ([], [batch]):
            raise ElmanError(f"max_length is one number, or one for each of {batch} sentences, not {len(lengths)}")
        return lengths.expand(batch)

    def keep(self, log_probs: Tensor, length: int) -> Tensor:
        """Make impossible what hypotheses of this length may not say."""
        if log_probs.isnan().any():
            raise ElmanError(f"the log-probabilities of token {length + 1} have NaN in them: the model is broken")
        never = torch.zeros(log_probs.shape[-1], dtype=torch.bool, device=log_probs.device)
        never[list(self.forbidden)] = True
        others = torch.arange(len(never), device=never.device) != self.end
        full = torch.as_tensor(self.max_length, device=never.device).view(-1, 1, 1) <= length
        return log_probs.masked_fill(never | (full & others), -math.inf)


@dataclass(frozen=True)
class Greedy:
    """Greedy search: take the likeliest token each time.

    Example:
        >>> def step(tokens, state):  # counts up, and ends after 3
        ...     likely = torch.nn.functional.one_hot((tokens + 1) % 4, 4)
        ...     return torch.log_softmax(5.0 * likely, -1), state
        >>> search = Greedy()
        >>> [[hypothesis]] = search(step, (), torch.tensor([0]), Limits(end=0, max_length=10))
        >>> hypothesis.tokens
        [1, 2, 3]
    """

    def __call__(self, step: Step, state: State, begin: Tensor, limits: Limits) -> list[list[Hypothesis]]:
        """Search.

        Args:
            step: the model's step.
            state: the state it begins with, each ``[B, ...]``.
            begin: ``[B]``, the token that each sentence begins with.
            limits: what ends a hypothesis, and what it may not say.

        Returns:
            For each sentence its hypothesis, in a list.
        """
        return _walk(step, state, begin, limits, 1, lambda log_probs: log_probs.argmax(-1))


@dataclass(frozen=True)
class Sample:
    """Sampling: draw each token with the probability that the model gives it.

    Args:
        temperature: divides the log-probabilities: below 1 the likeliest are favoured, above 1 tokens are more varied.
        top_k: draw only from this many of the likeliest tokens.
        top_p: draw only from the likeliest tokens that together have at least this probability (Holtzman et al. 2020).
        seed: of the random numbers; PyTorch's own generator if not given.
        count: hypotheses for each sentence.

    Raises:
        ElmanError: a temperature, ``top_k``, ``top_p`` or count out of its range.
    """

    temperature: float = 1.0
    top_k: int | None = None
    top_p: float = 1.0
    seed: int | None = None
    count: int = 1

    def __post_init__(self) -> None:
        if not self.temperature > 0:
            raise ElmanError(f"temperature must be above 0, not {self.temperature!r}; Greedy() takes the likeliest")
        if self.top_k is not None:
            _check_count("top_k", self.top_k)
        if not 0 < self.top_p <= 1:
            raise ElmanError(f"top_p must be above 0 and at most 1, not {self.top_p!r}")
        _check_count("count", self.count)

    def __call__(self, step: Step, state: State, begin: Tensor, limits: Limits) -> list[list[Hypothesis]]:
        """Search as ``Greedy`` does; each sentence has ``count`` hypotheses, the best score first."""
        generator = None if self.seed is None else torch.Generator(begin.device).manual_seed(self.seed)

        def choose(log_probs: Tensor) -> Tensor:
            ordered, tokens = (log_probs / self.temperature).sort(-1, descending=True)
            if self.top_k is not None:
                ordered[..., self.top_k :] = -math.inf
            probs = ordered.softmax(-1)
            # a token stays while those before it do not have top_p together: the first always does
            probs = probs.masked_fill(probs.cumsum(-1) - probs >= self.top_p, 0)
            chosen = torch.multinomial(probs.flatten(0, 1), 1, generator=generator).view(*probs.shape[:2], 1)
            return tokens.gather(-1, chosen).squeeze(-1)

        return _walk(step, state, begin, limits, self.count, choose)


@dataclass(frozen=True)
class Beam:
    """Beam search: follow the best few beginnings at once.

        score(y) = log p(y) / ((5 + n) / 6) ^ length_penalty

    for ``n`` tokens, the end among them (Wu et al. 2016). A hypothesis that has ended keeps its place in the beam; a
    sentence is done when its beam is full of them, or as soon as none that goes on can come to be among the ``n_best``.

    Args:
        width: hypotheses that are followed at once.
        length_penalty: 0 compares by probability, which favours the short; 1 nearly by the mean of a token.
        n_best: hypotheses returned for each sentence, at most.

    Raises:
        ElmanError: a width or an ``n_best`` below 1, more of the best than the beam is wide.
    """

    width: int = 5
    length_penalty: float = 0.6
    n_best: int = 1

    def __post_init__(self) -> None:
        _check_count("the width of a beam", self.width)
        _check_count("n_best", self.n_best)
        if self.n_best > self.width:
            raise ElmanError(f"a beam of {self.width} finds at most as many hypotheses, not the {self.n_best} best")
        if not math.isfinite(self.length_penalty):
            raise ElmanError(f"length_penalty is a finite number such as 0.6, not {self.length_penalty!r}")

    @torch.no_grad()
    def __call__(self, step: Step, state: State, begin: Tensor, limits: Limits) -> list[list[Hypothesis]]:
        """Search as ``Greedy`` does; each sentence has at most ``n_best`` hypotheses, the best score first."""
        device, batch = begin.device, len(begin)
        most = limits.each(batch).tolist()
        found: list[list[Hypothesis]] = [[] for _ in range(batch)]
        places = torch.full((batch, 1), self.width, device=device)  # in the beam, for those that go on
        state, tokens = tuple(part.unsqueeze(1) for part in state), begin[:, None]
        said = begin.new_empty(batch, 1, 0)
        total = torch.zeros(batch, 1, device=device)  # the log-probability of each hypothesis, -inf where there is none
        for length in range(max(most, default=-1) + 1):
            log_probs, state = step(tokens, state)
            size = log_probs.shape[-1]
            each = (total[:, :, None] + limits.keep(log_probs, length)).flatten(1)
            total, index = each.topk(min(self.width, each.shape[1]))
            total = total.masked_fill(torch.arange(total.shape[1], device=device) >= places, -math.inf)
            parent, tokens = index // size, index % size
            said = torch.cat([_pick(said, parent), tokens[:, :, None]], -1)

            ended = (tokens == limits.end) & (total > -math.inf)
            for row, place in ended.nonzero().tolist():
                log_prob = float(total[row, place])
                found[row].append(
                    Hypothesis(said[row, place, :-1].tolist(), log_prob, self._score(log_prob, length + 1))
                )
            places = places - ended.sum(1, keepdim=True)
            total = total.masked_fill(ended | self._beaten(found, total, length + 1, most), -math.inf)
            if bool((total == -math.inf).all()):
                break
            state = tuple(_pick(part, parent) for part in state)
        return [_best(hypotheses)[: self.n_best] for hypotheses in found]

    def _score(self, log_prob: float, tokens: int) -> float:
        return log_prob / ((5 + tokens) / 6) ** self.length_penalty

    def _beaten(self, found: list[list[Hypothesis]], total: Tensor, tokens: int, most: list[int]) -> Tensor:
        """``[B, 1]``: whether nothing that goes on can still come to be among the best of its sentence.

        What goes on gets no likelier, and has between one token more and all that it may have. The penalty is
        monotonic, so that the best it may become is at one end or the other.
        """
        highest = total.max(1).values.tolist()
        beaten = []
        for hypotheses, log_prob, longest in zip(found, highest, most, strict=True):
            bound = max(self._score(log_prob, tokens + 1), self._score(log_prob, longest + 1))
            enough = len(hypotheses) >= self.n_best
            beaten.append(enough and bound <= _best(hypotheses)[self.n_best - 1].score)
        return torch.tensor(beaten, device=total.device)[:, None]


@torch.no_grad()
def _walk(
    step: Step, state: State, begin: Tensor, limits: Limits, count: int, choose: Callable[[Tensor], Tensor]
) -> list[list[Hypothesis]]:
    """Follow ``count`` hypotheses for each sentence, whose next token is chosen ``[B, K, V] -> [B, K]``."""
    batch, end = len(begin), limits.end
    most = limits.each(batch)
    state = tuple(part[:, None].expand(batch, count, *part.shape[1:]) for part in state)
    tokens = begin[:, None].expand(batch, count)
    total = torch.zeros(batch, count, device=begin.device)
    running = torch.ones_like(tokens, dtype=torch.bool)
    said = [tokens]
    for length in range(max(most.tolist(), default=-1) + 1):
        log_probs, state = step(tokens, state)
        # what is said after the end does not matter
        log_probs = limits.keep(log_probs, length).masked_fill(~running[:, :, None], 0)
        if bool((log_probs == -math.inf).all(-1).any()):
            raise ElmanError(f"after {length} tokens the model and the limits leave none that is possible")
        tokens = choose(log_probs).masked_fill(~running, end)
        total = total + log_probs.gather(-1, tokens[:, :, None]).squeeze(-1)
        said.append(tokens)
        running = running & (tokens != end)
        if not running.any():
            break
    found = []
    for rows, log_probs in zip(torch.stack(said, -1)[:, :, 1:].tolist(), total.tolist(), strict=True):
        hypotheses = [Hypothesis(row[: row.index(end)], p, p) for row, p in zip(rows, log_probs, strict=True)]
        found.append(_best(hypotheses))
    return found


def _pick(x: Tensor, parent: Tensor) -> Tensor:
    """The hypotheses ``parent [B, W]`` of ``x [B, K, ...]``."""
    return x[torch.arange(len(x), device=x.device)[:, None], parent]


def _best(hypotheses: list[Hypothesis]) -> list[Hypothesis]:
    return sorted(hypotheses, key=lambda hypothesis: hypothesis.score, reverse=True)


def _check_count(name: str, count: int) -> None:
    if isinstance(count, bool) or not isinstance(count, int) or count < 1:
        raise ElmanError(f"{name} must be a whole number of at least 1, not {count!r}")
