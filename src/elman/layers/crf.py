"""The linear-chain conditional random field: a tag for each step, chosen for the whole sequence at once."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from elman.cells.recurrence import check_lengths
from elman.errors import ElmanError
from elman.layers.convolution import check_counts
from elman.layers.sequence import valid_steps, zero_padding

# The score of what is not allowed. It is finite, since the gradient of a sum of nothing but -inf is not a number; and
# large, so that its exponential is exactly zero beside that of any other score.
FORBIDDEN = -1e12


class CRF(nn.Module):
    """Linear-chain conditional random field (Lafferty, McCallum and Pereira 2001) over the emissions of a model.

        score(y) = start[y_1] + sum_t emissions[t, y_t] + sum_t transitions[y_t, y_t+1] + end[y_T]
        p(y) = exp(score(y)) / sum_y' exp(score(y'))

    The scores start at zero, where the tags of different steps are independent. Rows of length zero have one empty
    sequence of tags, whose probability is 1.

    Args:
        tags: how many tags there are, ``K``.
        allowed: bool ``[K + 1, K + 1]``, whether a tag (row) may be followed by a tag (column). The last row is the
            start of a sequence and the last column its end. ``span_transitions`` makes it for spans. All if not given.

    Raises:
        ElmanError: fewer than one tag; ``allowed`` of another shape or dtype.

    Example:
        >>> crf = CRF(3)
        >>> emissions, lengths = torch.randn(2, 5, 3), torch.tensor([5, 2])
        >>> loss = -crf.log_likelihood(emissions, torch.tensor([[0, 2, 1, 1, 0], [2, 2, 0, 0, 0]]), lengths).mean()
        >>> crf.decode(emissions, lengths).shape, crf.marginals(emissions, lengths).shape
        (torch.Size([2, 5]), torch.Size([2, 5, 3]))
    """

    allowed: Tensor

    def __init__(
        self,
        tags: int,
        allowed: Tensor | None = None,
        *,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__()
        check_counts(tags=tags)
        if allowed is None:
            allowed = torch.ones(tags + 1, tags + 1, dtype=torch.bool)
        if allowed.dtype != torch.bool or list(allowed.shape) != [tags + 1, tags + 1]:
            raise ElmanError(
                f"allowed is bool of {[tags + 1, tags + 1]}, a row and a column for each tag and then the start and "
                f"the end, not {allowed.dtype} of {list(allowed.shape)}"
            )
        self.tags = tags
        self.transitions = nn.Parameter(torch.zeros(tags, tags, device=device, dtype=dtype))
        self.start = nn.Parameter(torch.zeros(tags, device=device, dtype=dtype))
        self.end = nn.Parameter(torch.zeros(tags, device=device, dtype=dtype))
        self.register_buffer("allowed", allowed.to(device, copy=True))

    def log_likelihood(self, emissions: Tensor, tags: Tensor, lengths: Tensor | None = None) -> Tensor:
        """The logarithm of the probability of each row's tags.

        Args:
            emissions: ``[B, T, K]``, the scores of every tag at every step.
            tags: ``[B, T]`` whole numbers from 0 to ``K - 1``; what stands in the padding does not matter.
            lengths: ``[B]`` whole numbers from 0 to ``T``; ``T`` for all if not given.

        Returns:
            ``[B]``; a loss to minimise is minus its mean.

        Raises:
            ElmanError: a shape, a dtype or a length that does not fit; tags out of range, or not allowed.
        """
        self._check(emissions, lengths)
        emissions, valid = zero_padding(emissions, lengths), _valid(emissions, lengths)
        tags = tags.to(emissions.device)
        if not torch.compiler.is_compiling():
            self._check_tags(tags, valid)
        return self._score(emissions, tags.long(), valid) - self.log_partition(emissions, lengths)

    def log_partition(self, emissions: Tensor, lengths: Tensor | None = None) -> Tensor:
        """The logarithm of the sum, over all sequences of tags, of their exponential scores: ``[B]``."""
        self._check(emissions, lengths)
        start, transitions, end = self._scores()
        return self._sum(self._forward(emissions, lengths, start, transitions), end, lengths)

    def marginals(self, emissions: Tensor, lengths: Tensor | None = None) -> Tensor:
        """The probability of every tag at every step, ``[B, T, K]``; zeros in the padding.

        Raises:
            ElmanError: a shape, a dtype or a length that does not fit; a length for which no tags are allowed.
        """
        self._check(emissions, lengths)
        emissions = zero_padding(emissions, lengths)
        start, transitions, end = self._scores()
        alphas = self._forward(emissions, lengths, start, transitions)
        # from the end to the start is from the start to the end of the sequence turned round
        betas = _turned(self._forward(_turned(emissions, lengths), lengths, end, transitions.T), lengths)
        _check_possible(self._sum(alphas, end, lengths))
        # a softmax is the same as to subtract the partition, and does not lose digits where that is large
        return zero_padding(torch.softmax(alphas + betas - emissions, -1), lengths)

    @torch.no_grad()
    def decode(self, emissions: Tensor, lengths: Tensor | None = None) -> Tensor:
        """The most probable tags of each row (Viterbi 1967), ``[B, T]``; -1 in the padding.

        Raises:
            ElmanError: a shape, a dtype or a length that does not fit; a length for which no tags are allowed.
        """
        self._check(emissions, lengths)
        batch, time = emissions.shape[:2]
        if time == 0:
            return torch.zeros(batch, 0, dtype=torch.long, device=emissions.device)
        start, transitions, end = self._scores()
        emissions, valid = zero_padding(emissions, lengths), _valid(emissions, lengths)
        stay = torch.arange(self.tags, device=emissions.device)
        score = start + emissions[:, 0]
        pointers = []
        for t in range(1, time):
            best, before = (score[:, :, None] + transitions).max(1)
            now = valid[:, t, None]
            score = torch.where(now, best + emissions[:, t], score)
            pointers.append(torch.where(now, before, stay))
        total, tag = (score + end).max(1)
        _check_possible(torch.where(valid[:, 0], total, 0.0))
        path = [tag]
        for before in reversed(pointers):
            path.append(before.gather(1, path[-1][:, None])[:, 0])
        return torch.where(valid, torch.stack(path[::-1], 1), -1)

    def _forward(self, emissions: Tensor, lengths: Tensor | None, start: Tensor, transitions: Tensor) -> Tensor:
        """The logarithm of the sum over all that lead to each tag of each step, ``[B, T, K]``.

        Past its end a row keeps its last.
        """
        emissions, valid = zero_padding(emissions, lengths), _valid(emissions, lengths)
        score = start + emissions[:, :1].sum(1)  # right where there are no steps, too
        scores = [score]
        for t in range(1, emissions.shape[1]):
            new = torch.logsumexp(score[:, :, None] + transitions, 1) + emissions[:, t]
            score = torch.where(valid[:, t, None], new, score)
            scores.append(score)
        return torch.stack(scores, 1)[:, : emissions.shape[1]]

    def _sum(self, alphas: Tensor, end: Tensor, lengths: Tensor | None) -> Tensor:
        """The logarithm of the sum over all sequences of tags, ``[B]``: zero for the one that is empty."""
        if alphas.shape[1] == 0:
            return alphas.sum((1, 2))
        total = torch.logsumexp(alphas[:, -1] + end, 1)
        return total if lengths is None else torch.where(lengths.to(total.device) > 0, total, 0.0)

    def _score(self, emissions: Tensor, tags: Tensor, valid: Tensor) -> Tensor:
        """The score of each row's tags, ``[B]``."""
        if emissions.shape[1] == 0:
            return emissions.sum((1, 2))
        tags = torch.where(valid, tags, 0)
        start, transitions, end = self._scores()
        own = emissions.gather(2, tags[..., None])[..., 0]
        moves = torch.where(valid[:, 1:], transitions[tags[:, :-1], tags[:, 1:]], 0.0)
        last = tags.gather(1, (valid.sum(1, keepdim=True) - 1).clamp(min=0))[:, 0]
        edges = torch.where(valid[:, 0], start[tags[:, 0]] + end[last], 0.0)
        return edges + torch.where(valid, own, 0.0).sum(1) + moves.sum(1)

    def _scores(self) -> tuple[Tensor, Tensor, Tensor]:
        """The scores of start, transitions and end, those of what is not allowed replaced."""
        allowed = self.allowed
        return (
            torch.where(allowed[-1, :-1], self.start, FORBIDDEN),
            torch.where(allowed[:-1, :-1], self.transitions, FORBIDDEN),
            torch.where(allowed[:-1, -1], self.end, FORBIDDEN),
        )

    def _check(self, emissions: Tensor, lengths: Tensor | None) -> None:
        if emissions.dim() != 3 or emissions.shape[2] != self.tags:
            raise ElmanError(
                f"CRF({self.tags}) takes emissions of [batch, time, {self.tags}], not {list(emissions.shape)}"
            )
        if not torch.compiler.is_compiling():
            check_lengths(lengths, *emissions.shape[:2])

    def _check_tags(self, tags: Tensor, valid: Tensor) -> None:
        if tags.is_floating_point() or tags.dtype == torch.bool or tags.shape != valid.shape:
            raise ElmanError(f"tags are whole numbers of {list(valid.shape)}, not {tags.dtype} of {list(tags.shape)}")
        wrong = valid & ((tags < 0) | (tags >= self.tags))
        if wrong.any():
            row, step = wrong.nonzero()[0].tolist()
            raise ElmanError(
                f"tags go from 0 to {self.tags - 1}; row {row} has {int(tags[row, step])} at step {step}, "
                "which is not padding"
            )
        edge = torch.full_like(tags[:, :1], self.tags)
        path = torch.cat([edge, torch.where(valid, tags, self.tags), edge], 1).long()
        before, after = path[:, :-1], path[:, 1:]
        wrong = ~self.allowed[before, after] & ((before < self.tags) | (after < self.tags))
        if wrong.any():
            row, step = wrong.nonzero()[0].tolist()
            last = "the start" if step == 0 else f"tag {int(before[row, step])}"
            next = "the end" if after[row, step] == self.tags else f"tag {int(after[row, step])}"
            raise ElmanError(f"row {row} has {next} after {last} at step {step}, which allowed rules out")

    def extra_repr(self) -> str:
        return str(self.tags)


