"""Attention over a memory, such as the outputs of an encoder: which of its steps matter to a query."""

import math
from abc import ABC, abstractmethod
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from elman.cells.recurrence import check_lengths
from elman.errors import ElmanError


class Keys(NamedTuple):
    """A memory as an attention reads it, projected once for any number of queries."""

    keys: Tensor  # [B, S, K], what a query is compared with
    values: Tensor  # [B, S, V], what is averaged
    valid: Tensor | None  # [B, S], which steps are no padding; all of them where it is None


class Attention(nn.Module, ABC):
    """What every attention is: a query is compared with each step of a memory, whose values are averaged accordingly.

        a_tj = softmax_j score(q_t, m_j)
        c_t = sum_j a_tj v_j

    Symbols used in the equations of all of them: ``q_t`` a query, ``m_j`` a step of the memory, ``v_j`` its value,
    which is ``m_j`` itself unless said otherwise, ``a_tj`` the weights, ``c_t`` the context.

    Attributes:
        query_size: features of a query.
        memory_size: features of the memory.
        context_size: features of the context.
        causal: whether a query sees no step of the memory that comes after its own. The queries then belong to the
            last steps of the memory: all of them, or a single one that steps.
    """

    def __init__(self, query_size: int, memory_size: int, context_size: int, causal: bool) -> None:
        super().__init__()
        for name, size in (("query_size", query_size), ("memory_size", memory_size), ("context_size", context_size)):
            if isinstance(size, bool) or not isinstance(size, int) or size < 1:
                raise ElmanError(f"{name} must be a whole number of at least 1, not {size!r}")
        self.query_size, self.memory_size, self.context_size = query_size, memory_size, context_size
        self.causal = causal

    @abstractmethod
    def project(self, memory: Tensor) -> tuple[Tensor, Tensor]:
        """The keys and the values of a memory ``[B, S, memory_size]``, whose padding is zero."""

    @abstractmethod
    def attend(
        self, query: Tensor, keys: Tensor, values: Tensor, allowed: Tensor | None, need_weights: bool
    ) -> tuple[Tensor, Tensor | None]:
        """The context and the weights; ``allowed``, ``[B or 1, Q or 1, S]``, has a step for every query."""

    def keys(self, memory: Tensor, lengths: Tensor | None = None) -> Keys:
        """Read a memory once, to be given to many calls in place of the memory and its lengths."""
        name = type(self).__name__
        if memory.dim() != 3 or memory.shape[2] != self.memory_size:
            raise ElmanError(f"{name} takes a memory of [batch, time, {self.memory_size}], not {list(memory.shape)}")
        if lengths is None:
            return Keys(*self.project(memory), None)
        batch, time = memory.shape[:2]
        if not torch.compiler.is_compiling():
            check_lengths(lengths, batch, time)
        valid = torch.arange(time, device=memory.device) < lengths.to(memory.device)[:, None]
        # what stands in the padding must reach no product: nothing times NaN is NaN
        return Keys(*self.project(memory.masked_fill(~valid[:, :, None], 0)), valid)

    def forward(
        self, query: Tensor, memory: Tensor | Keys, lengths: Tensor | None = None, need_weights: bool = True
    ) -> tuple[Tensor, Tensor | None]:
        """Average the memory for each query.

        Args:
            query: ``[B, Q, query_size]``.
            memory: ``[B, S, memory_size]``, or what ``keys`` made of it.
            lengths: ``[B]`` whole numbers from 0 to ``S``: the valid steps of the memory.
            need_weights: whether the weights are returned.

        Returns:
            The context ``[B, Q, context_size]`` and the weights ``[B, Q, S]``, or None. Both are zero for a query that
            may see no step.

        Raises:
            ElmanError: a shape or a length that does not fit.
        """
        if isinstance(memory, Keys) and lengths is not None:
            raise ElmanError("keys know the lengths of their memory: give the lengths to keys() alone")
        keys, values, valid = memory if isinstance(memory, Keys) else self.keys(memory, lengths)
        batch, steps = keys.shape[:2]
        if query.dim() != 3 or query.shape[0] != batch or query.shape[2] != self.query_size:
            raise ElmanError(
                f"{type(self).__name__} takes queries of [{batch}, queries, {self.query_size}] to a memory of {batch} "
                f"rows, not {list(query.shape)}"
            )
        allowed = None if valid is None else valid[:, None]
        if self.causal:
            past = self._past(query.shape[1], steps, query.device)
            allowed = past if allowed is None else past & allowed
        if allowed is None and steps:
            return self.attend(query, keys, values, None, need_weights)
        if allowed is None:  # a memory without a step
            allowed = torch.ones(1, 1, 0, dtype=torch.bool, device=query.device)
        # a query that may see nothing looks at all steps, so that its softmax is one of numbers, and is told nothing
        sees = allowed.any(-1, keepdim=True)
        context, weights = self.attend(query, keys, values, allowed | ~sees, need_weights)
        return context.masked_fill(~sees, 0), None if weights is None else weights.masked_fill(~sees, 0)

    @staticmethod
    def _past(queries: int, steps: int, device: torch.device) -> Tensor:
        """``[1, Q, S]``: which steps are not after that of the query, the last query's being the last."""
        if queries > steps:
            raise ElmanError(
                f"a causal attention has a step of the memory for each query; {queries} queries, {steps} steps"
            )
        return torch.ones(1, queries, steps, dtype=torch.bool, device=device).tril(steps - queries)

    def extra_repr(self) -> str:
        return f"{self.query_size}, {self.memory_size}" + (", causal=True" if self.causal else "")


