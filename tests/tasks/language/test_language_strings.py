"""Strings, one a line: how they are told from a text, read, parted, learnt, written, and judged."""

import gzip
import json
import logging
import pickle
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from elman.cli.main import main
from elman.data.bad import BadRows
from elman.data.tokens import Characters, tokenizer
from elman.errors import ElmanError
from elman.tasks import restore
from elman.tasks.language.lines import Strings, encode, fingerprints, is_strings, part, read_strings
from elman.tasks.language.strings import StringData, StringParts, Written, judge_written
from elman.tasks.language.task import LanguageOptions, LanguageTask
from elman.tasks.language.writing import Draw, write_strings
from elman.training.task import Sources, evaluate

SMALL = ["--hidden", "24", "--embedding", "12", "--batch", "16", "--lr", "0.02", "--warmup", "5", "--samples", "40"]


def names(number: int, seed: int = 0) -> list[str]:
    """Names of one to four syllables."""
    random = Random(seed)
    return ["".join(random.choices(["ba", "no", "ki", "lu", "re"], k=random.randint(1, 4))) for _ in range(number)]


def strings(texts: list[str]) -> Strings:
    return Strings(texts, np.arange(1, len(texts) + 1), "file")


def written_to(folder: Path, *lines: str) -> Path:
    path = folder / "strings.txt"
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return path


def prepared(folder: Path, texts: list[str], rows: int = 8, **options: Any) -> tuple[LanguageTask, StringData]:
    chosen = LanguageOptions(**{"hidden": 16, "embedding": 8, "dropout": 0.0, "samples": 20, **options})
    read = LanguageTask.read(chosen, Sources(written_to(folder, *texts)))
    task = LanguageTask(chosen, LanguageTask.learn(chosen, read))
    data = task.data(read, folder, rows=rows, steps=64, seed=1)
    assert isinstance(data, StringData)
    return task, data


POEM = ["Wer reitet so spät", "durch Nacht und Wind?", "Es ist der Vater", "mit seinem Kind;"] * 5
CODE = ["def f(x):", "    if x:", "        return", "    x += 1", "f(2)"] * 5


@pytest.mark.parametrize(
    ("lines", "right"),
    [
        (names(50), True),
        (["CCO", "C[C@H](N)C(=O)O", "c1ccccc1", "O=C=O"] * 5, True),
        (["王小明", "李雷", "韩梅梅"] * 5, True),
        ([*names(50), "van der Waals"], True),
        ([*names(100), ""], True),
        ([*names(10), *[""] * 9], True),  # at the end of the file
        (names(9), False),
        (POEM, False),
        (CODE, False),
        (["for(;;){", "\tx++;", "}"] * 5, False),
        (["我在家。", "你好，世界", "他说：好"] * 5, False),
        ([line for name in names(50) for line in (name, "")], False),
        (["x" * 1001] * 20, False),
        ([], False),
    ],
    ids=[
        "names", "molecules", "chinese-names", "a-blank", "an-empty-line", "empty-end", "few", "verse", "code",
        "indented", "chinese-prose", "many-empty-lines", "long", "nothing",
    ],
)  # fmt: skip
def test_strings_are_told_from_texts(lines: list[str], right: bool) -> None:
    assert is_strings("".join(f"{line}\n" for line in lines)) is right