def span_transitions(labels: Sequence[str], scheme: str = "BIOES") -> Tensor:
    """Which label may follow which, as ``CRF`` takes it, where labels are ``O`` or ``B-PER``, ``I-PER`` and so on.

    ``IOB2``: ``I-`` goes on with a ``B-`` or ``I-`` of its type. ``IOB1``: ``I-`` may begin a span, and ``B-`` stands
    only where one of its type has just ended. ``BIOES``: ``E-`` ends a span, which ``B-`` has begun, and ``S-`` is one.

    Args:
        labels: the names of the tags, in the order of their numbers.
        scheme: ``"IOB1"``, ``"IOB2"`` or ``"BIOES"``.

    Raises:
        ElmanError: another scheme, or a label that it does not have.

    Example:
        >>> span_transitions(["O", "B-X", "I-X"], "IOB2").int()
        tensor([[1, 1, 0, 1],
                [1, 1, 1, 1],
                [1, 1, 1, 1],
                [1, 1, 0, 0]], dtype=torch.int32)
    """
    prefixes = {"IOB1": "BI", "IOB2": "BI", "BIOES": "BIES"}.get(scheme)
    if prefixes is None:
        raise ElmanError(f"the scheme of spans is IOB1, IOB2 or BIOES, not {scheme!r}")
    parts: list[tuple[str, str]] = []
    for label in labels:
        prefix, dash, kind = label.partition("-")
        if label != "O" and not (dash and kind and len(prefix) == 1 and prefix in prefixes):
            wanted = ", ".join(f"{prefix}-TYPE" for prefix in prefixes)
            raise ElmanError(f"the labels of {scheme} are O, {wanted}, not {label!r}")
        parts.append((prefix, kind))
    edge = ("O", "")  # before the start and after the end there is no span
    allowed = [[_may_follow(scheme, before, after) for after in (*parts, edge)] for before in (*parts, edge)]
    allowed[-1][-1] = False  # that of no labels at all; rows of length zero do not look at it
    return torch.tensor(allowed)


