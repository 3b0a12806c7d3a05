"""The task of translation: what it reads, what it writes, and what its numbers mean."""

import gzip
import json
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import polars as pl
import pytest

from elman.data.bad import BadRows
from elman.data.dialect import Dialect
from elman.data.rows import read_texts
from elman.errors import ElmanError
from elman.tasks.translate.pairs import Layout, PairBatches, find_layout, read_pairs
from elman.tasks.translate.similarity import measures, nearest_neighbour
from elman.tasks.translate.symbols import UNKNOWN, Symbols, find_kind, is_like
from elman.tasks.translate.task import TranslateOptions, TranslateTask
from elman.training.runs import fit
from elman.training.task import Sources

SOUNDS = {"a": "AH", "b": "B", "c": "K", "d": "D IY", "e": "EH", "f": "F"}
FOUND_OUT = Layout("table", "", "")
SMALL = {"hidden": 8, "embedding": 8}


def example(folder: Path) -> tuple[Path, dict[str, Any]]:
    """A file from which this task learns in seconds, and options that suit it; the laws of all tasks use it."""
    random, path = Random(3), folder / "sounds.tsv"
    words = ["".join(random.choices("abcdef", k=random.randrange(2, 6))) for _ in range(150)]
    path.write_text("".join(f"{w}\t{' '.join(SOUNDS[c] for c in w)}\n" for w in words), encoding="utf-8")
    return path, {"hidden": 24, "embedding": 24, "batch": 16, "lr": 0.02, "warmup": 5, "held_out": 0.2}


def written(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_bytes(gzip.compress(text.encode()) if name.endswith(".gz") else text.encode())
    return path


def untrained(pairs: list[tuple[str, str]], **options: Any) -> tuple[TranslateTask, Any]:
    chosen = TranslateOptions(**{**SMALL, "held_out": 0, **options})
    read = TranslateTask.read(chosen, Sources(pairs))
    return TranslateTask(chosen, TranslateTask.learn(chosen, read)).eval(), read


@pytest.fixture(scope="module")
def speller() -> TranslateTask:
    """A model that learnt to spell backwards by heart."""
    words = ["abc", "ca", "bbc", "cab", "ac"]
    pairs = [(word, word[::-1]) for word in words] * 4
    options: dict[str, Any] = {"hidden": 24, "embedding": 16, "lr": 0.02, "batch": 8, "dropout": 0.0, "warmup": 5}
    return fit(TranslateTask, pairs, held_out=0, steps=80, **options)


def test_what_was_learnt_by_heart_is_written(speller: TranslateTask, tmp_path: Path) -> None:
    assert speller.predict(["abc", "bbc", "ac"])["predicted"].to_list() == ["cba", "cbb", "ca"]
    metrics = speller.evaluation([("abc", "cba"), ("ac", "xx"), ("ac", "ca")], tmp_path, BadRows())
    batches = list(metrics)
    found = metrics.metrics(0.0, [speller.loss(batch, None).output for batch in batches])
    assert found["exact_match"] == 1  # since either answer to "ac" is right
    assert found["token_error"] == 0


def test_a_row_for_each_row_in_order_whatever_is_in_it(speller: TranslateTask, caplog: Any) -> None:
    answers = speller.predict(["", "abc", "x", "a" * 100_000, " "])
    assert answers["source"].to_list()[1:3] == ["abc", "x"]
    assert answers["predicted"].to_list()[:2] == ["", "cba"]
    assert answers["predicted"].null_count() == 0
    assert "never learnt, and read as unknown" in caplog.text
    assert "1 row has more than 400 tokens" in caplog.text


def test_a_stream_takes_bare_lines_and_objects(speller: TranslateTask) -> None:
    said = [json.loads(line) for line in speller.stream(["abc\r\n", '{"source": "ca"}', ""])]
    assert [each["predicted"] for each in said] == ["cba", "ac", ""]


@pytest.mark.parametrize("feeding", ["none", "readout", "context"])
@pytest.mark.parametrize("attention", ["multiplicative", "additive", "none"])
def test_every_choice_of_a_model_learns_and_answers(feeding: str, attention: str) -> None:
    pairs = [("a b", "b a"), ("c", "c")]
    if attention == "none" and feeding == "context":
        with pytest.raises(ElmanError, match="needs an attention"):
            untrained(pairs, feeding=feeding, attention=attention)
        return
    task, read = untrained(pairs, feeding=feeding, attention=attention, layers=2, bidirectional=False)
    task.train().loss(task.data(read, Path(), rows=2, steps=1, seed=1).batch(0), None).value.backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in task.parameters())
    assert len(task.eval().predict(["a", "b a"])) == 2


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ({"attention": "dot"}, "--attention is multiplicative"),
        ({"feeding": "all"}, "--feeding is none, readout, context"),
        ({"source_tokens": "bytes"}, "tokens are subwords, characters, words"),
        ({"source_tokens": "words", "target_tokens": "characters", "shared": True}, "--shared needs one kind"),
    ],
)
def test_a_choice_that_does_not_exist_is_said(option: dict[str, Any], message: str) -> None:
    with pytest.raises(ElmanError, match=message):
        untrained([("a", "b")], **option)


