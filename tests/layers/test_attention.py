"""Attention equals a loop over queries and steps, or PyTorch's own; padding reaches nothing."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from cases import pull
from torch import Tensor, nn

from elman.errors import ElmanError
from elman.layers.attention import AdditiveAttention, Attention, MultiHeadAttention, MultiplicativeAttention
from elman.testing import assert_close

BATCH, QUERIES, STEPS, QUERY, MEMORY = 4, 3, 5, 6, 8
LENGTHS = torch.tensor([5, 0, 3, 1])

KINDS: dict[str, Callable[..., Attention]] = {
    "additive": lambda query=QUERY, **o: AdditiveAttention(query, MEMORY, 7, **o),
    "general": lambda query=QUERY, **o: MultiplicativeAttention(query, MEMORY, **o),
    "scaled": lambda query=QUERY, **o: MultiplicativeAttention(query, MEMORY, scaled=True, **o),
    "dot": lambda query=QUERY, **o: MultiplicativeAttention(MEMORY, MEMORY, "dot", **o),
    "heads": lambda query=QUERY, **o: MultiHeadAttention(query, MEMORY, 4, heads=2, **o),
}


@pytest.fixture(params=list(KINDS))
def make(request: pytest.FixtureRequest) -> Callable[..., Attention]:
    return lambda **options: KINDS[request.param](**options).double()


def given(attention: Attention, queries: int = QUERIES) -> tuple[Tensor, Tensor]:
    query = torch.randn(BATCH, queries, attention.query_size, dtype=torch.float64)
    return query, torch.randn(BATCH, STEPS, MEMORY, dtype=torch.float64)


def plain(attention: Attention, query: np.ndarray, memory: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The context and the weights of one query over the steps of a memory, from the papers' equations."""
    p = {name: value.detach().numpy() for name, value in attention.named_parameters()}

    def softmax(scores: np.ndarray) -> np.ndarray:
        return np.exp(scores) / np.exp(scores).sum()

    if isinstance(attention, AdditiveAttention):
        first = p["query.weight"] @ query + p["query.bias"]
        scores = np.array([p["score.weight"][0] @ np.tanh(first + p["key.weight"] @ m) for m in memory])
    elif isinstance(attention, MultiplicativeAttention):
        matrix = p.get("key.weight", np.eye(MEMORY))
        scores = np.array([query @ (matrix @ m) for m in memory])
        scores = scores / (np.sqrt(len(query)) if attention.scale != 1 else 1)
    else:
        assert isinstance(attention, MultiHeadAttention)
        q, contexts, weights = p["query.weight"] @ query + p["query.bias"], [], []
        for head in np.split(np.arange(len(q)), attention.heads):
            k = np.array([(p["key.weight"] @ m + p["key.bias"])[head] for m in memory])
            v = np.array([(p["value.weight"] @ m + p["value.bias"])[head] for m in memory])
            weights.append(softmax(k @ q[head] / np.sqrt(len(head))))
            contexts.append(weights[-1] @ v)
        return p["output.weight"] @ np.concatenate(contexts) + p["output.bias"], np.mean(weights, 0)
    weights = softmax(scores)
    return weights @ memory, weights


@pytest.mark.parametrize("causal", [False, True])
def test_is_the_equations_row_by_row(make: Callable[..., Attention], causal: bool) -> None:
    attention = make(causal=causal)
    query, memory = given(attention)
    contexts = torch.zeros(BATCH, QUERIES, attention.context_size, dtype=torch.float64)
    weights = torch.zeros(BATCH, QUERIES, STEPS, dtype=torch.float64)
    for b, length in enumerate(LENGTHS.tolist()):
        for t in range(QUERIES):
            seen = min(length, STEPS - QUERIES + t + 1) if causal else length
            if seen:
                context, weight = plain(attention, query[b, t].numpy(), memory[b, :seen].numpy())
                contexts[b, t], weights[b, t, :seen] = torch.from_numpy(context), torch.from_numpy(weight)
    found = attention(query, memory, LENGTHS)
    assert_close(found[0], contexts, "context")
    assert_close(found[1], weights, "weights")
    assert_close(attention(query, memory, LENGTHS, need_weights=False)[0], contexts, "context without weights")


