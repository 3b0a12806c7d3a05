"""Search equals enumeration where a beam holds everything, and a plain beam, row by row, where it does not."""

import math
from collections import Counter
from itertools import product
from typing import Any, NamedTuple

import pytest
import torch
from torch import Tensor

from elman.errors import ElmanError
from elman.layers.search import Beam, Greedy, Hypothesis, Limits, Sample, Step

VOCABULARY, END, BATCH, LONGEST = 4, 1, 3, 3
EVERYTHING = sum(3**n for n in range(LONGEST + 1))  # hypotheses of at most LONGEST tokens other than the end
BEGIN = torch.tensor([0, 2, 0])


class Model:
    """A random recurrent model, whose next token depends on all before it."""

    def __init__(self, seed: int, sharpness: float = 2.0, end: float = 0.0) -> None:
        random = torch.Generator().manual_seed(seed)
        self.start, self.embedding, self.recurrent, self.output = (
            torch.randn(*shape, generator=random, dtype=torch.float64)
            for shape in ((BATCH, 6), (VOCABULARY, 6), (6, 6), (6, VOCABULARY))
        )
        self.output *= sharpness
        self.bias = end * torch.nn.functional.one_hot(torch.tensor(END), VOCABULARY)
        self.calls = 0

    def step(self, tokens: Tensor, state: tuple[Tensor, ...]) -> tuple[Tensor, tuple[Tensor, ...]]:
        (h,) = state
        assert tokens.shape == h.shape[:2]
        self.calls += 1
        h = torch.tanh(self.embedding[tokens] + h @ self.recurrent)
        return torch.log_softmax(h @ self.output + self.bias, -1), (h,)

    def log_prob(self, row: int, tokens: list[int]) -> float:
        """Of the tokens and the end."""
        state, total = (self.start[row].view(1, 1, -1),), 0.0
        for last, token in zip([int(BEGIN[row]), *tokens], [*tokens, END], strict=True):
            log_probs, state = self.step(torch.tensor([[last]]), state)
            total += float(log_probs[0, 0, token])
        return total


class Found(NamedTuple):
    """A hypothesis that need not have ended."""

    tokens: list[int]
    log_prob: float


def ranked(hypotheses: list[Hypothesis]) -> list[Hypothesis]:
    return sorted(hypotheses, key=lambda h: h.score, reverse=True)


def scored(tokens: list[int], log_prob: float, alpha: float) -> Hypothesis:
    return Hypothesis(tokens, log_prob, log_prob / ((5 + len(tokens) + 1) / 6) ** alpha)


def enumerated(model: Model, row: int, longest: int, alpha: float, forbidden: tuple[int, ...]) -> list[Hypothesis]:
    """All that may be said, the best score first."""
    others = [token for token in range(VOCABULARY) if token != END and token not in forbidden]
    every = [list(tokens) for n in range(longest + 1) for tokens in product(others, repeat=n)]
    return ranked([scored(tokens, model.log_prob(row, tokens), alpha) for tokens in every])


def plain_beam(model: Model, row: int, longest: int, width: int, alpha: float) -> list[Hypothesis]:
    """A beam of one sentence that never stops early."""
    going, ended = [Found([], 0.0)], []
    for length in range(longest + 1):
        further = []
        for tokens, log_prob in going:
            state, log_probs = (model.start[row].view(1, 1, -1),), torch.empty(0)
            for last in [int(BEGIN[row]), *tokens]:
                log_probs, state = model.step(torch.tensor([[last]]), state)
            for token in range(VOCABULARY) if length < longest else [END]:
                further.append(Found([*tokens, token], log_prob + float(log_probs[0, 0, token])))
        best = sorted(further, key=lambda f: f.log_prob, reverse=True)[: width - len(ended)]
        ended += [scored(f.tokens[:-1], f.log_prob, alpha) for f in best if f.tokens[-1] == END]
        going = [f for f in best if f.tokens[-1] != END]
    return ranked(ended)