def test_parallel_files_and_tables_give_the_same_pairs(tmp_path: Path) -> None:
    written(tmp_path, "few.en.gz", '\ufeffone two\r\nthree, "four"\r\n')
    written(tmp_path, "few.de.gz", "eins zwei\ndrei, vier\n")
    rows = [("one two", "eins zwei"), ('three, "four"', "drei, vier")]
    sources = [
        tmp_path / "few.{en,de}.gz",
        written(tmp_path, "few.tsv", "".join(f"{s}\t{t}\r\n" for s, t in rows)),
        written(tmp_path, "few.txt", "source\ttarget\n" + "".join(f"{s}\t{t}\n" for s, t in rows)),
        written(tmp_path, "few.csv", 'id,target,source\n1,eins zwei,one two\n2,"drei, vier","three, ""four"""\n'),
        written(tmp_path, "few.jsonl", "".join(json.dumps({"a": s, "summary": t}) + "\n" for s, t in rows)),
        written(
            tmp_path, "hub.jsonl", "".join(json.dumps({"translation": {"en": s, "de": t}}) + "\n" for s, t in rows)
        ),
        pl.DataFrame(rows, schema=["text", "reply"], orient="row"),
        rows,
    ]
    for source in sources:
        table, layout = read_pairs(source, find_layout(source, FOUND_OUT), BadRows())
        assert list(zip(table[layout.source], table[layout.target], strict=True)) == rows, source


@pytest.mark.parametrize(
    ("columns", "pair"),
    [
        ("id lang en de score", ("en", "de")),
        ("source en de", ("en", "de")),
        ("code when de en", ("de", "en")),
        ("constant question answer note", ("question", "answer")),
        ("lang en", ("lang", "en")),  # for want of others
    ],
)
def test_what_is_said_about_pairs_is_no_side_of_them(columns: str, pair: tuple[str, str]) -> None:
    made = {
        "en": [f"day {n}, well" for n in range(30)],
        "de": [f"Tag {n}, gut" for n in range(30)],
        "question": [f"is {n} even?" for n in range(30)],
        "answer": ["yes", "no"] * 15,
        "note": [f"seen at {n}" for n in range(30)],
        "lang": ["en", "xx", "it"] * 10,
        "source": ["web", "book"] * 15,
        "constant": ["of the same words"] * 30,
        "code": ["a", "b", "c", "d", "e", "f"] * 5,
        "when": [f"2024-01-{n + 1:02} 10:00" for n in range(30)],
        "id": list(range(30)),
        "score": ["0.5", "0.7"] * 15,
    }
    layout = find_layout(pl.DataFrame({name: made[name] for name in columns.split()}), FOUND_OUT)
    assert (layout.source, layout.target) == pair


def test_a_stream_says_once_what_was_never_learnt(speller: TranslateTask, caplog: Any) -> None:
    assert len(list(speller.stream(["qab", "qab", "bqa", "aöb"]))) == 4
    said = [each for each in caplog.messages if "never learnt" in each]
    assert said == [f"the stream: never learnt, and read as unknown: {part}" for part in ("'q'", "'ö'")]
    caplog.clear()
    assert len(list(speller.stream(["a" * 500, "a" * 600]))) == 2
    assert caplog.messages == ["the stream: 1 row has more than 400 tokens; only so many are read"]


def test_pairs_of_unequal_count_are_refused(tmp_path: Path) -> None:
    written(tmp_path, "x.en", "a\nb\nc\n")
    written(tmp_path, "x.de", "a\nb\n")
    with pytest.raises(ElmanError, match=r"x.en has 3 lines and .*x.de has 2; line n"):
        read_pairs(tmp_path / "x.{en,de}", Layout("lines"), BadRows())


