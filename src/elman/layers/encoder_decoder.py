"""From one sequence to another: an encoder, a decoder, and attention between them."""

from typing import Any, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils import _pytree as pytree

from elman.cells.recurrence import check_lengths
from elman.errors import ElmanError
from elman.layers.attention import Attention, Keys
from elman.layers.recurrent import check_stack
from elman.layers.search import Beam, Greedy, Hypothesis, Limits, Sample, State
from elman.layers.sequence import SequenceLayer, shortened, valid_steps
from elman.layers.stacks import check_layer, stride_of


class EncoderDecoder(nn.Module):
    """An encoder reads a sequence of tokens, a decoder writes another, looking back with attention.

        m_1 ... m_S = encoder(E_s x_1, ..., E_s x_S)
        y_0 = decoder(B [m_1; m_S])
        y_t = decoder(E_t z_{t-1})
        c_t = attention(y_t, m)
        r_t = tanh(W [c_t; y_t])
        p(z_t) = softmax(O r_t + b)

    ``z_1 ... z_T`` is what is written and ``z_{T+1}`` its end, which also stands before it as ``z_0``. The bridge ``B``
    hands over what the encoder knows at both its ends, where each direction has read everything (as Cho et al. 2014 and
    Bahdanau et al. 2015 do), as the decoder's first input instead of as its state: any encoder then goes with any
    decoder, which never starts from numbers that are no state of it.

    What is fed back to the decoder is a choice. Without feeding, as above, training is fast: the decoder runs
    over the whole target as one sequence, and attends for all its steps at once. Luong et al. (2015) feed back the
    readout, so that the decoder knows what it has looked at, and Bahdanau et al. the context, before the decoder's
    step and not after it. Both train step by step.

        y_t = decoder([E_t z_{t-1}; r_{t-1}])                                       feeding="readout"
        c_t = attention(y_{t-1}, m),  y_t = decoder([E_t z_{t-1}; c_t])             feeding="context"

    Args:
        encoder: any layer over a sequence, such as a bidirectional ``Recurrent``. An embedding of the source has as
            many numbers as it has inputs.
        decoder: any layer over a sequence that does not look ahead. Its inputs are an embedding of the target, ``E``
            numbers, and what is fed back: ``E`` more for the readout, ``attention.context_size`` for the context.
        source_tokens: how many different tokens the source has.
        target_tokens: how many the target has.
        attention: of ``decoder.output_size`` to ``encoder.output_size``; without it ``c_t`` is left out.
        feeding: what is fed back: ``None``, ``"readout"`` or ``"context"``.
        end: the token that ends a target, and that stands before it.
        shared: whether source and target have one embedding.
        tied: whether ``O`` is ``E_t`` (Press and Wolf 2017).
        dropout: dropout probability of embeddings and readouts; encoder and decoder have their own.

    With feeding, remedies that draw random numbers once for a sequence draw them once for each step.

    Raises:
        ElmanError: sizes that do not meet, a decoder that looks ahead, an end that is no token.

    Example:
        >>> from elman.layers import MultiplicativeAttention, Recurrent
        >>> encoder, decoder = Recurrent("gru", 8, 16, bidirectional=True), Recurrent("gru", 8, 16)
        >>> model = EncoderDecoder(encoder, decoder, 10, 12, attention=MultiplicativeAttention(16, 32))
        >>> source, lengths = torch.randint(10, (4, 7)), torch.tensor([7, 5, 0, 2])
        >>> loss = model.loss(source, lengths, torch.randint(1, 12, (4, 9)), torch.tensor([9, 4, 0, 3]))
        >>> loss.backward()
        >>> best = model.eval().decode(source, lengths, Beam(4), max_length=9)
        >>> len(best), len(best[0][0].tokens) <= 9
        (4, True)
    """

    encoder: Any
    decoder: Any

    def __init__(
        self,
        encoder: SequenceLayer,
        decoder: SequenceLayer,
        source_tokens: int,
        target_tokens: int,
        *,
        attention: Attention | None = None,
        feeding: str | None = None,
        end: int = 0,
        shared: bool = False,
        tied: bool = True,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        check_stack(1, dropout)
        size = _embedding_size(encoder, decoder, attention, feeding)
        if not 0 <= end < target_tokens:
            raise ElmanError(f"end is one of the {target_tokens} tokens of the target, not {end}")
        if shared and (source_tokens, encoder.input_size) != (target_tokens, size):
            raise ElmanError(
                f"a shared embedding has one number of tokens and one size, not {source_tokens} of "
                f"{encoder.input_size} for the source and {target_tokens} of {size} for the target"
            )
        self.encoder, self.decoder, self.attention = encoder, decoder, attention
        self.feeding, self.end = feeding, end
        context = 0 if attention is None else attention.context_size
        # what serves twice has one name, so that it is saved once
        self.source_embedding = None if shared else _embedding(source_tokens, encoder.input_size)
        self.target_embedding = _embedding(target_tokens, size)
        self.bridge = nn.Linear(2 * encoder.output_size, decoder.input_size)
        self.readout = nn.Linear(context + decoder.output_size, size)
        self.output_weight = None if tied else nn.Parameter(_embedding(target_tokens, size).weight.detach())
        self.output_bias = nn.Parameter(torch.zeros(target_tokens))
        self.dropout = nn.Dropout(dropout)

    def loss(
        self,
        source: Tensor,
        source_lengths: Tensor | None,
        target: Tensor,
        target_lengths: Tensor | None,
        label_smoothing: float = 0.0,
    ) -> Tensor:
        """The mean cross-entropy of a token of the targets, their ends among them, in nats.

        The arguments are those of ``forward``; ``label_smoothing`` is the probability that is spread evenly
        over all tokens.
        """
        readouts, _, labels, valid = self._teach(source, source_lengths, target, target_lengths, False)
        # the padding is left out before the largest product of all
        return F.cross_entropy(self._output(readouts[valid]), labels[valid], label_smoothing=label_smoothing)

    def forward(
        self,
        source: Tensor,
        source_lengths: Tensor | None,
        target: Tensor,
        target_lengths: Tensor | None,
    ) -> tuple[Tensor, Tensor | None]:
        """What the model expects next, at every place of the targets.

        Args:
            source: tokens ``[B, S]``; what stands in the padding does not matter.
            source_lengths: ``[B]`` whole numbers from 0 to ``S``, all ``S`` if None.
            target: tokens ``[B, T]``, without an end.
            target_lengths: ``[B]`` whole numbers from 0 to ``T``, all ``T`` if None.

        Returns:
            Log-probabilities ``[B, T + 1, target_tokens]`` of each token and the end, and the attention's weights
            ``[B, T + 1, S]``, None without attention.

        Raises:
            ElmanError: lengths or tokens that are out of range.
        """
        readouts, weights, _, _ = self._teach(source, source_lengths, target, target_lengths, True)
        return self._output(readouts).log_softmax(-1), weights

    def score(
        self, source: Tensor, source_lengths: Tensor | None, target: Tensor, target_lengths: Tensor | None
    ) -> Tensor:
        """The log-probability ``[B]`` of each target with its end, given its source. Arguments as ``forward``."""
        readouts, _, labels, valid = self._teach(source, source_lengths, target, target_lengths, False)
        log_probs = -F.cross_entropy(self._output(readouts).mT, labels, reduction="none")
        return log_probs.masked_fill(~valid, 0).sum(1)

    def encode(self, source: Tensor, lengths: Tensor | None = None) -> tuple[Keys | None, State]:
        """Read the sources ``[B, S]``, and give what ``step`` needs: the memory, and the state, each ``[B, ...]``."""
        source, lengths = _padded("source", source, lengths, 0)
        embedding = self.target_embedding if self.source_embedding is None else self.source_embedding
        outputs, _ = self.encoder(self._embed(embedding, source), lengths=lengths)
        lengths = shortened(lengths, stride_of(self.encoder)).to(source.device)
        memory = None if self.attention is None else self.attention.keys(outputs, lengths)
        rows = torch.arange(len(source), device=source.device)
        outputs = F.pad(outputs, (0, 0, 0, 1))  # a last step of zeros, the one before the first of an empty source
        ends = torch.cat([outputs[:, 0], outputs[rows, lengths - 1]], -1)
        y, state = self.decoder(self.bridge(ends)[:, None])
        fed = y if self.feeding == "context" else y.new_empty(len(y), 1, 0)
        if self.feeding == "readout":
            context, _ = self._attend(y, memory)
            fed = self._read(y, context)
        return memory, (*_leaves(state), fed.squeeze(1))

    def step(self, tokens: Tensor, state: State, memory: Keys | None) -> tuple[Tensor, State]:
        """Write one token more, for ``K`` hypotheses of each of ``B`` sources.

        Args:
            tokens: ``[B, K]``, the last token of each; at first ``end``.
            state: each ``[B, K, ...]``; at first what ``encode`` gives, with an axis for the hypotheses.
            memory: what ``encode`` gives, once for all the hypotheses of a source.

        Returns:
            The log-probabilities ``[B, K, target_tokens]`` of what comes next, and the new state.
        """
        x = self._embed(self.target_embedding, tokens.flatten()[:, None])
        readout, _, state = self._run(x, tuple(part.flatten(0, 1) for part in state), memory)
        log_probs = self._output(readout[:, 0]).log_softmax(-1)
        return log_probs.unflatten(0, tokens.shape), tuple(part.unflatten(0, tokens.shape) for part in state)

    @torch.no_grad()
    def decode(
        self,
        source: Tensor,
        source_lengths: Tensor | None = None,
        search: Greedy | Sample | Beam | None = None,
        *,
        max_length: int = 200,
        max_ratio: float | None = None,
        forbidden: tuple[int, ...] = (),
    ) -> list[list[Hypothesis]]:
        """Write targets for the sources.

        Args:
            source: tokens ``[B, S]``.
            source_lengths: ``[B]``, all ``S`` if None.
            search: ``Greedy()`` if not given, ``Beam(5)``, ``Sample(temperature=0.8)``.
            max_length: the most tokens of a target.
            max_ratio: the most tokens of a target for each of its source.
            forbidden: tokens that are never written.

        Returns:
            For each source its hypotheses, the best first.
        """
        source, lengths = _padded("source", source, source_lengths, 0)
        memory, state = self.encode(source, lengths)
        most = torch.full((len(source),), max_length)
        if max_ratio is not None:
            most = torch.minimum(most, (lengths.cpu() * max_ratio).ceil().long())
        begin = torch.full((len(source),), self.end, device=source.device)
        search = Greedy() if search is None else search
        limits = Limits(self.end, most, forbidden)
        return search(lambda tokens, state: self.step(tokens, state, memory), state, begin, limits)

    def _teach(
        self,
        source: Tensor,
        source_lengths: Tensor | None,
        target: Tensor,
        target_lengths: Tensor | None,
        need_weights: bool,
    ) -> tuple[Tensor, Tensor | None, Tensor, Tensor]:
        """Readouts and weights for given targets, the tokens that are right, and which of these are no padding."""
        target, lengths = _padded("target", target, target_lengths, self.end)
        memory, state = self.encode(source, source_lengths)
        if len(source) != len(target):
            raise ElmanError(f"there is a target for each source, not {len(target)} for {len(source)}")
        framed = F.pad(target, (1, 1), value=self.end)
        x, labels = self._embed(self.target_embedding, framed[:, :-1]), framed[:, 1:]
        readouts, weights, _ = self._run(x, state, memory, lengths + 1, need_weights)
        return readouts, weights, labels, valid_steps(lengths + 1, labels)

    def _run(
        self,
        x: Tensor,
        state: State,
        memory: Keys | None,
        lengths: Tensor | None = None,
        need_weights: bool = False,
    ) -> tuple[Tensor, Tensor | None, State]:
        """Run the decoder over embeddings ``[B*K, T, E]``: readouts ``[B*K, T, E]``, weights, and the state."""
        *leaves, fed = state
        inner = self._state(leaves)
        if self.feeding is None:
            y, inner = self.decoder(x, inner, lengths=lengths)
            context, weights = self._attend(y, memory, need_weights)
            return self._read(y, context), weights, (*_leaves(inner), fed)
        readouts, every = [], []
        fed = fed[:, None]
        for now in x.split(1, 1):
            if self.feeding == "context":
                context, weights = self._attend(fed, memory, need_weights)
                fed, inner = self.decoder(torch.cat([now, cast(Tensor, context)], -1), inner)
                readouts.append(self._read(fed, context))
            else:
                y, inner = self.decoder(torch.cat([now, fed], -1), inner)
                context, weights = self._attend(y, memory, need_weights)
                fed = self._read(y, context)
                readouts.append(fed)
            every.append(weights)
        weights = torch.cat(every, 1) if every[0] is not None else None
        return torch.cat(readouts, 1), weights, (*_leaves(inner), fed.squeeze(1))

    def _attend(
        self, y: Tensor, memory: Keys | None, need_weights: bool = False
    ) -> tuple[Tensor | None, Tensor | None]:
        """The context of each decoder's output ``[B*K, T, O]``, and the weights; None without attention."""
        if self.attention is None or memory is None:
            return None, None
        # the hypotheses of a source are so many queries to one memory
        context, weights = self.attention(y.reshape(len(memory.keys), -1, y.shape[-1]), memory, None, need_weights)
        return context.reshape(*y.shape[:2], -1), weights

    def _read(self, y: Tensor, context: Tensor | None) -> Tensor:
        return self.dropout(torch.tanh(self.readout(y if context is None else torch.cat([context, y], -1))))

    def _output(self, readout: Tensor) -> Tensor:
        weight = self.target_embedding.weight if self.output_weight is None else self.output_weight
        return F.linear(readout, weight, self.output_bias)

    def _embed(self, embedding: nn.Embedding, tokens: Tensor) -> Tensor:
        count = embedding.num_embeddings
        if tokens.numel() and not (int(tokens.min()) >= 0 and int(tokens.max()) < count):
            raise ElmanError(f"tokens go from 0 to {count - 1}, not from {int(tokens.min())} to {int(tokens.max())}")
        return self.dropout(embedding(tokens))

    def _state(self, leaves: list[Tensor]) -> Any:
        """The decoder's state, whose tensors have the batch on their second axis."""
        shape = pytree.tree_structure(self.decoder.initial_state(1))
        return pytree.tree_unflatten([leaf.transpose(0, 1) for leaf in leaves], shape)


def _leaves(state: Any) -> list[Tensor]:
    """The tensors of a layer's state, the batch on their first axis."""
    return [leaf.transpose(0, 1) for leaf in pytree.tree_leaves(state)]


def _padded(name: str, tokens: Tensor, lengths: Tensor | None, filler: int) -> tuple[Tensor, Tensor]:
    """Tokens ``[B, T]`` with a token in the padding, whatever stood there, and their lengths."""
    if tokens.dim() != 2 or tokens.is_floating_point():
        raise ElmanError(f"a {name} is whole numbers of [batch, time], not {tokens.dtype} of {list(tokens.shape)}")
    if lengths is None:
        return tokens, torch.full((len(tokens),), tokens.shape[1], device=tokens.device)
    check_lengths(lengths, *tokens.shape)
    return tokens.masked_fill(~valid_steps(lengths, tokens), filler), lengths


def _embedding(tokens: int, size: int) -> nn.Embedding:
    embedding = nn.Embedding(tokens, size)
    nn.init.normal_(embedding.weight, std=size**-0.5)  # so that the first guesses of a tied output are even
    return embedding


def _embedding_size(
    encoder: SequenceLayer, decoder: SequenceLayer, attention: Attention | None, feeding: str | None
) -> int:
    """How many numbers an embedding of the target has, where all sizes meet."""
    for layer in (encoder, decoder):
        check_layer(layer)
    if getattr(decoder, "bidirectional", False) or stride_of(decoder) != 1:
        raise ElmanError("a decoder writes step by step: it can neither be bidirectional nor shorten time")
    if feeding not in (None, "readout", "context"):
        raise ElmanError(f"feeding is None, 'readout' or 'context', not {feeding!r}")
    if attention is not None:
        sizes, wanted = (attention.query_size, attention.memory_size), (decoder.output_size, encoder.output_size)
        if sizes != wanted:
            raise ElmanError(
                f"the attention takes queries and a memory of {wanted[0]} and {wanted[1]} features, the outputs of "
                f"decoder and encoder, not {sizes[0]} and {sizes[1]}"
            )
        if attention.causal:
            raise ElmanError("the attention of a decoder to an encoder sees the whole source: it cannot be causal")
    if feeding == "context":
        if attention is None:
            raise ElmanError("feeding='context' needs an attention, whose context it is")
        size = decoder.input_size - attention.context_size
        if size < 1:
            raise ElmanError(
                f"a decoder that is fed a context of {attention.context_size} features takes more inputs than that, "
                f"not {decoder.input_size}: the embedding of the target comes beside"
            )
        return size
    if feeding == "readout" and decoder.input_size % 2:
        raise ElmanError(
            "a decoder that is fed its readout takes an embedding and as many features more: an even number of inputs, "
            f"not {decoder.input_size}"
        )
    return decoder.input_size // (2 if feeding == "readout" else 1)
