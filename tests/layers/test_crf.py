"""The conditional random field against the enumeration of every sequence of tags."""

from itertools import pairwise, product
from typing import Any

import pytest
import torch
from torch import Tensor

from elman.errors import ElmanError
from elman.layers.crf import CRF, span_transitions
from elman.testing import assert_close

LENGTHS = torch.tensor([4, 0, 1, 3])
ALLOWED = torch.tensor(  # from each of three tags and the start, to each of them and the end
    [[True, True, False, True], [True, False, True, True], [True, True, True, False], [True, False, True, True]]
)


def make(allowed: Tensor | None = None) -> tuple[CRF, Tensor]:
    """A field with random scores, and emissions whose padding is not a number."""
    crf = CRF(3, allowed, dtype=torch.float64)
    for parameter in crf.parameters():
        torch.nn.init.normal_(parameter)
    emissions = 2 * torch.randn(4, 4, 3, dtype=torch.float64)
    emissions[torch.arange(4) >= LENGTHS[:, None]] = torch.nan
    return crf, emissions


def every(crf: CRF, emissions: Tensor, length: int) -> list[tuple[tuple[int, ...], Tensor]]:
    """Every allowed sequence of tags of one row, with its score, added up as the definition has it."""
    found = []
    for path in product(range(crf.tags), repeat=length):
        steps = [crf.tags, *path, crf.tags]
        if path and not all(crf.allowed[a, b] for a, b in pairwise(steps)):
            continue
        score = emissions.new_zeros(())
        for t, tag in enumerate(path):
            score = score + emissions[t, tag] + (crf.transitions[path[t - 1], tag] if t else crf.start[tag])
        found.append((path, score + crf.end[path[-1]] if path else score))
    return found


@pytest.mark.parametrize("allowed", [None, ALLOWED], ids=["all", "some"])
def test_is_what_the_enumeration_of_all_tags_gives(allowed: Tensor | None) -> None:
    crf, emissions = make(allowed)
    decoded, marginals = crf.decode(emissions, LENGTHS), crf.marginals(emissions, LENGTHS)
    partition = crf.log_partition(emissions, LENGTHS)
    for row, length in enumerate(LENGTHS.tolist()):
        paths = every(crf, emissions[row], length)
        scores = torch.stack([score for _, score in paths])
        total = torch.logsumexp(scores, 0)
        assert_close(partition[row], total, f"partition of row {row}")
        best = paths[int(scores.argmax())][0]
        assert decoded[row].tolist() == [*best, *[-1] * (4 - length)]
        right = torch.zeros(4, 3, dtype=torch.float64)
        for path, score in paths:
            for t, tag in enumerate(path):
                right[t, tag] += torch.exp(score - total).detach()
        assert_close(marginals[row], right, f"marginals of row {row}")
        for path, score in paths:
            tags = torch.full((4, 4), -100)  # what stands in the padding does not matter
            tags[row, :length] = torch.tensor(path, dtype=torch.long)
            alone = crf.log_likelihood(emissions[row : row + 1], tags[row : row + 1], LENGTHS[row : row + 1])
            assert_close(alone[0], score - total, f"likelihood of {path}")


@pytest.mark.parametrize("allowed", [None, ALLOWED], ids=["all", "some"])
def test_marginals_are_the_gradient_of_the_partition(allowed: Tensor | None) -> None:
    crf, emissions = make(allowed)
    emissions.requires_grad_()
    (slope,) = torch.autograd.grad(crf.log_partition(emissions, LENGTHS).sum(), emissions)
    assert_close(crf.marginals(emissions, LENGTHS), slope, "marginals")
    with torch.inference_mode():
        assert_close(crf.marginals(emissions, LENGTHS), slope, "marginals without gradients")


