"""A table with a token a row is read sentence by sentence, whatever it stands in, and answered row by row."""

from pathlib import Path
from typing import Any

import pandas as pd
import polars as pl
import pytest

import elman
from elman.data.bad import BadRows
from elman.data.tables import write_table
from elman.errors import ElmanError
from elman.tasks.tag.layout import ColumnSpec, find_layout
from elman.tasks.tag.options import TagOptions
from elman.tasks.tag.tagged import read_asked, read_tagged
from elman.tasks.tag.task import TagTask
from elman.training.task import Sources

SENTENCES = [("the cat sat", "D N V"), ("a dog", "D N")] * 10
ROWS = [(n, *pair) for n, s in enumerate(SENTENCES) for pair in zip(*map(str.split, s), strict=True)]
ENDLESS = "has a word a row, and nothing says where a sentence ends"
QUICK: dict[str, Any] = {"hidden": 4, "embedding": 4, "steps": 2, "verbose": False}


def table(names: str = "sentence_id word tag") -> pl.DataFrame:
    return pl.DataFrame(ROWS, schema=names.split(), orient="row")


def with_empty_rows() -> pl.DataFrame:
    """The same without a column of sentences: an empty row stands behind each."""
    rows: list[tuple[str | None, str | None]] = []
    for words, tags in SENTENCES:
        rows += [*zip(words.split(), tags.split(), strict=True), (None, None)]
    return pl.DataFrame(rows, schema=["word", "tag"], orient="row")


def first_of_each() -> pl.DataFrame:
    """The same with the name of a sentence in its first row alone."""
    name = pl.format("Sentence: {}", "sentence_id")
    first = pl.col("sentence_id") != pl.col("sentence_id").shift().fill_null(-1)
    return table().with_columns(pl.when(first).then(name).alias("sentence_id")).rename({"sentence_id": "Sentence #"})


TABLES = {
    "a column of sentences": table(),
    "names as of lists": table("sentence tokens tags"),
    "in the first row": first_of_each(),
    "empty rows": with_empty_rows(),
}


def read(source: Any) -> list[tuple[list[str], list[str]]]:
    learnt = TagTask.read(TagOptions(held_out=0), Sources(source)).learnt
    return list(zip(learnt.tokens, learnt.tags, strict=True))


WANTED = [(words.split(), tags.split()) for words, tags in SENTENCES]


@pytest.mark.parametrize("ending", ["", ".csv", ".tsv", ".jsonl", ".parquet"])
@pytest.mark.parametrize("kind", list(TABLES))
def test_its_sentences_are_the_same_in_memory_and_in_any_file(kind: str, ending: str, tmp_path: Path) -> None:
    if not ending:
        assert read(TABLES[kind]) == WANTED
        return
    path = tmp_path / f"tokens{ending}"
    write_table(TABLES[kind], path)
    if kind == "empty rows" and ending in (".csv", ".tsv"):  # as people write them
        path.write_text(path.read_text().replace("\n,\n", "\n\n").replace("\n\t\n", "\n\n"))
    assert read(path) == WANTED


@pytest.mark.parametrize("kind", list(TABLES))
def test_each_row_is_answered_in_its_place(kind: str) -> None:
    model = elman.Tagger(**QUICK).fit(TABLES[kind])
    whole = model.predict([words for words, _ in SENTENCES])
    names = ["tokens" if "tokens" in TABLES[kind].columns else "word"]
    for asked in (TABLES[kind], TABLES[kind].drop("tag", "tags", strict=False)):
        found = model.predict_frame(asked)
        assert [tag for tag in found["predicted"] if tag is not None] == [tag for tags in whole for tag in tags]
        assert found[names[0]].to_list() == asked[names[0]].to_list()
        assert found["predicted"].is_null().to_list() == asked[names[0]].is_null().to_list()
        assert model.predict(asked) == found["predicted"].to_list()
    assert model.score(TABLES[kind]) == model.score([(words, tags) for words, tags in WANTED])


