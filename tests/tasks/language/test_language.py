"""The task of language: what it predicts, how it chooses, what its numbers mean."""

import math
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest
import torch

from elman.errors import ElmanError
from elman.tasks.language.task import LanguageOptions, LanguageTask
from elman.tasks.language.text import Corpus
from elman.tasks.language.writing import draw
from elman.training.loop import train
from elman.training.settings import Budget, Training
from elman.training.task import Sources, TrainingData, evaluate

RHYME = "the quick brown fox jumps over the lazy dog, and the dog sleeps on.\n"


def example(folder: Path) -> tuple[Path, dict[str, Any]]:
    """A file from which this task learns in seconds, and options that suit it; the laws of all tasks use it."""
    path = folder / "rhyme.txt"
    path.write_text(RHYME * 80, encoding="utf-8")
    return path, {"hidden": 24, "embedding": 12, "batch": 4, "bptt": 17, "lr": 0.02, "warmup": 5}


def model(words: str = RHYME, **options: Any) -> LanguageTask:
    vocabulary = {"tokens": "characters", "characters": "".join(sorted(set(words) | {"\n"}))}
    return LanguageTask(LanguageOptions(**{"hidden": 16, "embedding": 8, **options}), vocabulary).eval()


def prepared(
    folder: Path, words: str, *, rows: int = 4, steps: int = 17, **options: Any
) -> tuple[LanguageTask, TrainingData]:
    source = folder / "words.txt"
    source.write_text(words, encoding="utf-8")
    chosen = LanguageOptions(**{"hidden": 32, "embedding": 16, "dropout": 0.0, **options})
    read = LanguageTask.read(chosen, Sources(source))
    task = LanguageTask(chosen, LanguageTask.learn(chosen, read))
    return task, task.data(read, folder, rows=rows, steps=steps, seed=1)


def test_a_text_learnt_by_heart_is_written_again(tmp_path: Path) -> None:
    task, data = prepared(tmp_path, RHYME * 40, hidden=64)
    progress = train(task, data, tmp_path, Training(lr=0.02, warmup=5), Budget(steps=150))
    assert progress.best is not None
    assert progress.best["loss"] < 0.05
    assert "".join(task.generate("the quick", length=len(RHYME), temperature=0)) == RHYME[9:] + RHYME[:9]


def test_the_state_goes_on_from_window_to_window_and_begins_anew_with_the_streams(tmp_path: Path) -> None:
    task, data = prepared(tmp_path, RHYME * 40, rows=2)
    whole, _ = task(torch.cat([data.batch(step).inputs for step in range(3)], 1))
    state, parts = ("ignored",), []
    for step in range(3):
        window = data.batch(step)
        logits, _ = task(window.inputs, None if window.first else state)
        parts.append(logits)
        state = task.loss(window, state).state
    torch.testing.assert_close(torch.cat(parts, 1), whole)
    assert data.batch(data.epoch).first
    assert torch.equal(data.batch(data.epoch).inputs, data.batch(0).inputs)


def test_the_held_out_part_is_the_end_and_never_learnt_from(tmp_path: Path) -> None:
    _, data = prepared(tmp_path, "a" * 899 + "b" + "c" * 100, held_out=0.1)
    seen = torch.cat([data.batch(step).targets.flatten() for step in range(data.epoch)])
    held_out = torch.cat([window.inputs.flatten() for window in data.held_out])
    assert set(seen.tolist()) == {1}  # a, after the end of a line
    assert set(held_out.tolist()) == {3}