def test_a_table_of_one_column_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ElmanError, match="has no two columns"):
        find_layout(written(tmp_path, "x.txt", "one\ntwo\nthree\n"), FOUND_OUT)


def test_bad_pairs_are_said_or_left_out_and_listed(tmp_path: Path) -> None:
    path = written(tmp_path, "x.tsv", "a b\tc\n\td\ne\t \nf\tg\th\ni\tj\n")
    layout = find_layout(path, FOUND_OUT)
    with pytest.raises(ElmanError, match=r"x.tsv, line 4: has 3 columns"):
        read_pairs(path, layout, BadRows())
    bad = BadRows(skip=True)
    table, _ = read_pairs(path, layout, bad)
    assert table["1"] == ["a b", "i"]
    assert [line.partition("x.tsv, ")[2] for line in bad.listed] == [
        "line 4: has 3 columns where the first row has 2", "line 2: 1 is empty", "line 3: 2 is empty",
    ]  # fmt: skip


def test_files_to_answer_may_have_the_targets_or_not(tmp_path: Path) -> None:
    lines = written(tmp_path, "x.txt", "one\n\nt,w,o\n")
    for layout in (
        Layout("lines"),
        Layout("table", "1", "2", Dialect("\t", False)),
        Layout("table", "en", "de", Dialect("\t", True)),
    ):
        table, column = read_texts(lines, layout.source, layout.known, BadRows(), usual="source")
        assert table[column] == ["one", "", "t,w,o"]
    pairs = written(tmp_path, "y.tsv", "one\teins\ntwo\tzwei\n")
    layout = Layout("table", "1", "2", Dialect("\t", False))
    table, column = read_texts(pairs, layout.source, layout.known, BadRows(), usual="source")
    assert (table[column], table.columns) == (["one", "two"], ["1", "2"])


def test_other_columns_are_kept_whatever_they_are_called(tmp_path: Path) -> None:
    table = tmp_path / "pairs.csv"
    table.write_text("\n".join(["text,source,target", *(f"remark {n},a b,b a" for n in range(4))]), encoding="utf-8")
    model = fit(
        TranslateTask, table, steps=1, hidden=4, embedding=4, held_out=0, source_column="source", target_column="target"
    )
    answers = model.predict(table)
    assert answers.columns == ["text", "source", "target", "predicted", "log_prob"]
    assert answers["text"].to_list() == [f"remark {n}" for n in range(4)]


def test_one_source_is_never_on_both_sides_of_the_split() -> None:
    pairs = [(f"w{n // 3}", f"t{n}") for n in range(90)]
    read = TranslateTask.read(TranslateOptions(held_out=0.2), Sources(pairs))
    assert not set(read.learnt["source"]) & set(read.held_out["source"])
    assert len(read.learnt) + len(read.held_out) == 90


def test_long_pairs_are_not_learnt_from_and_said(caplog: Any) -> None:
    task, read = untrained([("a b", "b"), ("a " * 500, "b"), ("a", "b " * 500)], max_length=30, target_tokens="words",
                           source_tokens="words")  # fmt: skip
    data = task.data(read, Path(), rows=2, steps=1, seed=1)
    assert "2 pairs of more than 30 tokens, not learnt from" in caplog.text
    assert data.batch(0).source.shape == (1, 2)
    assert max(batch.source.shape[1] for batch in data.held_out) == 30  # judged all the same


def test_kinds_of_tokens_are_found_out() -> None:
    random = Random(1)
    sentences = [" ".join("".join(random.choices("abcdefg", k=6)) for _ in range(9)) for _ in range(300)]
    assert find_kind(sentences) == "subwords"
    assert find_kind([" ".join(random.choices("ABCDEFG", k=5)) for _ in range(50)]) == "words"
    assert find_kind(["straße", "été", "ab c"]) == "characters"
    assert find_kind(["我们今天去学校", "他说他不知道"]) == "characters"
    assert find_kind(["60 62 64 65", "64 62 60 60"] * 20) == "words"
    assert find_kind([f"{n} may {1900 + n}" for n in range(1, 31)]) == "characters"
    assert is_like(["a b c"], ["c b"], "words")
    assert not is_like(["a b c"], ["d e b"], "words")