def test_words_and_tags_apart_are_as_in_one_table() -> None:
    model = elman.Tagger(**QUICK).fit(table().to_pandas())
    frame = table().to_pandas()
    apart = elman.Tagger(**QUICK).fit(frame[["sentence_id", "word"]], frame["tag"])
    assert apart.predict(frame) == model.predict(frame)
    assert apart.score(frame[["sentence_id", "word"]], frame["tag"]) == model.score(frame)
    ends = with_empty_rows().to_pandas()
    assert elman.Tagger(**QUICK).fit(ends["word"], ends["tag"]).predict(frame) == model.predict(frame)
    with pytest.raises(ElmanError, match="X has 50 rows and y has 49"):
        elman.Tagger(**QUICK).fit(frame[["sentence_id", "word"]], frame["tag"][1:])


def test_words_without_ends_of_sentences_are_refused(tmp_path: Path) -> None:
    bare = table().drop("sentence_id")
    frame = bare.to_pandas()
    write_table(bare, tmp_path / "bare.parquet")
    write_table(bare.rename({"word": "tokens", "tag": "tags"}), tmp_path / "bare.csv")
    for given in ((frame,), (frame["word"], frame["tag"]), (tmp_path / "bare.parquet",), (tmp_path / "bare.csv",)):
        with pytest.raises(ElmanError, match=ENDLESS):
            elman.Tagger(**QUICK).fit(*given)
    write_table(bare, tmp_path / "other.csv")
    with pytest.raises(ElmanError, match="is one sentence of 50 words, of which none can be held out"):
        elman.Tagger(**QUICK).fit(tmp_path / "other.csv")
    model = elman.Tagger(**QUICK).fit(table())
    for asked in (frame, frame[["word"]], frame["word"]):
        with pytest.raises(ElmanError, match=ENDLESS):
            model.predict(asked)
    with pytest.raises(ElmanError, match=ENDLESS):
        model.score(frame)
    assert model.predict([["the"], ["cat"]]) == [model.predict("the"), model.predict("cat")]  # these are sentences


def test_a_sentence_of_which_a_row_lacks_its_word_is_left_out_as_a_whole() -> None:
    lacks = pd.DataFrame(ROWS, columns=["sentence_id", "word", "tag"])
    lacks.loc[1, "word"] = None
    with pytest.raises(ElmanError, match="has no word in word"):
        read(pl.from_pandas(lacks))
    model = elman.Tagger(skip_bad=True, **QUICK).fit(lacks)
    answers = model.predict_frame(lacks, skip_bad=True)["predicted"]
    assert answers.is_null().to_list() == [True] * 3 + [False] * 47
    with pytest.raises(ElmanError, match="has no word in word"):
        model.predict(lacks)


def test_a_sentence_of_which_a_row_cannot_be_read_is_left_out_as_a_whole(tmp_path: Path) -> None:
    path = tmp_path / "tokens.csv"
    write_table(table(), path)
    path.write_text(path.read_text().replace("0,cat,N\n", "0,cat,N,more\n", 1))
    model = elman.Tagger(skip_bad=True, held_out=0, **QUICK).fit(path)
    assert model.predict_frame(path, skip_bad=True)["predicted"].is_null().to_list() == [True] * 3 + [False] * 47


@pytest.mark.parametrize(("columns", "lacks"), [("sentence tag", "word"), ("sentence word", "tag"), ("word", "tag")])
@pytest.mark.parametrize("ending", ["", ".csv", ".tsv", ".jsonl", ".parquet"])
def test_what_is_judged_on_has_the_columns_learnt_from(columns: str, lacks: str, ending: str, tmp_path: Path) -> None:
    source: Any = table("sentence word tag").select(columns.split())
    learnt = find_layout(table("sentence word tag"), ColumnSpec())
    if ending:
        write_table(source, source := tmp_path / f"tokens{ending}")
    with pytest.raises(ElmanError, match=f"has no column '{lacks}'"):
        find_layout(source, ColumnSpec(), like=learnt)
    if lacks == "word":  # nor is the name of a sentence, or a tag, taken for the words that are to be answered
        with pytest.raises(ElmanError, match="has no column 'word'"):
            find_layout(source, ColumnSpec(), like=learnt, labelled=False)