def test_of_a_long_text_streams_are_judged_that_are_spread_evenly_and_they_are_near_the_whole() -> None:
    random = Random(0)
    words = "".join(random.choice(["the fox ", "jumps over ", f"{random.random():.6f} "]) for _ in range(20_000))
    task = model(words + RHYME)
    whole = Corpus(task.tokenizer.encode(words), task.tokenizer, 128)
    part = whole.part(whole.number // 3)
    assert part.streams.taken is not None
    assert whole.number // 4 < part.number <= whole.number // 3
    assert np.ptp(np.diff(part.streams.taken)) <= 1
    for one, all_of_them in zip(part, whole, strict=True):
        assert torch.equal(one.targets, all_of_them.targets[part.streams.taken])
        assert one.first == all_of_them.first
    assert part.characters == 1
    assert evaluate(task, part).metrics["loss"] == pytest.approx(evaluate(task, whole).metrics["loss"], rel=0.01)
    assert whole.part(part.number) is part.part(part.number) is part
    assert part.judged([]).remarks[0].startswith(f"Judged on {part.number:,} of {whole.number:,} tokens")
    assert whole.part(whole.number) is whole
    assert not whole.judged([]).remarks


def test_a_held_out_part_of_usual_size_is_judged_whole_and_a_longer_one_in_part_while_it_learns(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, data = prepared(tmp_path, RHYME * 2000, held_out=0.5)
    assert data.held_out is data.test
    assert sum(window.targets.numel() for window in data.test) > 60_000
    monkeypatch.setattr("elman.tasks.language.text.LEARNING", 30_000)
    _, data = prepared(tmp_path, RHYME * 2000, held_out=0.5)
    assert sum(window.targets.numel() for window in data.held_out) <= 30_000
    assert sum(window.targets.numel() for window in data.test) > 60_000
    assert "of which 28,840 at most, spread evenly" in data.describe()


def test_an_even_guess_costs_the_logarithm_of_the_vocabulary(tmp_path: Path) -> None:
    task, data = prepared(tmp_path, RHYME * 40)
    torch.nn.init.zeros_(task.embedding.weight)
    metrics = evaluate(task, data.held_out).metrics
    size = task.tokenizer.size
    assert metrics["loss"] == pytest.approx(math.log(size), rel=1e-6)
    assert metrics["perplexity"] == pytest.approx(size, rel=1e-5)
    assert metrics["bits_per_character"] == pytest.approx(math.log2(size), rel=1e-6)


@pytest.mark.parametrize(("tokens", "each"), [("bytes", 2.0), ("subwords", None)])
def test_bits_are_counted_by_character_whatever_the_tokens(tokens: str, each: float | None, tmp_path: Path) -> None:
    random = Random(0)
    words = "".join(random.choices("éàüö", k=3000) if tokens == "bytes" else random.choices("éàüöabc ", k=3000))
    task, data = prepared(tmp_path, words, tokens=tokens, vocabulary=300)
    held = words[-len(words) // 10 :]
    each = each or len(task.tokenizer.encode(held)) / len(held)
    metrics = data.held_out.metrics(1.0, [])
    assert metrics["bits_per_character"] == pytest.approx(each / math.log(2), rel=0.02)


def test_the_output_shares_the_embedding() -> None:
    tied, projected = model(hidden=8), model(hidden=16)
    names = {name for name, _ in tied.named_parameters() if not name.startswith("recurrent")}
    assert names == {"embedding.weight", "bias"}
    assert projected.projection.weight.shape == (8, 16)
    assert model(cell="gru", layers=2)(torch.zeros(3, 5, dtype=torch.long))[0].shape == (3, 5, tied.tokenizer.size)


def test_the_same_seed_writes_the_same_text() -> None:
    task = model()
    first, again, other = ("".join(task.generate("the", length=40, seed=seed)) for seed in (3, 3, 4))
    assert first == again != other


def test_writing_goes_on_from_the_prompt_as_a_whole_pass_does() -> None:
    task = model()
    prompt = "the quick brown"
    text = "".join(task.generate(prompt, length=6, temperature=0))
    for n in range(6):
        tokens = torch.from_numpy(task.tokenizer.encode(prompt + text[:n]))[None]
        assert task.tokenizer.decode([int(task(tokens)[0][0, -1].argmax())]) == text[n]


def test_choices_follow_the_chances_and_their_cuts() -> None:
    logits = torch.log(torch.tensor([0.1, 0.5, 0.15, 0.25]))
    random = torch.Generator().manual_seed(0)

    def shares(**cut: Any) -> torch.Tensor:
        settings = {"temperature": 1.0, "top_k": None, "top_p": None, **cut}
        drawn = draw(logits.expand(4000, -1), random=random, **settings)
        return torch.bincount(drawn, minlength=4) / 4000

    close: dict[str, Any] = {"rtol": 0.0, "atol": 0.03}
    torch.testing.assert_close(shares(), torch.tensor([0.1, 0.5, 0.15, 0.25]), **close)
    torch.testing.assert_close(shares(top_k=2), torch.tensor([0, 2 / 3, 0, 1 / 3]), **close)
    torch.testing.assert_close(shares(top_p=0.8), torch.tensor([0, 0.5, 0.15, 0.25]) / 0.9, **close)
    torch.testing.assert_close(shares(top_p=0.01), torch.tensor([0, 1.0, 0, 0]), **close)
    torch.testing.assert_close(shares(temperature=1e-3), torch.tensor([0, 1.0, 0, 0]), **close)
    squares = torch.tensor([0.01, 0.25, 0.0225, 0.0625])
    torch.testing.assert_close(shares(temperature=0.5), squares / squares.sum(), **close)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"temperature": -1.0}, "temperature is 0 or more, not -1"),
        ({"top_k": 0}, "top-k is 1 or more, not 0"),
        ({"top_p": 0.0}, "top-p is above 0 and at most 1, not 0"),
        ({"prompt": "ÜBER"}, "the prompt cannot be read: the vocabulary lacks"),
    ],
)
def test_what_cannot_be_written_is_refused_at_once(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ElmanError, match=message):
        model().generate(**options)