def check(found: list[Hypothesis], right: list[Hypothesis]) -> None:
    assert [h.tokens for h in found] == [h.tokens for h in right]
    for a, b in zip(found, right, strict=True):
        assert a.log_prob == pytest.approx(b.log_prob, abs=1e-12)
        assert a.score == pytest.approx(b.score, abs=1e-12)


@pytest.mark.parametrize("alpha", [0.0, 0.6, 1.0, 3.0, -0.5])
@pytest.mark.parametrize("best", [1, 4, EVERYTHING])
def test_a_beam_that_holds_everything_is_enumeration(alpha: float, best: int) -> None:
    model = Model(0)
    lengths = torch.tensor([LONGEST, 0, LONGEST - 1])
    found = Beam(EVERYTHING, alpha, best)(model.step, (model.start,), BEGIN, Limits(END, lengths))
    for row, longest in enumerate(lengths.tolist()):
        check(found[row], enumerated(model, row, longest, alpha, ())[:best])


@pytest.mark.parametrize("forbidden", [(0,), (2, 3), (0, 2, 3)])
def test_what_is_forbidden_is_never_said(forbidden: tuple[int, ...]) -> None:
    model, limits = Model(1), Limits(END, LONGEST, forbidden)
    found = Beam(EVERYTHING, n_best=EVERYTHING)(model.step, (model.start,), BEGIN, limits)
    for row in range(BATCH):
        check(found[row], enumerated(model, row, LONGEST, 0.6, forbidden))
    for search in (Greedy(), Sample(3.0, count=20)):
        said = search(model.step, (model.start,), BEGIN, limits)
        assert not any(token in forbidden for row in said for h in row for token in h.tokens)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(("width", "best"), [(1, 1), (2, 1), (3, 2), (5, 5)])
@pytest.mark.parametrize("alpha", [0.0, 1.0, 3.0, -0.5])
def test_a_beam_is_a_plain_beam_row_by_row(seed: int, width: int, best: int, alpha: float) -> None:
    model = Model(seed, sharpness=1.0)
    found = Beam(width, alpha, best)(model.step, (model.start,), BEGIN, Limits(END, 6))
    for row in range(BATCH):
        check(found[row], plain_beam(model, row, 6, width, alpha)[:best])


@pytest.mark.parametrize("seed", range(10))
def test_a_beam_of_one_is_greedy(seed: int) -> None:
    model = Model(seed)
    greedy = Greedy()(model.step, (model.start,), BEGIN, Limits(END, 8))
    for alpha in (0.0, 1.0):
        for row, alone in zip(Beam(1, alpha)(model.step, (model.start,), BEGIN, Limits(END, 8)), greedy, strict=True):
            assert row[0].tokens == alone[0].tokens
            assert row[0].log_prob == pytest.approx(alone[0].log_prob, abs=1e-12)


def test_greedy_says_the_likeliest_and_its_score_is_the_models() -> None:
    model = Model(3)
    lengths = torch.tensor([5, 2, 0])
    for row, (hypothesis,) in enumerate(Greedy()(model.step, (model.start,), BEGIN, Limits(END, lengths))):
        state, last, said = (model.start[row].view(1, 1, -1),), int(BEGIN[row]), []
        while len(said) < lengths[row]:
            log_probs, state = model.step(torch.tensor([[last]]), state)
            last = int(log_probs.argmax())
            if last == END:
                break
            said.append(last)
        assert hypothesis.tokens == said
        assert hypothesis.score == hypothesis.log_prob == pytest.approx(model.log_prob(row, said), abs=1e-12)


def test_a_beam_stops_when_nothing_can_be_better() -> None:
    model = Model(0, end=8.0)
    limits = Limits(END, 1000)
    calls = []
    for alpha in (0.0, 1.0):  # a penalty may favour what is longer, and the search looks further
        model.calls = 0
        for (hypothesis,) in Beam(4, alpha)(model.step, (model.start,), BEGIN, limits):
            assert hypothesis.tokens == []
        calls.append(model.calls)
    assert calls[0] == 1
    assert 1 < calls[1] < 20