@pytest.mark.parametrize("kind", ["subwords", "characters", "words"])
def test_symbols_come_back_and_are_kept(kind: str) -> None:
    texts = ["der Hund bellt laut, ja!", "ein Hund", "¿qué? 你好 🙂"]
    symbols = Symbols.learn(kind, texts, 400)
    kept = Symbols.from_json(json.loads(json.dumps(symbols.to_json())))
    for text in texts:
        assert kept.decode(kept.encode(text).tolist()) == text
        assert kept.encode(text).tolist() == symbols.encode(text).tolist()
        assert kept.encode(text).min() > UNKNOWN
    assert kept.encode("").tolist() == []
    assert kept.lacking("ein X") == ([] if kind == "subwords" else ["X"])
    if kind == "words":
        assert kept.encode("ein Wolf").tolist()[1] == UNKNOWN


def test_batches_hold_about_as_many_tokens_and_every_pair_once() -> None:
    lengths = np.random.default_rng(1).integers(1, 40, (503, 2))
    batches = PairBatches(lengths, 16, seed=4)
    cost = 16 * (lengths + 1).sum(1).mean()
    for epoch in (0, 3):
        rows = [batches[epoch * len(batches) + place] for place in range(len(batches))]
        assert sorted(np.concatenate(rows)) == list(range(503))
        assert all(len(each) * (lengths[each] + 1).max(0).sum() <= cost for each in rows)
    assert [each.tolist() for each in (batches[0], batches[1])] != [
        each.tolist() for each in (batches[len(batches)], batches[len(batches) + 1])
    ]
    again = PairBatches(lengths, 16, seed=4)
    assert again[700].tolist() == batches[700].tolist()
    assert sorted(np.concatenate(batches.in_order())) == list(range(503))


def test_measures_by_hand() -> None:
    found = measures(["AH B", "K EH", ""], [["AH B"], ["K AH", "K EH F F"], ["B"]], "words", "none")
    # no change in 2; one in 2 (the other right answer would need two in 4); one in 1
    assert found["token_error"] == pytest.approx(2 / 5)
    assert (found["exact_match"], found["sequence_error"]) == (pytest.approx(1 / 3), pytest.approx(2 / 3))
    assert measures(["abc"], [["axc"]], "characters")["token_error"] == pytest.approx(1 / 3)
    whole = measures(["the cat sat on the mat."], [["the cat sat on the mat."]], "subwords")
    assert (whole["bleu"], whole["chrf"]) == (pytest.approx(100), pytest.approx(100))
    # Papineni et al. 2002: four of five words, three of four pairs, two of three, one of two; as long as it should be
    one = measures(["a b c d x"], [["a b c d e"]], "words", "none")["bleu"]
    assert one == pytest.approx(100 * (4 / 5 * 3 / 4 * 2 / 3 * 1 / 2) ** 0.25)


def test_the_nearest_neighbour_is_the_most_alike() -> None:
    assert nearest_neighbour(["the red house", "a blue car", "blue"], ["one blue car", "red"], "subwords") == [1, 0]
    assert nearest_neighbour(["walking", "singing", "sung"], ["walked"], "characters") == [0]


@pytest.mark.parametrize(
    ("first", "headed"),
    [
        ("Deutsch\tSpanisch", True),
        ("français\tjour", False),
        ("русский\tEnglish", True),
        ("en-US\tpt_BR", True),
        ("texte\trésumé", True),
        ("Frage\tAntwort", True),
        ("English\ttranslation\tlicence", True),
        ("English\tEnglisch", False),  # a word and its translation
        ("phrase\tfrase", False),
        ("Deutsch\tdía", False),
    ],
)
def test_names_of_languages_and_of_texts_are_no_pair(
    first: str, headed: bool, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    columns = first.count("\t") + 1
    (path := tmp_path / "a.tsv").write_text(
        f"{first}\n" + "".join("\t".join([f"Tag {n}", f"día {n}", f"free {n}"][:columns]) + "\n" for n in range(9)),
        encoding="utf-8",
    )
    layout = find_layout(path, Layout("table", "", ""))
    assert len(read_pairs(path, layout, BadRows())[0]) == 10 - headed
    assert layout.dialect.header is headed
    assert ("the first line has the names of the columns: " + ", ".join(first.split("\t")) in caplog.text) is headed
