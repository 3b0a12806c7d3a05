"""An encoder-decoder equals its equations, pair by pair; what it writes is as likely as it says; it learns."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from cases import FLAG
from safetensors.torch import load, save
from torch import Tensor

from elman.compiler import plan
from elman.errors import ElmanError
from elman.layers import (
    AdditiveAttention,
    Attention,
    Beam,
    EncoderDecoder,
    Greedy,
    Hybrid,
    MultiHeadAttention,
    MultiplicativeAttention,
    Pyramid,
    Recurrent,
    Sample,
    Transformer,
)
from elman.testing import assert_close

EMBEDDING, UNITS, SOURCE, TARGET, END = 6, 5, 9, 7, 2
FEEDINGS = [None, "readout", "context"]
ATTENTIONS: dict[str, Callable[[int, int], Attention | None]] = {
    "additive": lambda query, memory: AdditiveAttention(query, memory, 4),
    "general": MultiplicativeAttention,
    "heads": lambda query, memory: MultiHeadAttention(query, memory, 4, heads=2),
    "none": lambda query, memory: None,
}


def make(
    feeding: str | None = None, attention: str = "general", cell: str = "gru", encoder: Any = None, **options: Any
) -> EncoderDecoder:
    encoder = Recurrent(cell, 4, UNITS, 2, bidirectional=True) if encoder is None else encoder
    between = ATTENTIONS[attention](UNITS, encoder.output_size)
    context = 0 if between is None else between.context_size
    fed = {None: 0, "readout": EMBEDDING, "context": context}[feeding]
    decoder = Recurrent(cell, EMBEDDING + fed, UNITS, 2)
    options = {"attention": between, "feeding": feeding, "end": END, **options}
    return EncoderDecoder(encoder, decoder, SOURCE, TARGET, **options).double()


def pairs() -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Sources and targets, the empty ones among them, with what is no token in the padding."""
    source, target = torch.randint(SOURCE, (4, 5)), torch.randint(TARGET, (4, 3))
    source_lengths, target_lengths = torch.tensor([5, 0, 2, 3]), torch.tensor([3, 2, 0, 1])
    source[torch.arange(5) >= source_lengths[:, None]] = -100
    target[torch.arange(3) >= target_lengths[:, None]] = 1000
    return source, source_lengths, target, target_lengths


def plain(model: EncoderDecoder, source: Tensor, target: Tensor) -> Tensor:
    """The log-probabilities of a target's tokens and end ``[T + 1]``, step by step from the equations."""
    embedding = model.target_embedding if model.source_embedding is None else model.source_embedding
    memory, _ = model.encoder(embedding(source)[None])
    ends = [memory[0, 0], memory[0, -1]] if len(source) else [memory.new_zeros(model.encoder.output_size)] * 2
    y, state = model.decoder(model.bridge(torch.cat(ends))[None, None])

    def attend(y: Tensor) -> list[Tensor]:
        return [] if model.attention is None else [model.attention(y, memory)[0]]

    def read(context: list[Tensor], y: Tensor) -> Tensor:
        return torch.tanh(model.readout(torch.cat([*context, y], -1)))

    readout, found = read(attend(y), y), []
    for last, token in zip([END, *target.tolist()], [*target.tolist(), END], strict=True):
        x = model.target_embedding.weight[last].view(1, 1, -1)
        if model.feeding == "context":
            context = attend(y)
            y, state = model.decoder(torch.cat([x, *context], -1), state)
        else:
            y, state = model.decoder(torch.cat([x, readout], -1) if model.feeding == "readout" else x, state)
            context = attend(y)
        readout = read(context, y)
        weight = model.target_embedding.weight if model.output_weight is None else model.output_weight
        logits = readout[0, 0] @ weight.T + model.output_bias
        found.append(torch.log_softmax(logits, -1)[token])
    return torch.stack(found)