@pytest.mark.parametrize("causal", [False, True])
def test_several_heads_are_those_of_pytorch(causal: bool) -> None:
    ours = MultiHeadAttention(QUERY, MEMORY, heads=3, causal=causal).double()
    theirs = nn.MultiheadAttention(QUERY, 3, kdim=MEMORY, vdim=MEMORY, batch_first=True, dtype=torch.float64)
    weights = {
        "q_proj_weight": ours.query.weight,
        "k_proj_weight": ours.key.weight,
        "v_proj_weight": ours.value.weight,
        "in_proj_bias": torch.cat([ours.query.bias, ours.key.bias, ours.value.bias]),
        "out_proj.weight": ours.output.weight,
        "out_proj.bias": ours.output.bias,
    }
    theirs.load_state_dict({name: value.detach() for name, value in weights.items()})
    query, memory = given(ours, STEPS)
    lengths = torch.tensor([5, 4, 3, 1])
    padding = torch.arange(STEPS) >= lengths[:, None]
    later = torch.ones(STEPS, STEPS, dtype=torch.bool).triu(1) if causal else None
    context, weight = theirs(query, memory, memory, key_padding_mask=padding, attn_mask=later)
    found = ours(query, memory, lengths)
    assert_close(found[0], context, "context")
    assert_close(found[1], weight, "weights")


def test_keys_serve_every_query(make: Callable[..., Attention]) -> None:
    attention = make()
    query, memory = given(attention)
    context, weights = attention(query, memory, LENGTHS)
    keys = attention.keys(memory, LENGTHS)
    for t in range(QUERIES):
        step, weight = attention(query[:, t : t + 1], keys)
        assert_close(step, context[:, t : t + 1], f"context {t}")
        assert_close(weight, weights[:, t : t + 1], f"weights {t}")


@pytest.mark.parametrize("causal", [False, True])
def test_padding_reaches_nothing(make: Callable[..., Attention], causal: bool) -> None:
    attention = make(causal=causal)
    query, memory = given(attention)
    padding = torch.arange(STEPS)[None, :, None] >= LENGTHS[:, None, None]
    found, grads = [], []
    for filler in (0.0, float("nan"), float("inf")):
        leaves = {
            "query": query.clone().requires_grad_(),
            "memory": memory.masked_fill(padding, filler).requires_grad_(),
            **dict(attention.named_parameters()),
        }
        with torch.autograd.set_detect_anomaly(True):  # no NaN even on the way to what is then set to zero
            context, weights = attention(leaves["query"], leaves["memory"], LENGTHS)
            grads.append(pull(leaves, context, weights))
        assert (context[1] == 0).all()
        assert (weights[1] == 0).all()
        found.append((context, weights))
        assert (grads[-1]["memory"][padding.expand_as(memory)] == 0).all()
    for context, weights in found[1:]:
        assert torch.equal(context, found[0][0])
        assert torch.equal(weights, found[0][1])
    for grad in grads[1:]:
        for name, value in grad.items():
            assert torch.equal(value, grads[0][name]), name


def test_the_future_does_not_reach_the_past(make: Callable[..., Attention]) -> None:
    attention = make(query=MEMORY, causal=True)
    query, memory = given(attention, STEPS)
    memory.requires_grad_()
    context, _ = attention(query, memory)
    for t in range(STEPS):
        (grad,) = torch.autograd.grad(context[:, t].square().sum(), memory, retain_graph=True)
        assert (grad[:, t + 1 :] == 0).all()
        assert (grad[:, : t + 1] != 0).any()
        # stepping, the newest query sees all that there is so far
        assert_close(attention(query[:, t : t + 1], memory[:, : t + 1])[0], context[:, t : t + 1], f"step {t}")