@pytest.mark.parametrize(
    ("alpha", "ends", "right"),
    [
        # the second ending is worse than the first as far as the next step shows, and the last is the best of all
        (1.0, [0.6, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0], 9),
        (0.0, [0.6, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0], 0),
        # what is longer is worse, but the very next is better still
        (-0.5, [0.3, 1.0], 1),
        (-0.5, [0.3, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0], 9),
        (-1.0, [0.3, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0], 0),
    ],
)
def test_a_beam_does_not_stop_too_early(alpha: float, ends: list[float], right: int) -> None:
    """``ends`` is the probability of the end at each length; the other token has the rest."""

    def step(tokens: Tensor, state: tuple[Tensor, ...]) -> tuple[Tensor, tuple[Tensor, ...]]:
        (length,) = state
        end = torch.tensor(ends)[length]
        return torch.stack([1 - end, end], -1).log(), (length + 1,)

    ((hypothesis,),) = Beam(2, alpha)(step, (torch.tensor([0]),), torch.tensor([0]), Limits(END, 1000))
    assert len(hypothesis.tokens) == right


def test_a_sentence_does_not_depend_on_those_beside_it() -> None:
    model, search = Model(4), Beam(3, n_best=3)
    together = search(model.step, (model.start,), BEGIN, Limits(END, torch.tensor([6, 2, 4])))
    for row, longest in enumerate((6, 2, 4)):
        (alone,) = search(model.step, (model.start[row : row + 1],), BEGIN[row : row + 1], Limits(END, longest))
        check(alone, together[row])


@pytest.mark.parametrize(
    ("search", "chances"),
    [
        (Sample(count=4000, seed=1), lambda p: p),
        (Sample(0.5, count=4000, seed=1), lambda p: p**2),
        (Sample(top_k=2, count=4000, seed=1), lambda p: p * (p >= p.sort().values[-2])),
        (Sample(top_p=0.6, count=4000, seed=1), lambda p: p * torch.tensor([1.0, 0, 1, 0])),
        (Sample(top_p=0.3, count=4000, seed=1), lambda p: p * torch.tensor([1.0, 0, 0, 0])),
        (Sample(top_k=3, top_p=0.6, count=4000, seed=1), lambda p: p * torch.tensor([1.0, 0, 1, 0])),
        (Sample(top_k=3, top_p=0.9, count=4000, seed=1), lambda p: p * torch.tensor([1.0, 0, 1, 1])),
    ],
    ids=lambda value: str(value) if isinstance(value, Sample) else "",  # a function's own text differs from run to run
)
def test_samples_are_as_frequent_as_they_are_likely(search: Sample, chances: object) -> None:
    probs = torch.tensor([0.4, 0.1, 0.3, 0.2])

    def step(tokens: Tensor, state: tuple[Tensor, ...]) -> tuple[Tensor, tuple[Tensor, ...]]:
        return probs.log().expand(*tokens.shape, -1), state

    assert callable(chances)
    right: Any = chances(probs)
    # one token each, or none: the end is the fourth of the likeliest
    (found,) = search(step, (), torch.tensor([0]), Limits(END, 1))
    counts = Counter(h.tokens[0] if h.tokens else END for h in found)
    for token, chance in enumerate((right / right.sum()).tolist()):
        assert abs(counts[token] / 4000 - chance) < (0.03 if chance else 1e-9), f"token {token}"
        for h in found:
            if h.tokens == [token]:  # scores are the model's, whatever is drawn from; then it has to end
                assert h.log_prob == pytest.approx(math.log(probs[token] * probs[END]), abs=1e-5)