@pytest.mark.parametrize(
    ("feeding", "attention", "cell"),
    [
        *((feeding, attention, "gru") for feeding in FEEDINGS for attention in ("additive", "general", "heads")),
        *((feeding, "general", "slstm") for feeding in FEEDINGS),
        *((feeding, "none", "lstm") for feeding in (None, "readout")),
    ],
)
def test_is_its_equations_pair_by_pair(executor: str, feeding: str | None, attention: str, cell: str) -> None:
    model = make(feeding, attention, cell)
    source, source_lengths, target, target_lengths = pairs()
    given = source, source_lengths, target, target_lengths
    with plan.use("eager"):
        right = [
            plain(model, s[:n], t[:m])
            for s, n, t, m in zip(source, source_lengths, target, target_lengths, strict=True)
        ]
        expected = -torch.cat(right).mean()
        grads = torch.autograd.grad(expected, list(model.parameters()), allow_unused=True)
    loss = model.loss(*given)
    assert_close(loss, expected, "loss")
    found = torch.autograd.grad(loss, list(model.parameters()), allow_unused=True)
    for (name, _), a, b in zip(model.named_parameters(), found, grads, strict=True):
        assert (a is None) == (b is None), name
        if a is not None and b is not None:
            assert_close(a, b, name)
    assert_close(model.score(*given), torch.stack([row.sum() for row in right]), "score")
    log_probs, weights = model(*given)
    for row, (t, m) in enumerate(zip(target, target_lengths, strict=True)):
        said = torch.cat([t[:m], torch.tensor([END])])
        assert_close(log_probs[row, torch.arange(len(said)), said], right[row], f"log-probabilities {row}")
    if weights is None:
        assert attention == "none"
    else:
        assert_close(weights.sum(-1), (source_lengths > 0).double()[:, None].expand(4, 4), "weights")
        assert (weights[2, :, 2:] == 0).all()


@pytest.mark.parametrize("feeding", FEEDINGS)
@pytest.mark.parametrize("search", [Greedy(), Sample(count=3), Beam(3, n_best=3)], ids=str)
def test_what_is_written_is_as_likely_as_it_says(feeding: str | None, search: Greedy | Sample | Beam) -> None:
    model = make(feeding, "additive").eval()
    model.output_bias.data[END] = 0.7  # so that some end early
    source, lengths, *_ = pairs()
    for row, hypotheses in enumerate(model.decode(source, lengths, search, max_length=6)):
        assert hypotheses
        for tokens, log_prob, _ in hypotheses:
            score = model.score(source[row : row + 1], lengths[row : row + 1], torch.tensor([tokens]).long(), None)
            assert log_prob == pytest.approx(score.item(), abs=1e-10)


@pytest.mark.parametrize("feeding", FEEDINGS)
def test_a_beam_of_everything_finds_the_best(feeding: str | None) -> None:
    model = make(feeding).eval()
    source, lengths, *_ = pairs()
    others = [token for token in range(TARGET) if token != END]
    every = [[], *([a] for a in others), *([a, b] for a in others for b in others)]
    padded = torch.tensor([[*tokens, 0, 0][:2] for tokens in every])
    sizes = torch.tensor([len(tokens) for tokens in every])
    found = model.decode(source, lengths, Beam(len(every), 0.0, 5), max_length=2)
    for row, hypotheses in enumerate(found):
        same = source[row : row + 1].expand(len(every), -1), lengths[row : row + 1].expand(len(every))
        best = model.score(*same, padded, sizes).topk(5)
        assert [h.tokens for h in hypotheses] == [every[k] for k in best.indices]


def test_lengths_are_limited_by_number_and_by_ratio() -> None:
    model = make().eval()
    model.output_bias.data[END] = -100.0
    source, lengths, *_ = pairs()

    def sizes(**options: Any) -> list[int]:
        return [len(best.tokens) for (best,) in model.decode(source, lengths, **options)]

    assert sizes(max_length=7) == [7] * 4
    assert sizes(max_ratio=1.5) == [8, 0, 3, 5]
    assert sizes(max_length=4, max_ratio=1.5) == [4, 0, 3, 4]
    ((best,),) = model.decode(torch.tensor([[1, 2]]), max_length=20, forbidden=(0, 1, 3, 4, 5))
    assert best.tokens == [6] * 20


@pytest.mark.parametrize(
    ("encoder", "decoder"),
    [
        (lambda: Pyramid("gru", 4, 3, 3), lambda: Recurrent("cornn", EMBEDDING, 8)),
        (lambda: Recurrent("lstm_projected", 4, 8), lambda: Hybrid("rg_lru", EMBEDDING, 8, 3, heads=2, window=2)),
        (lambda: Transformer(4, 8, 1, heads=2, bidirectional=True), lambda: Transformer(EMBEDDING, 8, 1, heads=2)),
    ],
    ids=["pyramid", "hybrid", "transformer"],
)
def test_any_layer_encodes_and_any_layer_that_steps_decodes(
    encoder: Callable[[], Any], decoder: Callable[[], Any]
) -> None:
    first, second = encoder(), decoder()
    attention = MultiplicativeAttention(second.output_size, first.output_size)
    model = EncoderDecoder(first, second, SOURCE, TARGET, attention=attention, end=END).double().eval()
    source, source_lengths, target, target_lengths = pairs()
    together = model.score(source, source_lengths, target, target_lengths)
    for row, (s, n, t, m) in enumerate(zip(source, source_lengths, target, target_lengths, strict=True)):
        assert_close(model.score(s[None, :n], None, t[None, :m], None)[0], together[row], f"row {row}")
    for row, (best,) in enumerate(model.decode(source, source_lengths, Beam(3), max_length=4)):
        n = source_lengths[row]
        score = model.score(source[row : row + 1, :n], None, torch.tensor([best.tokens]).long(), None)
        assert best.log_prob == pytest.approx(score.item(), abs=1e-10)