def _may_follow(scheme: str, before: tuple[str, str], after: tuple[str, str]) -> bool:
    same = before[1] == after[1]
    if scheme == "IOB2":
        return after[0] != "I" or (before[0] in "BI" and same)
    if scheme == "IOB1":
        return after[0] != "B" or (before[0] in "BI" and same)
    inside = before[0] in "BI"
    return (after[0] in "IE" and same) if inside else after[0] not in "IE"


def _valid(emissions: Tensor, lengths: Tensor | None) -> Tensor:
    """Which steps are there, bool ``[B, T]``."""
    if lengths is None:
        return torch.ones(emissions.shape[:2], dtype=torch.bool, device=emissions.device)
    return valid_steps(lengths, emissions)


def _turned(x: Tensor, lengths: Tensor | None) -> Tensor:
    """``x [B, T, ...]`` with the steps of each row in reverse; its padding stays where it is."""
    if lengths is None:
        return x.flip(1)
    steps = torch.arange(x.shape[1], device=x.device)
    back = lengths.to(x.device)[:, None] - 1 - steps
    back = torch.where(back >= 0, back, steps)
    return x.gather(1, back[..., None].expand_as(x))


def _check_possible(total: Tensor) -> None:
    """Refuse rows whose every sequence of tags has something that is not allowed."""
    wrong = total < FORBIDDEN / 2
    if wrong.any():
        row = int(wrong.nonzero()[0])
        raise ElmanError(f"allowed leaves no sequence of tags that is as long as row {row}")
