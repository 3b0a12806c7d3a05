"""The transformer as a baseline for recurrences, with their interface: self-attention that can be stepped."""

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from elman.errors import ElmanError
from elman.layers.convolution import check_counts
from elman.layers.recurrent import check_stack
from elman.layers.sequence import (
    SequenceLayer,
    check_input,
    check_parts,
    check_shape,
    recent,
    segments,
    valid_steps,
    zero_padding,
)
from elman.layers.stacks import Residual, Stack


class SelfAttention(nn.Module):
    """Attention of each step to those up to it (Vaswani et al. 2017), with rotary positions (Su et al. 2021).

        q_t = R_t W_q x_t;  k_s = R_s W_k x_s;  v_s = W_v x_s                          in each head
        y_t = W_o sum_s softmax_s(q_t · k_s / sqrt(D)) v_s

    ``R_t`` turns each pair of features ``i`` and ``i + D/2`` by ``t base^(-2i/D)``, so that a score depends on
    ``t - s`` alone. The state is the keys before they are turned, the values, and how many of them each row has; so a
    stream may go on for ever without its positions growing. Without a ``window`` the state grows with every step; with
    one its size, and the time of a step, is constant.

    Args:
        input_size: features of the input and of the output, ``I``.
        heads: heads, of ``D = I / heads`` features each.
        window: steps that a step sees, itself included; all before it if not given.
        bidirectional: whether a step also sees those after it; there is no state then.
        dropout: dropout probability of the attention.
        bias: whether the four projections have biases.
        base: what sets the slowest turn.

    Raises:
        ElmanError: heads that do not divide the features into even parts, a size or a window below 1, a window in both
            directions, a dropout outside 0 to 1.

    Example:
        >>> layer = SelfAttention(8, heads=2, window=4)
        >>> outputs, (keys, values, kept) = layer(torch.zeros(3, 7, 8), lengths=torch.tensor([7, 2, 0]))
        >>> outputs.shape, keys.shape, kept
        (torch.Size([3, 7, 8]), torch.Size([3, 3, 2, 4]), tensor([[3, 2, 0]]))
    """

    def __init__(
        self,
        input_size: int,
        heads: int = 4,
        *,
        window: int | None = None,
        bidirectional: bool = False,
        dropout: float = 0.0,
        bias: bool = True,
        base: float = 10_000.0,
        device: Any = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__()
        check_stack(1, dropout)
        check_counts(input_size=input_size, heads=heads, window=1 if window is None else window)
        if input_size % (2 * heads):
            fits = [str(n) for n in range(1, input_size + 1) if input_size % (2 * n) == 0]
            right = f"{', '.join(fits)} would" if fits else "an even number of features is needed"
            raise ElmanError(
                f"{heads} heads do not divide {input_size} features into even parts, whose pairs the positions turn; "
                f"{right}"
            )
        if window is not None and bidirectional:
            raise ElmanError("a window looks back; it goes with bidirectional=False")
        place: dict[str, Any] = {"device": device, "dtype": dtype}
        self.input_size = self.output_size = input_size
        self.heads, self.window, self.bidirectional = heads, window, bidirectional
        self.dropout, self.base = float(dropout), float(base)
        self.project = nn.Linear(input_size, 3 * input_size, bias, **place)  # rows of W_q, W_k, W_v
        self.combine = nn.Linear(input_size, input_size, bias, **place)

    def initial_state(self, batch: int) -> tuple[Any, ...]:
        """No keys and values yet: each ``[window - 1 or 0, batch, heads, D]``, and ``[1, batch]`` that count them."""
        if self.bidirectional:
            return ()
        weight = self.project.weight
        slots = 0 if self.window is None else self.window - 1
        empty = weight.new_zeros(slots, batch, self.heads, self.input_size // self.heads)
        return empty, empty, torch.zeros(1, batch, dtype=torch.long, device=weight.device)

    def forward(
        self, x: Tensor, state: Any = None, *, lengths: Tensor | None = None, resets: Tensor | None = None
    ) -> tuple[Tensor, tuple[Any, ...]]:
        """Run over a sequence.

        Args:
            x: ``[B, T, I]``.
            state: the state to start from; ``initial_state`` if not given.
            lengths: ``[B]`` whole numbers from 0 to ``T``. A finished row keeps its state; its outputs are zero.
            resets: ``[B, T]`` bool, true where a step begins a new segment, which sees nothing of the others.

        Returns:
            Outputs ``[B, T, I]`` and the state.

        Raises:
            ElmanError: a shape, a dtype or a length that does not fit.
        """
        check_input(self, self.project.weight, x, lengths, resets)
        projected = self.project(zero_padding(x, lengths))
        q, k, v = projected.unflatten(2, (3, self.heads, self.input_size // self.heads)).unbind(2)
        if self.bidirectional:
            check_parts(self, () if state is None else state, ())
            read, state = self._see_all(q, k, v, lengths, resets), ()
        else:
            read, state = self._see_back(q, k, v, state, lengths, resets)
        return zero_padding(self.combine(read), lengths), state

    def _see_all(self, q: Tensor, k: Tensor, v: Tensor, lengths: Tensor | None, resets: Tensor | None) -> Tensor:
        """What each step reads of all steps of its row and segment, ``[B, T, I]``."""
        time = q.shape[1]
        mask = None
        if lengths is not None or resets is not None:
            # a step always sees itself, so that nothing is divided by zero in the padding
            mask = torch.eye(time, dtype=torch.bool, device=q.device)
            near = mask.new_ones(())
            if lengths is not None:
                near = valid_steps(lengths, q)[:, None]
            if resets is not None:
                parts = segments(resets, lengths)
                near = near & (parts[:, :, None] == parts[:, None])
            mask = (mask | near)[:, None]
        positions = torch.arange(time, device=q.device)
        return self._attend(rotated(q, positions, self.base), rotated(k, positions, self.base), v, mask)

    def _see_back(
        self, q: Tensor, k: Tensor, v: Tensor, state: Any, lengths: Tensor | None, resets: Tensor | None
    ) -> tuple[Tensor, tuple[Tensor, ...]]:
        """What each step reads of those up to it, ``[B, T, I]``, and the state.

        Keys and values lie in slots: those kept come first, the latest last.
        """
        batch, time = q.shape[:2]
        past_keys, past_values, kept = self._check_state(state, batch)
        if time == 0:
            return q.flatten(2), (past_keys, past_values, kept)
        slots = past_keys.shape[0]
        keys = torch.cat([past_keys.transpose(0, 1), k], 1)
        values = torch.cat([past_values.transpose(0, 1), v], 1)

        steps = torch.arange(time, device=q.device)
        begin = (slots - kept[0])[:, None].expand(batch, time)  # the slot where the segment of each query begins
        if resets is not None:
            valid = resets if lengths is None else resets & valid_steps(lengths, resets)
            begin = torch.where(valid, slots + steps, begin).cummax(1).values
        if self.window is not None:
            first = torch.maximum(begin, slots + steps - (self.window - 1))
            read = self._look_back_in_blocks(q, keys, values, first, self.window)
        else:
            plain = state is None and resets is None
            read = self._look_back(q, keys, values, None if plain else begin)

        keep = slots + time if self.window is None else slots
        added = time if lengths is None else lengths.to(q.device)
        kept = (slots + added - begin[:, -1]).clamp(max=keep)[None]
        kept_keys, kept_values = (recent(part, keep, time, lengths).transpose(0, 1) for part in (keys, values))
        return read, (kept_keys, kept_values, kept)

    def _look_back_in_blocks(self, q: Tensor, keys: Tensor, values: Tensor, first: Tensor, window: int) -> Tensor:
        """``_look_back`` with work proportional to the time: queries in blocks, each with the slots it may see."""
        time = q.shape[1]
        if time <= window:
            return self._look_back(q, keys, values, first)
        size = keys.shape[1] - time + window  # slots for each block: those before it, and its own
        own, begins = _blocks(q, window, window), _blocks(first, window, window)
        count = own.shape[0] // q.shape[0]
        skipped = window * torch.arange(count, device=q.device).repeat(q.shape[0])[:, None]
        read = self._look_back(own, _blocks(keys, size, window), _blocks(values, size, window), begins - skipped)
        return read.unflatten(0, (q.shape[0], count)).flatten(1, 2)[:, :time]

    def _look_back(self, q: Tensor, keys: Tensor, values: Tensor, first: Tensor | None) -> Tensor:
        """What queries ``[N, T, heads, D]``, whose own slots are the last, read from ``first [N, T]`` up to themselves.

        ``first`` is not given where there are no other slots, and every query sees all up to itself.
        """
        slot = torch.arange(keys.shape[1], device=q.device)
        own = slot[keys.shape[1] - q.shape[1] :]
        mask = None
        if first is not None:
            mask = ((slot <= own[:, None]) & (slot >= first[..., None]))[:, None]
        return self._attend(rotated(q, own, self.base), rotated(keys, slot, self.base), values, mask, mask is None)

    def _attend(self, q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None, causal: bool = False) -> Tensor:
        """Scaled dot-product attention of ``q [B, T, heads, D]``, its heads side by side: ``[B, T, I]``."""
        read = F.scaled_dot_product_attention(
            q.transpose(1, 2),
            k.transpose(1, 2),
            v.transpose(1, 2),
            attn_mask=mask,
            dropout_p=self.dropout if self.training else 0.0,
            is_causal=causal,
        )
        return read.transpose(1, 2).flatten(2)

    def _check_state(self, state: Any, batch: int) -> tuple[Tensor, Tensor, Tensor]:
        if state is None:
            state = self.initial_state(batch)
        keys, values, kept = check_parts(self, state, ("keys", "values", "how many"))
        slots = keys.shape[0] if self.window is None and isinstance(keys, Tensor) and keys.dim() else 0
        slots = slots if self.window is None else self.window - 1
        shape = [slots, batch, self.heads, self.input_size // self.heads]
        check_shape(self, "keys", keys, shape)
        check_shape(self, "values", values, shape)
        check_shape(self, "counts", kept, [1, batch])
        return keys, values, kept

    def extra_repr(self) -> str:
        text = f"heads={self.heads}" + ("" if self.window is None else f", window={self.window}")
        return text + (", bidirectional=True" if self.bidirectional else "")


def _blocks(x: Tensor, size: int, step: int) -> Tensor:
    """Parts of ``x [B, T, ...]`` as rows, ``[B * blocks, size, ...]``: one every ``step``, the last filled up."""
    x = F.pad(x, (*[0, 0] * (x.dim() - 2), 0, step - 1))
    return x.unfold(1, size, step).movedim(-1, 2).flatten(0, 1)


def rotated(x: Tensor, positions: Tensor, base: float = 10_000.0) -> Tensor:
    """``x [..., T, heads, D]`` with its pairs ``i`` and ``i + D/2`` turned by ``positions [T]`` times ``base^(-2i/D)``.

    >>> rotated(torch.tensor([[[1.0, 0.0]]]), torch.tensor([torch.pi / 2])).round()
    tensor([[[-0., 1.]]])
    """
    half = x.shape[-1] // 2
    exact = torch.promote_types(x.dtype, torch.float32)
    speeds = base ** -(torch.arange(half, device=x.device, dtype=exact) / half)
    angles = positions.to(x.device, exact)[:, None, None] * speeds
    cos, sin = angles.cos().to(x.dtype), angles.sin().to(x.dtype)
    a, b = x.chunk(2, -1)
    return torch.cat([a * cos - b * sin, b * cos + a * sin], -1)


class FeedForward(nn.Module):
    """The same two matrices at every step, ``W_2 dropout(gelu(W_1 x + b_1)) + b_2``: the other half of a block.

    Example:
        >>> FeedForward(8)(torch.zeros(3, 7, 8))[0].shape
        torch.Size([3, 7, 8])
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int | None = None,
        *,
        dropout: float = 0.0,
        device: Any = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__()
        hidden_size = 4 * input_size if hidden_size is None else hidden_size
        check_stack(1, dropout)
        check_counts(input_size=input_size, hidden_size=hidden_size)
        self.input_size = self.output_size = input_size
        self.widen = nn.Linear(input_size, hidden_size, device=device, dtype=dtype)
        self.narrow = nn.Linear(hidden_size, input_size, device=device, dtype=dtype)
        self.dropout = nn.Dropout(dropout)

    def initial_state(self, batch: int) -> tuple[()]:
        """There is none: every step is seen by itself."""
        return ()

    def forward(
        self, x: Tensor, state: Any = None, *, lengths: Tensor | None = None, resets: Tensor | None = None
    ) -> tuple[Tensor, tuple[()]]:
        """``[B, T, I]`` to ``[B, T, I]``, zeros in the padding; resets change nothing."""
        check_parts(self, () if state is None else state, ())
        check_input(self, self.widen.weight, x, lengths, resets)
        hidden = self.dropout(F.gelu(self.widen(zero_padding(x, lengths))))
        return zero_padding(self.narrow(hidden), lengths), ()


class Blocks(nn.Module):
    """What the transformer and the hybrid share: layers that mix steps, each followed by one that mixes features.

        x = W_i input + b_i;  then for each mixer  x = x + mixer(norm(x));  x = x + feed_forward(norm(x));  norm(x)

    Args:
        input_size: features of the input, ``I``.
        mixers: layers over a sequence, all of them from ``H`` features to ``H``.
        dropout: the share of what each layer adds that training sets to zero.
    """

    def __init__(
        self,
        input_size: int,
        mixers: Sequence[SequenceLayer],
        *,
        dropout: float = 0.0,
        device: Any = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__()
        size = mixers[0].output_size
        check_counts(input_size=input_size)
        place: dict[str, Any] = {"device": device, "dtype": dtype}
        self.input_size, self.output_size = input_size, size
        self.inputs = nn.Linear(input_size, size, **place)
        layers: list[SequenceLayer] = []
        for mixer in mixers:
            layers.append(Residual(mixer, norm=True, dropout=dropout))
            layers.append(Residual(FeedForward(size, dropout=dropout, **place), norm=True, dropout=dropout))
        self.blocks = Stack(layers)
        self.norm = nn.LayerNorm(size, **place)

    def initial_state(self, batch: int) -> tuple[Any, ...]:
        """The state a sequence starts from: for each block that of its mixer, and ``()``."""
        return self.blocks.initial_state(batch)

    def forward(
        self, x: Tensor, state: Any = None, *, lengths: Tensor | None = None, resets: Tensor | None = None
    ) -> tuple[Tensor, tuple[Any, ...]]:
        """Run over a sequence.

        Args:
            x: ``[B, T, I]``.
            state: the state to start from; ``initial_state`` if not given.
            lengths: ``[B]`` whole numbers from 0 to ``T``. A finished row keeps its state; its outputs are zero.
            resets: ``[B, T]`` bool, true where a step begins a new segment, which sees nothing of the others.

        Returns:
            Outputs ``[B, T, H]`` and the state.

        Raises:
            ElmanError: a shape, a dtype or a length that does not fit.
        """
        check_input(self, self.inputs.weight, x, lengths, resets)
        x = self.inputs(zero_padding(x, lengths))
        x, state = self.blocks(x, state, lengths=lengths, resets=resets)
        return zero_padding(self.norm(x), lengths), state


class Transformer(Blocks):
    """A transformer that looks back only and can be stepped, a baseline for recurrences with their interface.

    Blocks of self-attention with rotary positions and of a feed-forward layer, normalised before (Xiong et al. 2020).

    Args:
        input_size: features of the input, ``I``.
        hidden_size: features of every layer and of the output, ``H``.
        num_layers: blocks, ``L``.
        heads: heads of each block, which divide ``H`` into even parts.
        window: steps that a step sees in each block; all before it if not given, and then the state grows with time.
        bidirectional: whether a step also sees those after it; there is no state then.
        dropout: dropout probability of the attention, and of what each layer adds.

    Raises:
        ElmanError: what ``SelfAttention`` refuses, or a number of layers below 1.

    Example:
        >>> layer = Transformer(3, 16, num_layers=2, heads=2)
        >>> outputs, state = layer(torch.zeros(4, 7, 3), lengths=torch.tensor([7, 4, 1, 0]))
        >>> outputs, state = layer(torch.zeros(4, 1, 3), state)  # go on where the last call ended
        >>> outputs.shape
        torch.Size([4, 1, 16])
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 2,
        *,
        heads: int = 4,
        window: int | None = None,
        bidirectional: bool = False,
        dropout: float = 0.0,
        device: Any = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        check_stack(num_layers, dropout)
        place: dict[str, Any] = {"device": device, "dtype": dtype}
        mixers = [
            SelfAttention(hidden_size, heads, window=window, bidirectional=bidirectional, dropout=dropout, **place)
            for _ in range(num_layers)
        ]
        super().__init__(input_size, mixers, dropout=dropout, **place)
        self.hidden_size, self.num_layers, self.bidirectional = hidden_size, num_layers, bidirectional