@pytest.mark.parametrize("shared", FLAG)
@pytest.mark.parametrize("tied", FLAG)
def test_what_is_shared_is_one_and_is_saved_once(shared: bool, tied: bool) -> None:
    def build() -> EncoderDecoder:
        encoder = Recurrent("gru", EMBEDDING, UNITS)
        return EncoderDecoder(encoder, Recurrent("gru", EMBEDDING, UNITS), 9, 9, shared=shared, tied=tied).eval()

    model, source, target = build(), torch.tensor([[1, 2, 3]]), torch.tensor([[4, 5]])
    big = [name for name, value in model.named_parameters() if value.shape == (9, EMBEDDING)]
    assert len(big) == 3 - shared - tied
    loss = model.loss(source, None, target, None)
    loss.backward()
    rows = model.target_embedding.weight.grad
    assert rows is not None
    # tokens 0, 4 and 5 are read by the decoder, 1, 2 and 3 by the encoder, and every one is in the output's softmax
    assert (rows[[0, 4, 5]] != 0).any(1).all()
    assert (rows[[1, 2, 3]] != 0).any(1).all() == (shared or tied)
    assert (rows[[6, 7, 8]] != 0).any(1).all() == tied
    other = build()
    assert not torch.equal(other.loss(source, None, target, None), loss)
    other.load_state_dict(load(save(model.state_dict())))
    assert torch.equal(other.loss(source, None, target, None), loss)


def test_label_smoothing_spreads_what_is_wanted() -> None:
    model, given = make(), pairs()
    log_probs, _ = model(*given)
    total = torch.zeros((), dtype=torch.float64)
    for row, (target, length) in enumerate(zip(given[2], given[3], strict=True)):
        for t, token in enumerate([*target[:length].tolist(), END]):
            total -= 0.9 * log_probs[row, t, token] + 0.1 * log_probs[row, t].mean()
    count = int(given[3].sum()) + 4
    assert_close(model.loss(*given, label_smoothing=0.1), total / count, "loss")


@pytest.mark.parametrize("feeding", FEEDINGS)
def test_drops_in_training_alone(feeding: str | None) -> None:
    model, given = make(feeding, dropout=0.5), pairs()
    assert not torch.equal(model.loss(*given), model.loss(*given))
    model.eval()
    assert torch.equal(model.loss(*given), model.loss(*given))


@pytest.mark.parametrize("feeding", [None, "context"])
def test_learns_to_reverse_and_writes_it_without_a_mistake(feeding: str | None) -> None:
    tokens, units, longest, end = 8, 24, 5, 0
    attention = AdditiveAttention(units, 2 * units, units)
    fed = 0 if feeding is None else attention.context_size
    encoder, decoder = Recurrent("gru", 16, units, bidirectional=True), Recurrent("gru", 16 + fed, units)
    model = EncoderDecoder(encoder, decoder, tokens, tokens, attention=attention, feeding=feeding, end=end)

    def batch(size: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        source, lengths = torch.randint(1, tokens, (size, longest)), torch.randint(1, longest + 1, (size,))
        places = torch.arange(longest)
        target = source.gather(1, (lengths[:, None] - 1 - places).clamp(min=0))
        return source, lengths, target, lengths

    steps = 180
    optimizer = torch.optim.Adam(model.parameters())
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 0.02, steps)
    for _ in range(steps):
        optimizer.zero_grad()
        model.loss(*batch(64)).backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
    source, lengths, target, _ = batch(100)
    right = [row[:length].tolist() for row, length in zip(target, lengths, strict=True)]
    for search in (Greedy(), Beam(3)):
        said = [best.tokens for (best,) in model.eval().decode(source, lengths, search, max_length=2 * longest)]
        assert said == right


def gru(inputs: int, units: int = UNITS, **options: Any) -> Recurrent:
    return Recurrent("gru", inputs, units, **options)