def test_gradients_are_those_of_differences(make: Callable[..., Attention]) -> None:
    attention = make()
    query, memory = (leaf[:3, :2].clone().requires_grad_() for leaf in given(attention))
    assert torch.autograd.gradcheck(lambda q, m: attention(q, m, torch.tensor([2, 0, 1])), (query, memory))


@pytest.mark.parametrize("lengths", [None, torch.zeros(BATCH, dtype=torch.int64)])
def test_nothing_to_attend_to(make: Callable[..., Attention], lengths: Tensor | None) -> None:
    attention = make()
    query, memory = given(attention)
    context, weights = attention(query, memory[:, :0], lengths)
    assert torch.equal(context, context.new_zeros(BATCH, QUERIES, attention.context_size))
    assert weights.shape == (BATCH, QUERIES, 0)
    assert attention(query[:, :0], memory)[0].shape == (BATCH, 0, attention.context_size)
    assert attention(query[:0], memory[:0])[0].shape == (0, QUERIES, attention.context_size)


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (
            lambda: MultiHeadAttention(6, 8, 12, heads=5),
            "heads must divide the 12 units: one of 1, 2, 3, 4, 6, 12, not 5",
        ),
        (lambda: MultiHeadAttention(6, 8, heads=0), "heads must divide the 6 units: one of 1, 2, 3, 6, not 0"),
        (lambda: MultiHeadAttention(6, 8, 0), "context_size must be a whole number of at least 1, not 0"),
        (lambda: MultiplicativeAttention(6, 8, "dot"), "of one size, not 6 and 8: use score='general'"),
        (lambda: MultiplicativeAttention(6, 8, "concat"), "'concat' is AdditiveAttention"),
        (lambda: AdditiveAttention(6, 8, 0), "units must be a whole number of at least 1, not 0"),
        (lambda: AdditiveAttention(0, 8, 3), "query_size must be a whole number of at least 1, not 0"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_refuses_to_be_what_makes_no_sense(make: Callable[[], object], told: str) -> None:
    with pytest.raises(ElmanError, match=told):
        make()


@pytest.mark.parametrize(
    ("shapes", "lengths", "told"),
    [
        (((4, 3, 5), (4, 5, 8)), None, r"queries of \[4, queries, 6\] to a memory of 4 rows, not \[4, 3, 5\]"),
        (((3, 3, 6), (4, 5, 8)), None, r"not \[3, 3, 6\]"),
        (((4, 6), (4, 5, 8)), None, r"not \[4, 6\]"),
        (((4, 3, 6), (4, 5, 7)), None, r"a memory of \[batch, time, 8\], not \[4, 5, 7\]"),
        (((4, 3, 6), (4, 5, 8)), [6, 0, 0, 0], "lengths go from 0 to 5, not from 0 to 6"),
        (((4, 6, 6), (4, 5, 8)), None, "a step of the memory for each query; 6 queries, 5 steps"),
    ],
    ids=str,
)
def test_refuses_calls_that_make_no_sense(
    shapes: tuple[tuple[int, ...], tuple[int, ...]], lengths: list[int] | None, told: str
) -> None:
    attention = MultiplicativeAttention(QUERY, MEMORY, causal=True)
    query, memory = (torch.zeros(shape) for shape in shapes)
    with pytest.raises(ElmanError, match=told):
        attention(query, memory, None if lengths is None else torch.tensor(lengths))


def test_keys_know_their_lengths() -> None:
    attention = MultiplicativeAttention(QUERY, MEMORY)
    keys = attention.keys(torch.zeros(BATCH, STEPS, MEMORY), LENGTHS)
    with pytest.raises(ElmanError, match="give the lengths to keys"):
        attention(torch.zeros(BATCH, 1, QUERY), keys, LENGTHS)