def test_one_row_is_a_token_where_those_learnt_from_are() -> None:
    model = elman.Tagger(**QUICK).fit(table())
    (answer,) = model.predict_frame(table()[:1])["predicted"].to_list()
    assert answer in ("D", "N", "V")


@pytest.mark.parametrize(
    "frame",
    [
        table().with_columns(pos=pl.lit("X"), place=pl.lit("a")),
        pl.DataFrame({"id": [1, 2], "tokens": [["a", "b"], ["c"]], "tags": [["X", "Y"], ["X"]], "pos": [[1, 2], [3]]}),
    ],
)
def test_columns_that_are_not_used_are_named(frame: pl.DataFrame, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "elman")
    layout = find_layout(frame, ColumnSpec())
    left = [name for name in frame.columns if name not in (layout.tokens, layout.tags, layout.group)]
    assert "pos" in left
    assert f"columns that are not used: {', '.join(left)}" in caplog.messages[-1]


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("names", [[], ["word", "tag"], ["tokens", "tags"], ["word", "pos", "tag"]])
def test_an_empty_line_as_spreadsheets_save_it_ends_a_sentence(
    separator: str, names: list[str], tmp_path: Path
) -> None:
    width, path = len(names) or 2, tmp_path / "some.csv"
    marks = [separator.join(cells) for cells in ([""] * width, [" "] * width, ['""'] * width)]
    for empty in ["", *marks[: 2 if separator == "\t" else 3]]:
        lines = [separator.join(names)] * bool(names)
        for words, tags in SENTENCES:
            pairs = zip(words.split(), tags.split(), strict=True)
            lines += [separator.join([word, *["x"] * (width - 2), tag]) for word, tag in pairs] + [empty]
        path.write_text("\n".join(lines) + "\n")
        assert read(path) == WANTED


@pytest.mark.parametrize(
    "remark", ["# text = the cat sat", "# sent 1 from web", "#\tthe.cat\tsat\thttp://a.b", "#\thttp://a.b", "#\n#\tb"]
)
def test_remarks_above_sentences_tell_nothing_of_the_columns(remark: str, tmp_path: Path) -> None:
    content = "".join(
        f"{remark}\n" + "".join(f"{w}\t{t}\n" for w, t in zip(ws.split(), ts.split(), strict=True)) + "\n"
        for ws, ts in SENTENCES
    )
    (tmp_path / "a.txt").write_text(content)
    learnt = find_layout(tmp_path / "a.txt", ColumnSpec())
    asked = find_layout(tmp_path / "a.txt", ColumnSpec(), like=learnt, labelled=False)
    assert [(each.kind, each.dialect.separator) for each in (learnt, asked)] == [("columns", "\t")] * 2
    assert read_asked(tmp_path / "a.txt", asked, BadRows()).inputs == [words.split() for words, _ in SENTENCES]
    assert read_tagged(tmp_path / "a.txt", learnt, BadRows()).tokens == [words.split() for words, _ in SENTENCES]


@pytest.mark.parametrize("lines", ["#\t#\n1\tN\n", "#a\tX\nb\tN\n", "a\tN\n#\tX\n"])
def test_a_word_may_be_the_mark_of_a_remark(lines: str, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text(f"{lines}\n" * 9)
    found = read_tagged(tmp_path / "a.txt", find_layout(tmp_path / "a.txt", ColumnSpec()), BadRows())
    assert found.tokens == [[line.split("\t")[0] for line in lines.split()[::2]]] * 9


def test_a_quotation_mark_may_be_a_word_and_one_column_has_no_tags(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("word,tag\n" + 'Ann,B-PER\n"1,079",O\n""",O\n,\n' * 9)
    assert read_tagged(path, find_layout(path, ColumnSpec()), BadRows()).tokens[0] == ["Ann", "1,079", '"""']
    path.write_text("Ann\nsaw\n\nRome\n")
    with pytest.raises(ElmanError, match="has one column, such as 'Rome', and a word has its tag in another"):
        find_layout(path, ColumnSpec())