def test_without_lengths_every_step_counts() -> None:
    crf, _ = make(ALLOWED)
    emissions, full = torch.randn(4, 5, 3, dtype=torch.float64), torch.full((4,), 5)
    tags = crf.decode(emissions)
    alone: list[tuple[Any, tuple[Tensor, ...]]] = [(crf.log_partition, ()), (crf.marginals, ()), (crf.decode, ())]
    for method, rest in [*alone, (crf.log_likelihood, (tags,))]:
        assert torch.equal(method(emissions, *rest), method(emissions, *rest, full)), method.__name__
    assert crf.decode(emissions[:, :0]).shape == (4, 0)
    assert torch.equal(crf.log_likelihood(emissions[:, :0], tags[:, :0]), torch.zeros(4, dtype=torch.float64))
    assert crf.marginals(emissions[:, :0]).shape == (4, 0, 3)


@pytest.mark.parametrize("allowed", [None, ALLOWED], ids=["all", "some"])
def test_gradients_are_the_derivatives(allowed: Tensor | None) -> None:
    crf, _ = make(allowed)
    tags = torch.tensor([[0, 1, 2, 0], [1, 2, 2, 0], [0, 0, 0, 0], [2, 0, 1, 0]])
    tags = torch.where(torch.arange(4) < LENGTHS[:, None], tags, 0)
    if allowed is not None:
        tags = crf.decode(torch.randn(4, 4, 3, dtype=torch.float64), LENGTHS)
    names = [name for name, _ in crf.named_parameters()]

    class Loss(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.crf = crf

        def forward(self, emissions: Tensor) -> Tensor:
            marginals = self.crf.marginals(emissions, LENGTHS)
            return self.crf.log_likelihood(emissions, tags, LENGTHS).sum() + marginals.square().sum()

    loss = Loss()

    def run(emissions: Tensor, *values: Tensor) -> Tensor:
        own = {f"crf.{name}": value for name, value in zip(names, values, strict=True)}
        return torch.func.functional_call(loss, own, emissions)

    leaves = [torch.randn(4, 4, 3, dtype=torch.float64), *(p.detach().clone() for p in crf.parameters())]
    leaves = [leaf.requires_grad_() for leaf in leaves]
    assert torch.autograd.gradcheck(run, leaves)
    assert torch.autograd.gradgradcheck(run, leaves, fast_mode=True)


def test_starts_as_a_choice_at_each_step_by_itself() -> None:
    crf, emissions = CRF(5), torch.randn(3, 7, 5)
    assert torch.equal(crf.decode(emissions), emissions.argmax(-1))
    assert_close(crf.marginals(emissions), emissions.softmax(-1), "marginals")


def test_long_rows_of_large_scores_stay_finite() -> None:
    crf = CRF(20, torch.rand(21, 21) < 0.5)
    emissions = 100 * torch.randn(2, 500, 20)
    tags = crf.decode(emissions)
    loss = -crf.log_likelihood(emissions, tags).mean()
    loss.backward()
    assert loss.isfinite()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in crf.parameters())
    sums = crf.marginals(emissions).sum(-1)
    assert_close(sums, torch.ones_like(sums), "sums of marginals")


def test_learns_what_the_emissions_alone_do_not_say() -> None:
    """The tag of a step is that of the step before, moved on by one: only the first emission tells anything."""
    crf, bias = CRF(3), torch.zeros(3)
    optimizer = torch.optim.Adam(crf.parameters(), 0.1)
    first = torch.randint(0, 3, (64,))
    tags = (first[:, None] + torch.arange(8)) % 3
    emissions = torch.zeros(64, 8, 3)
    emissions[:, 0] = 3 * torch.nn.functional.one_hot(first, 3).float() + bias
    for _ in range(60):
        optimizer.zero_grad()
        (-crf.log_likelihood(emissions, tags).mean()).backward()
        optimizer.step()
    assert torch.equal(crf.decode(emissions), tags)