@pytest.mark.parametrize(
    ("make_it", "told"),
    [
        (lambda: EncoderDecoder(gru(4), gru(4, bidirectional=True), 9, 9), "can neither be bidirectional nor shorten"),
        (lambda: EncoderDecoder(gru(4), Pyramid("gru", 4, 3), 9, 9), "can neither be bidirectional nor shorten"),
        (lambda: EncoderDecoder(gru(4), gru(4), 9, 9, end=9), "end is one of the 9 tokens of the target, not 9"),
        (lambda: EncoderDecoder(gru(4), gru(4), 9, 9, feeding="input"), "feeding is None, 'readout' or 'context'"),
        (lambda: EncoderDecoder(gru(4), gru(4), 9, 9, feeding="context"), "needs an attention"),
        (lambda: EncoderDecoder(gru(4), gru(5), 9, 9, feeding="readout"), "an even number of inputs, not 5"),
        (
            lambda: EncoderDecoder(gru(4), gru(4), 9, 9, attention=MultiplicativeAttention(5, 6)),
            "a memory of 5 and 5 features, the outputs of decoder and encoder, not 5 and 6",
        ),
        (
            lambda: EncoderDecoder(gru(4), gru(5), 9, 9, attention=MultiplicativeAttention(5, 5), feeding="context"),
            "takes more inputs than that, not 5",
        ),
        (
            lambda: EncoderDecoder(gru(4), gru(4), 9, 9, attention=MultiplicativeAttention(5, 5, causal=True)),
            "cannot be causal",
        ),
        (lambda: EncoderDecoder(gru(4), gru(4), 9, 8, shared=True), "not 9 of 4 for the source and 8 of 4"),
        (lambda: EncoderDecoder(gru(4), gru(6), 9, 9, shared=True), "not 9 of 4 for the source and 9 of 6"),
        (lambda: EncoderDecoder(gru(4), gru(4), 9, 9, dropout=2.0), "dropout must be a number from 0 to 1"),
        (lambda: EncoderDecoder(torch.nn.Linear(4, 4), gru(4), 9, 9), "a layer over a sequence is wanted"),  # type: ignore[arg-type]
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_refuses_to_be_what_makes_no_sense(make_it: Callable[[], object], told: str) -> None:
    with pytest.raises(ElmanError, match=told):
        make_it()


@pytest.mark.parametrize(
    ("source", "source_lengths", "target", "told"),
    [
        ([[9, 1]], None, [[1]], "tokens go from 0 to 8, not from 1 to 9"),
        ([[-1, 1]], None, [[1]], "not from -1 to 1"),
        ([[1, 1]], None, [[7]], "tokens go from 0 to 6"),
        ([[1, 1]], [3], [[1]], "lengths go from 0 to 2, not from 3 to 3"),
        ([[1, 1]], [1, 1], [[1]], r"lengths are whole numbers of \[1\]"),
        ([[1, 1]], None, [[1], [1]], "a target for each source, not 2 for 1"),
        ([1, 1], None, [[1]], r"a source is whole numbers of \[batch, time\], not torch.int64 of \[2\]"),
        ([[1, 1]], None, [[1.0]], "a target is whole numbers of"),
    ],
    ids=str,
)
def test_refuses_calls_that_make_no_sense(source: Any, source_lengths: Any, target: Any, told: str) -> None:
    lengths = None if source_lengths is None else torch.tensor(source_lengths)
    with pytest.raises(ElmanError, match=told):
        make().loss(torch.tensor(source), lengths, torch.tensor(target), None)


def test_steps_several_hypotheses_of_a_source_at_once() -> None:
    model = make("readout").eval()
    source, lengths, *_ = pairs()
    memory, state = model.encode(source, lengths)
    state = tuple(part[:, None].expand(-1, 3, *part.shape[1:]) for part in state)
    tokens = torch.randint(TARGET, (4, 3, 2))
    found = []
    for last in (torch.full((4, 3), END), tokens[:, :, 0], tokens[:, :, 1]):
        log_probs, state = model.step(last, state, memory)
        found.append(log_probs)
    for k in range(3):
        alone, _ = model(source, lengths, tokens[:, k], None)
        assert_close(torch.stack([log_probs[:, k] for log_probs in found], 1), alone, f"hypothesis {k}")


def test_there_may_be_nothing_to_write_and_nothing_to_read() -> None:
    model = make().eval()
    source, lengths, *_ = pairs()
    assert [h.tokens for (h,) in model.decode(source, lengths, max_length=0)] == [[]] * 4
    assert model.decode(source[:0], lengths[:0]) == []
    ends = model.score(source, lengths, source[:, :0], None)
    assert_close(model.loss(source, lengths, source[:, :0], None), -ends.mean(), "loss of the ends alone")
    assert_close(model.score(source[1:2, :0], None, source[:1, :0], None)[0], ends[1], "an empty source")