class AdditiveAttention(Attention):
    """Additive attention (Bahdanau et al. 2015): a small network compares the query with each step.

        score(q, m) = v^T tanh(W q + b + U m)

    Luong's ``concat`` is the same without ``b``. It takes memory for ``Q S units`` numbers a row.

    Args:
        query_size: features of a query.
        memory_size: features of the memory, and of the context.
        units: units of the small network.
        causal: whether a query sees no step after its own.

    Raises:
        ElmanError: a size below 1.

    Example:
        >>> attention = AdditiveAttention(5, 8, units=6)
        >>> context, weights = attention(torch.zeros(2, 3, 5), torch.zeros(2, 7, 8), torch.tensor([7, 0]))
        >>> context.shape, weights.sum(-1).tolist()
        (torch.Size([2, 3, 8]), [[1.0, 1.0, 1.0], [0.0, 0.0, 0.0]])
    """

    def __init__(self, query_size: int, memory_size: int, units: int, *, causal: bool = False) -> None:
        super().__init__(query_size, memory_size, memory_size, causal)
        if isinstance(units, bool) or not isinstance(units, int) or units < 1:
            raise ElmanError(f"units must be a whole number of at least 1, not {units!r}")
        self.query = nn.Linear(query_size, units)
        self.key = nn.Linear(memory_size, units, bias=False)
        self.score = nn.Linear(units, 1, bias=False)

    def project(self, memory: Tensor) -> tuple[Tensor, Tensor]:
        return self.key(memory), memory

    def attend(
        self, query: Tensor, keys: Tensor, values: Tensor, allowed: Tensor | None, need_weights: bool
    ) -> tuple[Tensor, Tensor | None]:
        scores = self.score(torch.tanh(self.query(query)[:, :, None] + keys[:, None])).squeeze(-1)
        return _average(scores, values, allowed, need_weights)


class MultiplicativeAttention(Attention):
    """Multiplicative attention (Luong et al. 2015): the product of the query with each step.

        score(q, m) = q^T m        dot
        score(q, m) = q^T W m      general

    The paper's third score, ``concat``, is ``AdditiveAttention``.

    Args:
        query_size: features of a query.
        memory_size: features of the memory, and of the context.
        score: ``"general"``, or ``"dot"``, which has no weights and takes two equal sizes.
        scaled: whether scores are divided by ``sqrt(query_size)``, as Vaswani et al. (2017) do, so that long vectors
            do not make for sharp weights from the start.
        causal: whether a query sees no step after its own.

    Raises:
        ElmanError: another score, a size below 1, or two sizes that a dot product cannot have.

    Example:
        >>> attention = MultiplicativeAttention(5, 8)
        >>> keys = attention.keys(torch.randn(2, 7, 8))  # once, for any number of queries
        >>> context, weights = attention(torch.randn(2, 1, 5), keys)
        >>> context.shape, weights.shape
        (torch.Size([2, 1, 8]), torch.Size([2, 1, 7]))
    """

    def __init__(
        self,
        query_size: int,
        memory_size: int,
        score: str = "general",
        *,
        scaled: bool = False,
        causal: bool = False,
    ) -> None:
        super().__init__(query_size, memory_size, memory_size, causal)
        if score not in ("dot", "general"):
            raise ElmanError(f"score is 'dot' or 'general', not {score!r}; 'concat' is AdditiveAttention")
        if score == "dot" and query_size != memory_size:
            raise ElmanError(
                f"a dot product takes a query and a memory of one size, not {query_size} and {memory_size}: "
                "use score='general'"
            )
        self.key = nn.Linear(memory_size, query_size, bias=False) if score == "general" else nn.Identity()
        self.scale = query_size**-0.5 if scaled else 1.0

    def project(self, memory: Tensor) -> tuple[Tensor, Tensor]:
        return self.key(memory), memory

    def attend(
        self, query: Tensor, keys: Tensor, values: Tensor, allowed: Tensor | None, need_weights: bool
    ) -> tuple[Tensor, Tensor | None]:
        return _average(self.scale * query @ keys.mT, values, allowed, need_weights)