def test_samples_come_from_their_seed_and_the_narrowest_is_greedy() -> None:
    model, limits = Model(5, sharpness=1.0), Limits(END, 10)

    def said(search: Sample | Greedy) -> list[list[Hypothesis]]:
        return search(model.step, (model.start,), BEGIN, limits)

    assert said(Sample(seed=1, count=5)) == said(Sample(seed=1, count=5))
    assert said(Sample(seed=1, count=5)) != said(Sample(seed=2, count=5))
    for row in said(Sample(seed=1, count=5)):
        assert len(row) == 5
        assert [h.score for h in row] == sorted((h.score for h in row), reverse=True)
    for narrow in (Sample(top_k=1), Sample(top_p=1e-9), Sample(temperature=1e-4)):
        for a, b in zip(said(narrow), said(Greedy()), strict=True):
            check(a, b)
    torch.manual_seed(1)
    first = said(Sample())
    assert said(Sample()) != first
    torch.manual_seed(1)
    assert said(Sample()) == first


@pytest.mark.parametrize("search", [Greedy(), Sample(), Beam()], ids=str)
def test_no_sentences_and_no_length(search: Greedy | Sample | Beam) -> None:
    model = Model(0)
    assert search(model.step, (model.start[:0],), BEGIN[:0], Limits(END, 5)) == []
    for row, hypotheses in enumerate(search(model.step, (model.start,), BEGIN, Limits(END, 0))):
        check(hypotheses, [scored([], model.log_prob(row, []), 0)])
    start = model.start.clone().requires_grad_()
    assert search(model.step, (start,), BEGIN, Limits(END, 5))  # nothing of it is differentiated


def test_a_beam_drops_what_is_impossible() -> None:
    allowed = torch.tensor([[-math.inf, -math.inf, 0.0, -math.inf]])

    def stuck(tokens: Tensor, state: tuple[Tensor, ...]) -> tuple[Tensor, tuple[Tensor, ...]]:
        return allowed.expand(*tokens.shape, -1), state

    assert Beam()(stuck, (), torch.tensor([0, 0]), Limits(END, 3)) == [[], []]
    for search in (Greedy(), Sample()):
        with pytest.raises(ElmanError, match="after 3 tokens the model and the limits leave none that is possible"):
            search(stuck, (), torch.tensor([0, 0]), Limits(END, 3))


@pytest.mark.parametrize("search", [Greedy(), Sample(), Beam()], ids=str)
def test_a_broken_model_is_not_searched(search: Greedy | Sample | Beam) -> None:
    broken: Step = lambda tokens, state: (torch.full((*tokens.shape, 4), math.nan), state)  # noqa: E731
    with pytest.raises(ElmanError, match="token 1 have NaN"):
        search(broken, (), torch.tensor([0]), Limits(END, 3))


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda: Beam(0), "the width of a beam must be a whole number of at least 1, not 0"),
        (lambda: Beam(2.5), "at least 1, not 2.5"),  # pyright: ignore[reportArgumentType]
        (lambda: Beam(3, n_best=4), "a beam of 3 finds at most as many hypotheses, not the 4 best"),
        (lambda: Beam(3, n_best=0), "n_best must be a whole number of at least 1, not 0"),
        (lambda: Beam(3, math.nan), "length_penalty is a finite number"),
        (lambda: Sample(0.0), r"temperature must be above 0, not 0.0; Greedy\(\) takes the likeliest"),
        (lambda: Sample(top_k=0), "top_k must be a whole number of at least 1, not 0"),
        (lambda: Sample(top_p=0.0), "top_p must be above 0 and at most 1, not 0.0"),
        (lambda: Sample(count=0), "count must be"),
        (lambda: Limits(END, -1), "max_length is a whole number of tokens, 0 or more, not -1"),
        (lambda: Limits(END, 1.5), "max_length is a whole number of tokens"),  # pyright: ignore[reportArgumentType]
        (lambda: Limits(END, 5, [0, END]), "token 1 ends a hypothesis and is forbidden"),
        (
            lambda: Beam()(Model(0).step, (Model(0).start,), BEGIN, Limits(END, torch.tensor([1, 2]))),
            "one for each of 3 sentences, not 2",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_refuses_what_makes_no_sense(make: object, told: str) -> None:
    assert callable(make)
    with pytest.raises(ElmanError, match=told):
        make()