def test_what_the_file_holds_is_announced_and_can_be_said(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    def form(lines: list[str], said: str) -> tuple[str, str]:
        caplog.clear()
        chosen = LanguageOptions(form=said)
        with caplog.at_level(logging.INFO, "elman"):
            read = LanguageTask.read(chosen, Sources(written_to(tmp_path, *lines)))
        return LanguageTask.learn(chosen, read).get("form", "text"), caplog.text

    found, announced = form(names(50), "auto")
    assert found == "strings"
    assert "strings, one a line; --form text" in announced
    assert form(names(50), "text") == ("text", "")
    assert form(POEM, "strings") == ("strings", "")
    found, announced = form(POEM, "auto")
    assert found == "text"
    assert "--form strings" in announced
    with pytest.raises(ElmanError, match="--form is auto, text or strings, not 'lines'"):
        form(POEM, "lines")


@pytest.mark.parametrize("packing", ["plain", "marked", "packed"])
def test_files_of_any_system(packing: str, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    data = "anna\r\n  bé \r\n\r\n \t\r\nzoe".encode("utf-8-sig" if packing == "marked" else "utf-8")
    path = tmp_path / "names"
    path.write_bytes(gzip.compress(data) if packing == "packed" else data)
    with caplog.at_level(logging.INFO, "elman"):
        found = read_strings(path, 100, BadRows())
    assert found.texts == ["anna", "bé", "zoe"]
    assert found.lines.tolist() == [1, 2, 5]
    assert "2 empty lines left out" in caplog.text


@pytest.mark.parametrize("name", ["drugs.smi", "drugs.SMILES", "drugs.smi.gz"])
def test_names_behind_molecules_are_left_out(name: str, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    data = b"CCO\tethanol\nN#N\n\nCC(=O)O acetic acid\n"
    path = tmp_path / name
    path.write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
    with caplog.at_level(logging.INFO, "elman"):
        read = LanguageTask.read(LanguageOptions(), Sources(path))
    assert isinstance(read, StringParts)
    assert sorted(read.learnt.texts + read.held_out.texts) == ["CC(=O)O", "CCO", "N#N"]
    assert "2 names behind the molecules left out" in caplog.text


@pytest.mark.parametrize("name", ["smiles", "Canonical SMILES", "name", "Password", "Nom"])
def test_the_name_of_the_column_is_no_string(name: str, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    path, texts = written_to(tmp_path, name, "CO", "CCN"), ["CO", "CCN"]
    read = read_strings(path, 100, BadRows())
    assert (read.texts, read.lines.tolist()) == (texts, [2, 3])
    assert f"line 1 is the name of the column, and no string: {name}" in caplog.text
    assert read_strings(written_to(tmp_path, "", name, *texts), 100, BadRows()).lines.tolist() == [3, 4]
    again = [name, *texts, name]  # then it is one of the words
    assert read_strings(written_to(tmp_path, *again), 100, BadRows()).texts == again


def test_a_long_line_is_a_bad_row_or_is_read_whole(tmp_path: Path) -> None:
    path = written_to(tmp_path, "anna", "x" * 2_500_000, "zoe")
    with pytest.raises(ElmanError, match=r"strings.txt, line 2: has 2,500,000 characters, more than the 2,000 of"):
        read_strings(path, 2000, BadRows())
    bad = BadRows(skip=True)
    assert read_strings(path, 2000, bad).texts == ["anna", "zoe"]
    assert len(bad.listed) == 1
    assert [len(text) for text in read_strings(path, 10**7, bad).texts] == [4, 2_500_000, 3]


@pytest.mark.parametrize("lines", [["CCO"], ["CCO"] * 50], ids=["one", "equal"])
def test_strings_that_are_all_the_same_are_refused(lines: list[str], tmp_path: Path) -> None:
    with pytest.raises(ElmanError, match="no two different strings"):
        LanguageTask.read(LanguageOptions(form="strings"), Sources(written_to(tmp_path, *lines)))


def test_a_string_that_stands_twice_is_never_on_both_sides() -> None:
    whole = strings(names(600))
    learnt, held_out = part(whole, 0.2, seed=1)
    assert sorted(learnt.texts + held_out.texts) == sorted(whole.texts)
    assert not set(learnt.texts) & set(held_out.texts)
    assert len(set(held_out.texts)) == round(0.2 * len(set(whole.texts)))
    assert part(whole, 0.2, seed=1)[1].texts == held_out.texts != part(whole, 0.2, seed=2)[1].texts
    assert [whole.texts[line - 1] for line in held_out.lines] == held_out.texts


def test_what_is_held_out_and_learnt_as_well_is_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    other = tmp_path / "valid.txt"
    other.write_text("baba\nxyz\nQ\n", encoding="utf-8")
    chosen = LanguageOptions(form="strings")
    read = LanguageTask.read(chosen, Sources(written_to(tmp_path, "baba", "noki"), other))
    assert "1 of 3 strings held out are learnt from as well" in caplog.text
    data: Any = LanguageTask(chosen, LanguageTask.learn(chosen, read)).data(read, tmp_path, rows=2, steps=9, seed=1)
    assert sum(int(batch.lengths.sum()) for batch in data.held_out) == 4 + 3 + 1 + 3


@pytest.mark.parametrize("kind", ["characters", "bytes", "subwords"])
def test_every_kind_of_tokens_keeps_the_strings_apart(kind: str) -> None:
    texts = ["bé", "\t\tx", "new\tx", "a b", "Ωmega"] * 3
    learnt = tokenizer(kind).learn(["\n".join(texts * 20)], 300)
    encoded = encode(strings(texts), learnt)
    end = learnt.encode("\n")[0]
    for row, text in enumerate(texts):
        first, *inner, last = encoded[row].tolist()
        assert first == last == end
        assert learnt.decode(inner) == text
        assert encoded.lengths[row] == len(inner) + 1


@pytest.mark.parametrize("cell", ["lstm", "gru", "mingru"])
def test_the_loss_is_the_mean_over_real_tokens_each_string_from_a_state_of_zero(cell: str, tmp_path: Path) -> None:
    task, data = prepared(tmp_path, names(60), cell=cell)
    seen: list[str] = []
    for step in range(data.epoch):
        batch = data.batch(step)
        total, count = 0.0, 0
        for inputs, targets, length in zip(*batch, strict=True):
            logits, _ = task(inputs[None, :length])
            total += float(F.cross_entropy(logits[0].detach(), targets[:length], reduction="sum"))
            count += int(length)
            assert inputs[0] == targets[length - 1] == task.tokenizer.encode("\n")[0]
            seen.append(task.tokenizer.decode(targets[: length - 1].tolist()))
        loss = task.loss(batch, "ignored")
        assert loss.number == count
        assert loss.state is None
        assert float(loss.value.detach()) == pytest.approx(total / count, rel=1e-5)
    assert sorted(seen) == sorted(data.learnt.texts)


def test_bits_count_the_end_of_a_string_as_a_character(tmp_path: Path) -> None:
    task, data = prepared(tmp_path, names(60))
    torch.nn.init.zeros_(task.embedding.weight)
    metrics = evaluate(task, data.held_out).metrics
    assert metrics["bits_per_character"] == pytest.approx(np.log2(task.tokenizer.size), rel=1e-6)
    assert metrics["perplexity"] == pytest.approx(task.tokenizer.size, rel=1e-5)


def test_only_the_last_judgement_writes(tmp_path: Path) -> None:
    task, data = prepared(tmp_path, names(60))
    assert set(evaluate(task, data.held_out).metrics) == {"loss", "bits_per_character", "perplexity"}
    metrics = evaluate(task, data.test).metrics
    assert {"valid", "unique", "new"} <= set(metrics)
    assert metrics == evaluate(task, data.test).metrics
    task, data = prepared(tmp_path, names(60), samples=0)
    assert set(evaluate(task, data.test).metrics) == {"loss", "bits_per_character", "perplexity"}
    assert pickle.loads(pickle.dumps(data)).describe() == data.describe()  # as it goes to other processes


def counting(tokens: torch.Tensor, state: Any) -> tuple[torch.Tensor, Any]:
    """A model in which string ``r`` of a batch writes token ``r`` so many times, and ends."""
    if state is None:
        rows = torch.arange(len(tokens), dtype=torch.float32)
        state = (torch.stack([rows, rows])[None].transpose(1, 2),)  # [1, B, 2]: which one, and how much is left
    which, left = state[0][0, :, 0], state[0][0, :, 1]
    logits = torch.full((len(tokens), tokens.shape[1], 6), -1e9)
    logits[range(len(tokens)), -1, torch.where(left > 0, which, 0.0).long()] = 0.0
    return logits, (torch.stack([which, left - 1], 1)[None],)


def test_strings_that_have_ended_are_dropped_and_the_others_go_on() -> None:
    sizes = []

    def model(tokens: torch.Tensor, state: Any) -> tuple[torch.Tensor, Any]:
        sizes.append(len(tokens))
        return counting(tokens, state)

    found = list(write_strings(model, torch.tensor([0]), 5, 3, 0, Draw(0, None, None, 1)))
    assert found == [([], True), ([1], True), ([2, 2], True), ([3, 3, 3], True), ([4, 4, 4], False)]
    assert sizes == [5, 4, 3, 2]
    sizes.clear()
    list(write_strings(model, torch.tensor([0]), 2, 9, 0, Draw(0, None, None, 1)))
    assert sizes == [2, 1]


def test_strings_are_drawn_as_often_as_the_model_says(tmp_path: Path) -> None:
    task, _ = prepared(tmp_path, names(60))
    torch.manual_seed(0)
    for parameter in task.parameters():
        torch.nn.init.normal_(parameter)
    start = torch.from_numpy(task.tokenizer.encode("\n").astype(np.int64))
    chances = torch.softmax(task(start[None])[0][0, -1], -1)
    found = task.strings(3000, seed=1)
    assert len(found) == 3000
    for token, chance in enumerate(chances.tolist()):
        share = np.mean([(each or "\n").startswith(task.tokenizer.decode([token])) for each in found])
        assert share == pytest.approx(chance, abs=0.04)
    assert task.strings(3000, seed=1) == found != task.strings(3000, seed=2)
    for prompt in task.tokenizer.decode(range(1, task.tokenizer.size)):
        greedy = prompt
        while len(greedy) < 6 and not greedy.endswith("\n"):  # the slow truth, from the beginning for each token
            whole = torch.from_numpy(task.tokenizer.encode("\n" + greedy).astype(np.int64))[None]
            greedy += task.tokenizer.decode([int(task(whole)[0][0, -1].argmax())])
        assert task.strings(3, temperature=0, prompt=prompt, max_length=5) == [greedy.rstrip("\n")] * 3
    assert max(map(len, task.strings(50, max_length=2, seed=1))) == 2


def test_what_cannot_be_written_is_refused(tmp_path: Path) -> None:
    task, _ = prepared(tmp_path, names(60))
    text = LanguageTask(LanguageOptions(hidden=8), {"tokens": "bytes"})
    calls: list[tuple[LanguageTask, dict[str, Any], str]] = [
        (task, {"number": 2, "prompt": "b\na"}, "a string has one line"),
        (task, {"number": 2, "prompt": "Q"}, "the prompt cannot be read: the vocabulary lacks 'Q'"),
        (task, {"number": 0}, "the number of strings is 1 or more, not 0"),
        (task, {"number": 2, "top_k": 0}, "top-k is 1 or more, not 0"),
        (text, {"number": 2}, r"trained on a text, not on strings: generate\(\)"),
    ]
    for model, call, message in calls:
        with pytest.raises(ElmanError, match=message):
            model.strings(**call)
    with pytest.raises(ElmanError, match=r"trained on strings, not on a text: strings\(\)"):
        task.generate()
    with pytest.raises(ElmanError, match="a dialogue takes one of a text"):
        task.dialogue()


def test_the_shares_of_what_was_written() -> None:
    known = fingerprints(["anna", "otto"])
    found = [Written(text, True) for text in ("anna", "anna", "anno", "otta", "")] + [Written("annann", False)]
    assert judge_written(found, known, False) == {"valid": 4 / 6, "unique": 3 / 4, "new": pytest.approx(2 / 3)}
    assert judge_written(found[-2:], known, False) == {"valid": 0.0}


def test_molecules_are_valid_where_rdkit_reads_them_and_the_same_however_written(capfd: Any) -> None:
    pytest.importorskip("rdkit")
    known = fingerprints(["CCO", "N(C)C"])
    found = [Written(text, True) for text in ("OCC", "CN(C)", "N(C)C", "C1CC", "Q", "", "CCN")]
    metrics = judge_written([*found, Written("CCCC", False)], known, True)
    assert metrics == {"valid": 4 / 8, "unique": 3 / 4, "new": pytest.approx(1 / 3)}
    assert capfd.readouterr().err == ""


def test_molecules_are_found_out(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    pytest.importorskip("rdkit")
    molecules = ["C" * n + end for n in range(1, 9) for end in ("O", "N", "F", "c1ccccc1")]
    with caplog.at_level(logging.INFO, "elman"):
        task, _ = prepared(tmp_path, molecules)
    assert "molecules, as SMILES that RDKit reads" in caplog.text
    assert task.vocabulary["molecules"]
    assert not prepared(tmp_path, names(60))[0].vocabulary["molecules"]


def test_without_rdkit_nothing_is_said_of_molecules(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("elman.tasks.language.strings.has_rdkit", bool)
    assert judge_written([Written("CCO", True)], fingerprints(["CCO"]), True) == {}
    assert "takes RDKit: pip install elman[molecules]" in caplog.text
    caplog.clear()
    path = written_to(tmp_path, "CCO", "CCN", "CCF").rename(tmp_path / "some.smi")
    with caplog.at_level(logging.INFO, "elman"):
        read: Any = LanguageTask.read(LanguageOptions(form="strings"), Sources(path))
        assert not read.molecules
    assert "takes RDKit: pip install elman[molecules]" in caplog.text


def test_from_a_file_of_names_to_new_names(tmp_path: Path, capsys: Any) -> None:
    source, out = written_to(tmp_path, *names(400)), tmp_path / "out"
    assert main(["train", "language", "--data", str(source), "--out", str(out), "--steps", "60", *SMALL]) == 0
    said = capsys.readouterr()
    assert "strings to learn from" in said.out
    assert f"{source}: strings, one a line; --form text takes them as one text" in said.err
    result = json.loads((out / "result.json").read_text())
    judged = result["compared"]["language"]
    assert any("strings, one a line" in line for line in result["found"])
    assert result["after"]["loss"] < 0.6 * result["before"]["loss"]
    assert judged == result["after"] | {name: judged[name] for name in ("valid", "unique", "new")}
    assert judged["valid"] > 0.8
    assert judged["new"] < 1
    task = restore(out)
    read: Any = LanguageTask.read(task.options, Sources(source))
    held_out = read.held_out
    other = tmp_path / "other.txt"
    other.write_text("\n".join(held_out.texts), encoding="utf-8")
    assert evaluate(task, task.evaluation(other, tmp_path, BadRows())).metrics == pytest.approx(judged)

    written = tmp_path / "new.txt"
    command = ["generate", str(out), "--number", "7", "--seed", "1", "--prompt", "no"]
    assert main([*command, "--out", str(written)]) == 0
    lines = written.read_text(encoding="utf-8").splitlines()
    assert len(lines) == 7
    assert all(line.startswith("no") for line in lines)
    capsys.readouterr()
    assert main(command) == 0
    assert capsys.readouterr().out.splitlines() == lines
    assert main(["generate", str(out)]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 10

    other.write_text("noba\nQ\n", encoding="utf-8")
    assert main(["evaluate", str(out), "--data", str(other)]) == 2
    assert f"{other}, line 2: the vocabulary lacks 'Q'; mend it" in capsys.readouterr().err
    assert main(["evaluate", str(out), "--data", str(other), "--skip-bad", "--json"]) == 0
    assert "new" in json.loads(capsys.readouterr().out)
    assert main(["train", "language", "--out", str(out), "--resume", "--steps", "62"]) == 0
    assert json.loads((out / "result.json").read_text())["steps"] == 62


def test_samples_of_a_text_are_parted_by_an_empty_line(tmp_path: Path, capsys: Any) -> None:
    model = LanguageTask(LanguageOptions(hidden=8), Characters("\nab").to_json()).eval()
    model.save(tmp_path / "model")
    command = ["generate", str(tmp_path / "model"), "--prompt", "ab", "--length", "4", "--seed", "3"]
    assert main([*command, "--number", "2"]) == 0
    whole = capsys.readouterr().out
    parts = []
    for seed in ("3", "4"):
        assert main([*command[:-1], seed]) == 0
        parts.append(capsys.readouterr().out)
    assert whole == "\n".join(parts)


@pytest.mark.parametrize("options", [{"temperature": 1e-300}, {"temperature": 1e300}, {"top_k": 10**30}, {"seed": -5}])
def test_what_is_extreme_is_drawn_from_all_the_same(options: dict[str, Any]) -> None:
    model = LanguageTask(LanguageOptions(hidden=8), {"tokens": "characters", "characters": "\nab", "form": "strings",
                                                     "longest": 9}).eval()  # fmt: skip
    assert len(model.strings(3, **{"seed": 1, **options})) == 3
    with pytest.raises(ElmanError, match="64 bits"):
        model.strings(3, seed=10**30)


def test_the_longest_string_that_is_allowed_takes_no_memory_of_its_own() -> None:
    model = LanguageTask(LanguageOptions(hidden=8), {"tokens": "characters", "characters": "\nab", "form": "strings",
                                                     "longest": 9}).eval()  # fmt: skip
    assert len(model.strings(2, max_length=10**12, seed=1)) == 2


def test_of_many_strings_some_are_judged_while_it_learns_and_they_are_spread_evenly(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts = [f"{number:04}" for number in range(400)]
    _, data = prepared(tmp_path, texts, held_out=0.5)
    assert data.held_out.number == data.test.number == 1000
    monkeypatch.setattr("elman.tasks.language.strings.LEARNING", 250)
    _, data = prepared(tmp_path, texts, held_out=0.5)
    judged = torch.cat([row for rows in data.held_out for row in rows.targets])
    there = torch.cat([row for rows in data.test for row in rows.targets])
    assert (judged.numel(), there.numel(), data.held_out.size) == (250, 1000, 50)
    assert set(map(tuple, judged.view(-1, 5).tolist())) < set(map(tuple, there.view(-1, 5).tolist()))
    assert "200 held out (50 of them, spread evenly, are judged while it learns)" in data.describe()
    assert data.held_out.judged([]).remarks