class MultiHeadAttention(Attention):
    """Multi-head attention (Vaswani et al. 2017): several scaled dot products side by side, each of its own part.

        score_k(q, m) = (W_k q + b_k)^T (U_k m + d_k) / sqrt(units / heads)
        v_k = V_k m + e_k
        c = O [c_1; ...; c_heads] + o

    It runs through ``scaled_dot_product_attention``. The weights returned are the mean over the heads.

    Args:
        query_size: features of a query.
        memory_size: features of the memory.
        units: features of all heads together, and of the context; ``query_size`` if not given.
        heads: how many.
        causal: whether a query sees no step after its own.

    Raises:
        ElmanError: a size below 1, or ``heads`` that do not divide ``units``.

    Example:
        >>> attention = MultiHeadAttention(8, 8, heads=2, causal=True)  # of a sequence to its own past
        >>> x = torch.randn(2, 7, 8)
        >>> context, weights = attention(x, x)
        >>> context.shape, bool((weights.triu(1) == 0).all())
        (torch.Size([2, 7, 8]), True)
    """

    def __init__(
        self, query_size: int, memory_size: int, units: int | None = None, *, heads: int = 4, causal: bool = False
    ) -> None:
        units = query_size if units is None else units
        super().__init__(query_size, memory_size, units, causal)
        if isinstance(heads, bool) or not isinstance(heads, int) or heads < 1 or units % heads:
            divisors = ", ".join(str(n) for n in range(1, units + 1) if units % n == 0)
            raise ElmanError(f"heads must divide the {units} units: one of {divisors}, not {heads!r}")
        self.heads = heads
        self.query = nn.Linear(query_size, units)
        self.key = nn.Linear(memory_size, units)
        self.value = nn.Linear(memory_size, units)
        self.output = nn.Linear(units, units)

    def project(self, memory: Tensor) -> tuple[Tensor, Tensor]:
        return self.key(memory), self.value(memory)

    def attend(
        self, query: Tensor, keys: Tensor, values: Tensor, allowed: Tensor | None, need_weights: bool
    ) -> tuple[Tensor, Tensor | None]:
        queries, keys, values = (self._split(x) for x in (self.query(query), keys, values))
        mask = None if allowed is None else allowed[:, None]
        context = F.scaled_dot_product_attention(queries, keys, values, attn_mask=mask)
        context = self.output(context.transpose(1, 2).flatten(2))
        if not need_weights:
            return context, None
        scores = queries @ keys.mT / math.sqrt(queries.shape[-1])
        return context, _softmax(scores, mask).mean(1)

    def _split(self, x: Tensor) -> Tensor:
        """``[B, T, units]`` to ``[B, heads, T, units / heads]``."""
        return x.unflatten(-1, (self.heads, -1)).transpose(1, 2)


def _softmax(scores: Tensor, allowed: Tensor | None) -> Tensor:
    return (scores if allowed is None else scores.masked_fill(~allowed, -math.inf)).softmax(-1)


def _average(
    scores: Tensor, values: Tensor, allowed: Tensor | None, need_weights: bool
) -> tuple[Tensor, Tensor | None]:
    """The context and the weights of scores ``[B, Q, S]``."""
    weights = _softmax(scores, allowed)
    return weights @ values, weights if need_weights else None