@pytest.mark.parametrize(
    ("scheme", "good", "bad"),
    [
        ("IOB2", ["O", "B-X I-X", "B-X B-Y I-Y O", "B-X B-X"], ["I-X", "O I-X", "B-Y I-X", "B-X O I-X"]),
        ("IOB1", ["I-X", "I-X B-X", "I-X I-Y", "I-X B-X B-X", "O I-X"], ["B-X", "O B-X", "I-Y B-X"]),
        (
            "BIOES",
            ["O", "S-X", "B-X E-X", "B-X I-X E-X S-Y O B-Y E-Y"],
            ["B-X", "I-X", "E-X", "B-X O", "B-X I-X", "B-X E-Y", "S-X E-X", "B-X B-X E-X", "O I-X"],
        ),
    ],
)
def test_schemes_of_spans(scheme: str, good: list[str], bad: list[str]) -> None:
    prefixes = "BIES" if scheme == "BIOES" else "BI"
    labels = ["O", *(f"{prefix}-{kind}" for kind in "XY" for prefix in prefixes)]
    crf = CRF(len(labels), span_transitions(labels, scheme))
    for text, right in [*((text, True) for text in good), *((text, False) for text in bad)]:
        tags = torch.tensor([[labels.index(label) for label in text.split()]])
        emissions = torch.zeros(*tags.shape, len(labels))
        if right:
            crf.log_likelihood(emissions, tags)
        else:
            with pytest.raises(ElmanError, match="which allowed rules out"):
                crf.log_likelihood(emissions, tags)
        wanted = 50 * torch.nn.functional.one_hot(tags, len(labels)).float()
        assert torch.equal(crf.decode(wanted), tags) is right


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"tags": 0}, "tags must be a whole number of at least 1, not 0"),
        ({"tags": -3}, "at least 1, not -3"),
        ({"tags": 2.0}, "not 2.0"),
        ({"tags": 3, "allowed": torch.ones(3, 3, dtype=torch.bool)}, r"allowed is bool of \[4, 4\]"),
        ({"tags": 3, "allowed": torch.ones(4, 4)}, r"not torch.float32 of \[4, 4\]"),
    ],
    ids=str,
)
def test_refuses_to_be_what_makes_no_sense(wrong: dict[str, Any], told: str) -> None:
    with pytest.raises(ElmanError, match=told):
        CRF(**wrong)


def test_refuses_calls_that_make_no_sense() -> None:
    crf, emissions, tags = CRF(3, ALLOWED), torch.zeros(2, 4, 3), torch.zeros(2, 4, dtype=torch.long)
    for wrong, told in (
        (tags + 3, r"tags go from 0 to 2; row 0 has 3 at step 0, which is not padding"),
        (tags - 1, "row 0 has -1 at step 0"),
        (tags[:, :3], r"tags are whole numbers of \[2, 4\], not torch.int64 of \[2, 3\]"),
        (tags.float(), "not torch.float32"),
        (tags + 1, "row 0 has tag 1 after the start at step 0, which allowed rules out"),
        (torch.tensor([[0, 0, 0, 0], [0, 2, 0, 0]]), "row 1 has tag 2 after tag 0 at step 1"),
        (torch.tensor([[0, 0, 0, 0], [0, 0, 1, 2]]), "row 1 has the end after tag 2 at step 4"),
    ):
        with pytest.raises(ElmanError, match=told):
            crf.log_likelihood(emissions, wrong)
    with pytest.raises(ElmanError, match=r"CRF\(3\) takes emissions of \[batch, time, 3\], not \[2, 4, 4\]"):
        crf.decode(torch.zeros(2, 4, 4))
    with pytest.raises(ElmanError, match="lengths go from 0 to 4"):
        crf.decode(emissions, torch.tensor([5, 1]))
    none = CRF(2, torch.tensor([[False, True, True], [False, False, True], [True, False, False]]))
    assert none.decode(torch.zeros(1, 2, 2)).tolist() == [[0, 1]]
    for method in (none.decode, none.marginals):
        with pytest.raises(ElmanError, match="allowed leaves no sequence of tags that is as long as row 1"):
            method(torch.zeros(2, 3, 2), torch.tensor([2, 3]))
    for labels, scheme, told in (
        (["O", "X-PER"], "IOB2", "the labels of IOB2 are O, B-TYPE, I-TYPE, not 'X-PER'"),
        (["O", "S-PER"], "IOB2", "not 'S-PER'"),
        (["O", "B"], "BIOES", "not 'B'"),
        (["O"], "BILOU", "the scheme of spans is IOB1, IOB2 or BIOES, not 'BILOU'"),
    ):
        with pytest.raises(ElmanError, match=told):
            span_transitions(labels, scheme)
