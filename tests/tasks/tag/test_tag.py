"""The task of tagging: what it reads, what it finds out, what it refuses, what it learns."""

import gzip
import json
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import polars as pl
import pytest
import torch

from elman.data.bad import BadRows
from elman.data.dialect import Dialect
from elman.data.tables import write_table
from elman.errors import ElmanError
from elman.tasks.tag.layout import ColumnSpec, find_layout
from elman.tasks.tag.spans import Span, write_spans
from elman.tasks.tag.suits import suits
from elman.tasks.tag.tagged import read_tagged
from elman.tasks.tag.task import Pieces, TagOptions, TagTask, most_frequent
from elman.tasks.tag.tokens import SpellingConvolution
from elman.training.options import renamed
from elman.training.runs import fit
from elman.training.settings import configured, groups
from elman.training.task import Sources, evaluate

SMALL = {"hidden": 12, "embedding": 12, "spelling": 4, "batch": 8, "lr": 0.03, "warmup": 5}
PLACES, PEOPLE = "Paris Rome Oslo Lima".split(), "Ann Bob Eve Tom".split()


def sentence(random: Random) -> list[tuple[str, str]]:
    """A person, of one name or two, went to a place; in IOB1."""
    people = [(name, "I-PER") for name in random.sample(PEOPLE, random.choice([1, 2]))]
    return [*people, (random.choice(["went", "came"]), "O"), ("to", "O"), (random.choice(PLACES), "I-LOC"), (".", "O")]


def example(folder: Path) -> tuple[Path, dict[str, Any]]:
    """A file from which this task learns in seconds, and options that suit it; the laws of all tasks use it."""
    random, path = Random(0), folder / "names.txt"
    sentences = [sentence(random) for _ in range(80)]
    text = "\n".join("".join(f"{word} X {tag}\n" for word, tag in tokens) for tokens in sentences)
    path.write_text(f"-DOCSTART- X O\n\n{text}", encoding="utf-8")
    return path, SMALL


def made(source: Any, **options: Any) -> tuple[TagTask, Any]:
    """An untrained tagger and what it read."""
    chosen = TagOptions(**{"hidden": 8, "embedding": 8, "spelling": 4, **options})
    torch.manual_seed(0)
    read = TagTask.read(chosen, Sources(source))
    return TagTask(chosen, TagTask.learn(chosen, read)).eval(), read


def test_names_are_learnt_and_given_back_as_they_were_written(tmp_path: Path) -> None:
    path, options = example(tmp_path)
    model = fit(TagTask, path, steps=80, folder=tmp_path / "out", **options)
    answers = model.predict(["Tom Eve came to Rome .", ["Ann", "went"]])
    assert answers["predicted"].to_list() == [["I-PER", "I-PER", "O", "O", "I-LOC", "O"], ["I-PER", "O"]]
    assert answers["spans"].to_list()[0][1] == {"kind": "LOC", "start": 4, "end": 5, "text": "Rome"}
    result = json.loads((tmp_path / "out" / "result.json").read_text())
    assert result["after"]["f1"] == 1.0
    assert any("IOB1" in line for line in result["found"])
    assert any("column 3" in line for line in result["found"])


BROWN = "news\tca01\tThe/at 1\\/2/cd jury/nn said/vbd ./.\nnews\tca01\tIt/pps ran/vbd ./.\n"
WIKIANN = "en:Rome\tB-LOC\nen:,\tO\n\nen:Ann\tB-PER\nen:Lee\tI-PER\n"
CONLL_U = "# text = It ran\n1\tIt\tit\tPRON\tPRP\t_\t2\tnsubj\t_\t_\n2\tran\trun\tVERB\tVBD\t_\t0\troot\t_\t_\n\n"
FIRST = {
    "brown.tsv": (BROWN, ["The", "1\\/2", "jury", "said", "."], ["at", "cd", "nn", "vbd", "."]),
    "wikiann.txt": (WIKIANN, ["Rome", ","], ["B-LOC", "O"]),
    "u.conllu": (CONLL_U + CONLL_U.replace("It", "He"), ["It", "ran"], ["PRON", "VERB"]),
    "tabs.txt": ("New York\tB-LOC\n# \tO\n\n#\tO\na\tO\n", ["New York", "# "], ["B-LOC", "O"]),
    "a.csv": ('Sentence #,Word,POS\nS 1,"a,b",X\n,c,Y\nS 2,d,X\n', ["a,b", "c"], ["X", "Y"]),
    "rows.csv": ("id,tokens,tags\n1,a b,X Y\n2,c d,Y X\n", ["a", "b"], ["X", "Y"]),
    "rows.jsonl": ('{"tokens": ["a", "b"], "tags": [0, 3]}\n{"tokens": ["c"], "tags": [3]}\n', ["a", "b"], ["0", "3"]),
    "under.txt": ("a_DT dog_NN\nthe_DT cat_NN\n", ["a", "dog"], ["DT", "NN"]),
}


@pytest.mark.parametrize("name", list(FIRST))
@pytest.mark.parametrize("how", ["plain", "windows", "gzip"])
def test_it_finds_out_how_a_file_lies(name: str, how: str, tmp_path: Path) -> None:
    text, tokens, tags = FIRST[name]
    path = tmp_path / name
    data = text.encode()
    if how == "windows":
        data = b"\xef\xbb\xbf" + data.replace(b"\n", b"\r\n")
    if how == "gzip":
        path, data = path.with_name(f"{name}.gz"), gzip.compress(data)
    path.write_bytes(data)
    read = TagTask.read(TagOptions(held_out=0), Sources(path))
    assert len(read.learnt) == 2
    assert read.learnt.tokens[0] == tokens
    assert read.learnt.tags[0] == tags


def test_the_column_of_tags_may_be_given_as_tag() -> None:
    assert configured(TagOptions, TagOptions, renamed(groups(TagOptions), {"tag": "upos"})).tag_column == "upos"


def test_words_and_tags_in_two_files(tmp_path: Path) -> None:
    (tmp_path / "seq.in").write_text("to Oslo\n\nfrom New York\nto Rome\n", encoding="utf-8")
    (tmp_path / "seq.out").write_text("O B-LOC\n\nO B-LOC I-LOC\nO\n", encoding="utf-8")
    both, bad = tmp_path / "seq.{in,out}", BadRows(skip=True)
    rows = read_tagged(both, find_layout(both, ColumnSpec()), bad)
    assert rows.tokens == [["to", "Oslo"], ["from", "New", "York"]]
    assert rows.tags == [["O", "B-LOC"], ["O", "B-LOC", "I-LOC"]]
    (listed,) = bad.listed
    assert listed.endswith("line 4: has 2 words and 1 tag")
    (tmp_path / "seq.out").write_text("O B-LOC\n", encoding="utf-8")
    with pytest.raises(ElmanError, match=r"seq.in has 4 lines and .*seq.out 1; they are to be as many"):
        read_tagged(both, find_layout(both, ColumnSpec()), BadRows())
    three = tmp_path / "seq.{in,out,more}"
    with pytest.raises(ElmanError, match="is to be two files, of words and of tags"):
        read_tagged(three, find_layout(three, ColumnSpec()), BadRows())


@pytest.mark.parametrize("text", ["Tom came to Rome .\nAnn went .\n", "Tom came to Rome .\n", "Tom\n\nAnn went .\n"])
def test_a_text_is_tagged_a_sentence_a_line(text: str, tmp_path: Path) -> None:
    path, texts = example(tmp_path)[0], tmp_path / "texts.txt"
    texts.write_text(text, encoding="utf-8")
    model, _ = made(path)
    answers = model.predict(texts)
    assert answers["tokens"].to_list() == [line.split() for line in text.splitlines()]  # an empty one is a row too
    assert [len(tags) for tags in answers["predicted"]] == [len(line.split()) for line in text.splitlines()]


@pytest.mark.parametrize("text", ["Tom\ncame\n.\n\nAnn\n", "Tom X\ncame X\n. X\n\nAnn X\n"])
def test_columns_without_tags_are_tagged_a_token_a_line(text: str, tmp_path: Path) -> None:
    path, columns = example(tmp_path)[0], tmp_path / "columns.txt"
    columns.write_text(text, encoding="utf-8")
    assert made(path)[0].predict(columns)["tokens"].to_list() == [["Tom", "came", "."], ["Ann"]]


def test_columns_can_be_said(tmp_path: Path) -> None:
    path, _ = example(tmp_path)
    assert (
        TagTask.read(TagOptions(word_column="3", tag_column="1", held_out=0), Sources(path)).learnt.tags[0][-1] == "."
    )
    with pytest.raises(ElmanError, match=r"no column '4'; its 3 columns are numbered from 1"):
        TagTask.read(TagOptions(tag_column="4"), Sources(path))


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("a X\nb\n\nc X\nd Y\n" * 9, 2, "has 1 column where most lines have 2"),
        ("a\tX\nb\t\n\nc\tX\nd\tY\n", 2, "has no tag in column 2"),
        ("a\tX\n\tY\n\nc\tX\nd\tY\n", 2, "has no word in column 1"),
        ("a/X b/Y\n" * 50 + "c/ d/X\n", 51, "'c/' is no word and tag with / between them"),
    ],
)
def test_a_row_that_cannot_be_used_is_named_and_can_be_left_out(
    text: str, line: int, message: str, tmp_path: Path
) -> None:
    path = tmp_path / "words.txt"
    path.write_text(text)
    with pytest.raises(ElmanError, match=f"words.txt, line {line}: {message}"):
        TagTask.read(TagOptions(held_out=0), Sources(path))
    bad = BadRows(skip=True)
    rows = TagTask.read(TagOptions(held_out=0), Sources(path, bad=bad)).learnt
    assert len(bad.listed) == rows.size - len(rows) > 0


@pytest.mark.parametrize(
    "frame",
    [
        pl.DataFrame({"tokens": ["the 01", "a 1.0"]}),
        pl.DataFrame({"id": ["7", "8"], "tokens": ["the 01", "a 1.0"]}),
        pl.DataFrame({"tokens": ["the", "a"], "more": ["1", "2"]}),
        pl.DataFrame({"words": ["the 01", "the 01 of a"]}),
    ],
    ids=["one column", "behind another", "a word a row", "another usual name"],
)
@pytest.mark.parametrize("learnt", ["memory", "joined"])
def test_a_table_is_the_same_rows_from_any_file(learnt: str, frame: pl.DataFrame, tmp_path: Path) -> None:
    source: Any = pl.DataFrame({"tokens": [["the", "01"], ["a", "dog"]] * 5, "tags": [["D", "N"]] * 10})
    if learnt == "joined":
        source = tmp_path / "learnt.txt"
        source.write_text("the/D 01/N\na/D dog/N\n" * 5)
    model = made(source)[0]
    wanted = model.predict(frame)
    assert len(wanted) == 2
    for ending in (".csv", ".tsv", ".jsonl", ".parquet"):
        write_table(frame, tmp_path / f"asked{ending}")
        assert model.predict(tmp_path / f"asked{ending}")["predicted"].to_list() == wanted["predicted"].to_list()


def test_a_column_that_was_named_is_found_again(tmp_path: Path) -> None:
    source = pl.DataFrame({"mine": [["the", "01"], ["a", "dog"]] * 5, "tags": [["D", "N"]] * 10})
    (tmp_path / "asked.csv").write_text("id,mine\n7,the 01\n8,a 1.0\n")
    answers = made(source, word_column="mine")[0].predict(tmp_path / "asked.csv")
    assert [len(tags) for tags in answers["predicted"]] == [2, 2]


def test_bad_rows_of_a_table_get_empty_answers(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    rows = [{"id": 1, "tokens": ["a"], "tags": ["X"]}, {"id": 2, "tokens": ["a", "b"], "tags": ["X"]},
            {"id": 3, "tokens": None, "tags": ["Y"]}, {"id": 4, "tokens": ["b"], "tags": ["Y"]},
            {"id": 5, "tokens": [], "tags": []}]  # fmt: skip
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    with pytest.raises(ElmanError, match=r"rows.jsonl, line 2: has 2 words and 1 tag"):
        TagTask.read(TagOptions(), Sources(path))
    bad = BadRows(skip=True)
    read = TagTask.read(TagOptions(held_out=0), Sources(path, bad=bad))
    assert read.learnt.tokens == [["a"], ["b"]]
    assert [where.split(": ")[0][-6:] for where in bad.listed] == ["line 2", "line 3", "line 5"]
    model, _ = made(pl.DataFrame({"tokens": [["a"], ["b"]], "tags": [["X"], ["Y"]]}), held_out=0)
    answers = model.predict(path, skip_bad=True)
    assert answers["id"].to_list() == [1, 2, 3, 4, 5]
    assert [None if tags is None else len(tags) for tags in answers["predicted"].to_list()] == [1, 2, None, 1, 0]


def test_what_cannot_be_learnt_from_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "words.txt"
    for text, message in [
        ("a O\nb O\n\nc O\n", "all words have the tag 'O'"),
        ("\n\n", "has no sentences"),
        ("", "is empty"),
    ]:
        path.write_text(text)
        with pytest.raises(ElmanError, match=message):
            TagTask.read(TagOptions(), Sources(path))
    with pytest.raises(ElmanError, match="has no column that looks like the tags"):
        TagTask.read(TagOptions(), Sources(pl.DataFrame({"tokens": [["a"]], "x": [1]})))


def test_a_tag_that_was_not_learnt_counts_as_wrong(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    model, _ = made(example(tmp_path)[0])
    path = tmp_path / "other.txt"
    path.write_text("Ann X I-PER\nsaw X O\nIBM X B-ORG\n\nTom X I-PER\nran X O\n")
    with caplog.at_level("WARNING"):
        evaluation = model.evaluation(path, tmp_path, BadRows())
    assert "B-ORG 1" in caplog.text
    metrics = evaluate(model, evaluation).metrics
    assert np.isfinite(metrics["loss"])
    assert evaluation.measures([["I-PER", "O", "O"], ["I-PER", "O"]])["accuracy"] == 0.8


@pytest.mark.parametrize("scheme", ["IOB1", "IOB2", "BIOES", "BILOU"])
@pytest.mark.parametrize("inside", ["BIOES", "IOB2"])
@pytest.mark.parametrize("kinds", [("PER", "LOC-x"), ("", "")])
def test_spans_come_back_as_they_were_written(scheme: str, inside: str, kinds: tuple[str, str]) -> None:
    spans = [Span(kinds[0], 0, 2), Span(kinds[0], 2, 3), Span(kinds[1], 4, 5), Span(kinds[1], 5, 8)]
    tags = write_spans(spans, 9, scheme)
    frame = pl.DataFrame({"tokens": [list("abcdefghi")] * 3, "tags": [tags] * 3})
    model, read = made(frame, inside=inside, held_out=0)
    assert read.scheme == scheme
    assert model.written([model.tags[n] for n in model.learnt(tags)]) == tags


def test_a_long_sentence_is_tagged_in_parts_and_its_tags_joined() -> None:
    sentences = [list("abcdefg"), [], list("hi"), list("j") * 3]
    pieces = Pieces(sentences, 3)
    assert pieces.lengths.tolist() == [3, 3, 1, 2, 3]
    order = [np.array([4, 0]), np.array([3, 2, 1])]
    found = [[list(pieces.of(sentences, n)) for n in batch] for batch in order]
    assert pieces.whole(order, found) == sentences
    model, _ = made(pl.DataFrame({"tokens": [["a", "b"]] * 2, "tags": [["X", "Y"]] * 2}), max_length=500)
    assert len(model.predict([["a", "b"] * 50_000])["predicted"][0]) == 100_000


def test_many_tags_are_chosen_one_by_one_unless_said() -> None:
    tags = [[f"T{n}", f"T{n + 1}"] for n in range(120)]
    frame = pl.DataFrame({"tokens": [["a", "b"]] * 120, "tags": tags})
    assert made(frame, held_out=0)[0].crf is None
    assert made(frame, held_out=0, crf=True)[0].crf is not None
    assert made(frame[:20], held_out=0)[0].crf is not None


@pytest.mark.parametrize("spelling_by", ["recurrence", "convolution"])
def test_a_sentence_is_tagged_alike_alone_and_beside_longer_ones(spelling_by: str, tmp_path: Path) -> None:
    model, _ = made(example(tmp_path)[0], spelling_by=spelling_by)
    words = [["Ann"], ["Ann", "went", "to", "Constantinopolitanischestadt", "."], ["Bob", "x"]]
    with torch.no_grad():
        together, lengths = model(model.input.batch(words))
        for row, sentence in enumerate(words):
            alone, _ = model(model.input.batch([sentence]))
            torch.testing.assert_close(together[row, : lengths[row]], alone[0])


def test_without_a_random_field_the_loss_is_the_mean_over_words(tmp_path: Path) -> None:
    model, read = made(example(tmp_path)[0], crf=False, held_out=0)
    pieces = Pieces(read.learnt.tokens, 400)
    two = np.array([pieces.lengths.argmin(), pieces.lengths.argmax()])
    assert pieces.lengths[two[0]] < pieces.lengths[two[1]]
    both = model.loss(model.batch(pieces, read.learnt, two), None)
    each = [model.loss(model.batch(pieces, read.learnt, two[n : n + 1]), None) for n in (0, 1)]
    assert both.number == sum(loss.number for loss in each)
    mean = sum(loss.value * loss.number for loss in each) / both.number
    torch.testing.assert_close(both.value, mean)


def test_the_convolution_of_a_spelling_by_hand() -> None:
    torch.manual_seed(0)
    layer = SpellingConvolution(5, 2)
    spelt = torch.tensor([[2, 3, 4], [5, 0, 0]])
    e = layer.characters.weight
    weight, bias = layer.convolution.weight, layer.convolution.bias
    assert bias is not None
    zero = torch.zeros(2)
    padded = [zero, e[2], e[3], e[4], zero]
    steps = [torch.einsum("oik,ki->o", weight, torch.stack(padded[t : t + 3])) + bias for t in range(3)]
    torch.testing.assert_close(layer(spelt)[0], torch.stack(steps).amax(0))
    torch.testing.assert_close(layer(spelt)[1], torch.einsum("oi,i->o", weight[:, :, 1], e[5]) + bias)


def test_the_most_frequent_tag_of_a_word_by_hand() -> None:
    frame = pl.DataFrame({"tokens": [["a", "b", "a", "a", "c"]], "tags": [["X", "Y", "Z", "X", "Y"]]})
    learnt = TagTask.read(TagOptions(held_out=0), Sources(frame)).learnt
    assert most_frequent(learnt, [["a", "c", "d"], []]) == [["X", "Y", "X"], []]


def test_documents_are_held_out_whole(tmp_path: Path) -> None:
    path = tmp_path / "documents.txt"
    path.write_text("".join(f"-DOCSTART- O\n\nw{d} X\n\nw{d} Y\n\n" for d in range(10)))
    read = TagTask.read(TagOptions(split="documents", held_out=0.3), Sources(path))
    assert len(read.held_out) == 6
    assert not {t[0] for t in read.held_out.tokens} & {t[0] for t in read.learnt.tokens}


def test_vectors_of_words_are_begun_with(tmp_path: Path) -> None:
    path, vectors = example(tmp_path)[0], tmp_path / "vectors.txt"
    vectors.write_text("2 8\nparis 1 2 3 4 5 6 7 8\nelsewhere 0 0 0 0 0 0 0 0\n")
    model, read = made(path, embeddings=str(vectors))
    model.start(model.data(read, tmp_path, rows=4, steps=1, seed=1))
    row = model.input.words.words.weight[model.input.lexicon.words.index("paris") + 1]
    torch.testing.assert_close(row / row[0], torch.arange(1.0, 9.0))


def test_a_stream_takes_words_lists_and_objects(tmp_path: Path) -> None:
    model, _ = made(example(tmp_path)[0])
    lines = ["Ann went", '["Ann", "went"]', '{"tokens": ["Ann", "went"]}', "", "[ Ann"]
    answers = [json.loads(answer) for answer in model.stream(lines)]
    assert answers[0] == answers[1] == answers[2]
    assert answers[3]["predicted"] == []
    assert answers[4]["tokens"] == ["[", "Ann"]
    for line in ('["Ann", ["went"]]', '{"count": 3}', '{"tokens": null}'):
        with pytest.raises(ElmanError, match="line 1 of the stream: a line is words"):
            list(model.stream([line]))


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("{}.txt", "-DOCSTART- X O\n\nAnn X A\nwent X B\n\nRome X C\nfell X B"),
        ("{}.conllu", "1\tAnn\t_\tA\n2\twent\t_\tB\n\n1\tRome\t_\tC\n2\tfell\t_\tB"),
        ("{}.csv", "sentence,word,tag\n1,Ann,A\n1,went,B\n2,Rome,C\n2,fell,B"),
        ("{}.tsv", "word\ttag\nAnn\tA\nwent\tB\n\t\nRome\tC\nfell\tB"),
    ],
)
def test_a_sentence_ends_with_its_file(name: str, text: str, tmp_path: Path) -> None:
    for n in range(3):
        (tmp_path / name.format(n)).write_text(text)
    source = tmp_path / name.format("*")
    found = read_tagged(source, find_layout(source, ColumnSpec()), BadRows())
    assert found.tokens == [["Ann", "went"], ["Rome", "fell"]] * 3
    assert found.where[-1].startswith(str(tmp_path / name.format(2)))
    assert len(set(found.documents)) == (3 if name == "{}.txt" else 1)


def test_a_mistake_is_told_of_the_file_that_has_it(tmp_path: Path) -> None:
    for n, more in enumerate(["", " X"]):
        (tmp_path / f"{n}.txt").write_text("Ann A\nwent B\n\n" * 20 + f"Rome C{more}\n")
    source = tmp_path / "*.txt"
    with pytest.raises(ElmanError, match=r"1\.txt, line 61: has 3 columns"):
        read_tagged(source, find_layout(source, ColumnSpec()), BadRows())


def test_an_empty_first_column_counts_nothing(tmp_path: Path) -> None:
    (tmp_path / "few.csv").write_text(",,\n,,\n,a,O\n")
    assert find_layout(tmp_path / "few.csv", ColumnSpec(dialect=Dialect(","))).kind == "columns"


def test_a_table_without_rows_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("sentence,word,tag")
    with pytest.raises(ElmanError, match="has no rows but its header"):
        find_layout(tmp_path / "x.csv", ColumnSpec())
    (tmp_path / "x.txt").write_text(",,\n,,\na\n")
    with pytest.raises(ElmanError, match="has no words"):
        find_layout(tmp_path / "x.txt", ColumnSpec(dialect=Dialect(",")))


@pytest.mark.parametrize("letters", ["BIES", "BILU"])
def test_few_sentences_with_many_tags_of_spans_suit_a_tagger(letters: str, tmp_path: Path) -> None:
    begin, inside, end, alone = letters
    rows = [
        f"Ann {alone}-{kind}\nsaw O\nNew {begin}-{kind}\nYork {inside}-{kind}\nCity {end}-{kind}\n"
        for kind in ("PER", "LOC", "ORG", "DAY", "ART")
    ]
    (tmp_path / "few.txt").write_text("\n".join(rows))
    read = TagTask.read(TagOptions(), Sources(tmp_path / "few.txt"))
    assert read.scheme == ("BIOES" if end == "E" else "BILOU")
    assert suits(read, tmp_path).score == 0.9


@pytest.mark.parametrize("between", ["\t", " "])
def test_tags_of_spans_are_tags_wherever_they_stand(between: str, tmp_path: Path) -> None:
    words = [("O", "find"), ("O", "me"), ("B-Food", "thai"), ("I-Food", "soup"), ("O", "near"), ("B-Place", "Rome")]
    text = "\n".join(f"{tag}{between}{word}" for tag, word in words)
    (tmp_path / "first.bio").write_text(f"{text}\n\n{text}\n")
    layout = find_layout(tmp_path / "first.bio", ColumnSpec())
    assert (layout.word, layout.tag) == (1, 0)
    read = read_tagged(tmp_path / "first.bio", layout, BadRows())
    assert read.tokens == [[word for _, word in words]] * 2
    assert read.tags == [[tag for tag, _ in words]] * 2


def test_tags_that_differ_only_in_case_are_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "tags.txt"
    path.write_text("the DET\ndog NOUN\n\na det\ncat NOUN\n\n" * 6)
    TagTask.read(TagOptions(), Sources(path))
    assert "tags differ only in case or blanks, and are learnt apart unless written alike: DET 6, det 6" in caplog.text


GERMAN = "Das\tder\tDET\nHaus\tHaus\tNOUN\nsteht\tstehen\tVERB\n\n" * 6
SPANISH = "la\tO\ncasa\tO\n\nde\tO\nLima\tB-LOC\n\n"


@pytest.mark.parametrize(
    ("heading", "below"),
    [
        ("Wort\tLemma\tTag", GERMAN),
        ("Mot\tLemme\tÉtiquette", GERMAN),
        ("Vokabel\tGrundform\tArt", GERMAN),
        ("Cosa\tMarca", SPANISH),
    ],
)
def test_names_of_columns_are_seen_above_tokens_and_known_again(
    heading: str, below: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    (path := tmp_path / "with.txt").write_text(f"{heading}\n{below}", encoding="utf-8")
    (bare := tmp_path / "without.txt").write_text(below, encoding="utf-8")
    task, read = made(path, held_out=0)
    first = below.splitlines()[0].split("\t")
    assert (read.learnt.tokens[0][0], read.learnt.tags[0][0]) == (first[0], first[-1])
    assert f"the names of the columns: {', '.join(heading.lower().split(chr(9)))}" in caplog.text
    assert made(bare, held_out=0)[1].learnt.tokens == read.learnt.tokens
    (words := tmp_path / "words.txt").write_text(heading.split("\t")[0] + "\nla\ncasa\n", encoding="utf-8")
    for file, tokens in ((path, first[0]), (bare, first[0]), (words, "la")):
        assert read_tagged(file, task.found_again(file), BadRows(), labelled=False).tokens[0][0] == tokens


def test_a_first_word_with_a_tag_of_its_own_is_no_name(tmp_path: Path) -> None:
    (path := tmp_path / "a.txt").write_text(f"Ach\tach\tINTJ\n{GERMAN}", encoding="utf-8")
    assert made(path, held_out=0)[1].learnt.tokens[0][0] == "Ach"
    path.write_text(f"Wort\tWort\tTag\n{GERMAN}", encoding="utf-8")
    assert made(path, held_out=0, header=False)[1].learnt.tokens[0][0] == "Wort"


def test_columns_without_names_are_those_learnt_from(tmp_path: Path) -> None:
    (tmp_path / "train.txt").write_text("Tom N B\ncame V O\n\nAnn N B\nleft V O\n")
    (tmp_path / "few.txt").write_text("came V O\n\nleft N O\n")  # whose tags are all one
    learnt = find_layout(tmp_path / "train.txt", ColumnSpec())
    layout = find_layout(tmp_path / "few.txt", ColumnSpec(), like=learnt)
    assert read_tagged(tmp_path / "few.txt", layout, BadRows()).tags == [["O"], ["O"]]


def test_a_folder_has_files_to_learn_from_to_hold_out_and_to_test_by_their_names(tmp_path: Path, caplog: Any) -> None:
    path, _ = example(tmp_path)
    text, folder = path.read_text(), tmp_path / "ner"
    folder.mkdir()
    (folder / "README.md").write_text("# Names\n\nof people and places, with their tags.\n")
    for name, times in (("eng.train", 2), ("eng.testa", 1), ("eng.testb", 1)):
        (folder / name).write_text(text * times)
    with caplog.at_level("INFO"):
        model, read = made(folder)
    assert (len(read.learnt), len(read.held_out)) == (160, 80)
    assert "160 sentences in files named as those to learn from, 80 in those to hold out; 80 others are left out" in (
        caplog.text
    )
    assert len(model.evaluation(folder, tmp_path, BadRows()).rows) == 320  # what is asked for is judged on
    assert len(model.predict(folder)) == 320
    for name in ("eng.train", "eng.testa", "eng.testb"):
        (folder / name).rename(folder / f"{len(name)}{name[-1]}.txt")
    _, read = made(folder)
    assert len(read.learnt) + len(read.held_out) == 320


def test_a_folder_without_sentences_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("Nothing here has a tag.\n")
    with pytest.raises(ElmanError, match="has no files of sentences with tags in it"):
        made(tmp_path)


@pytest.mark.parametrize("between", [", ", " ", ",\n "])
def test_lists_of_tags_as_pandas_writes_them_are_lists(between: str, tmp_path: Path) -> None:
    tags = between.join(f"'{tag}'" for tag in ("B-PER", "O", "B-LOC"))
    path = tmp_path / "ner.csv"
    path.write_text("Sentence,Tag\n" + f'Ann saw Rome,"[{tags}]"\n' * 4)
    wishes = ColumnSpec()
    found = read_tagged(path, find_layout(path, wishes), BadRows())
    assert found.tags == [["B-PER", "O", "B-LOC"]] * 4


def test_columns_of_where_a_token_stands_are_no_words(tmp_path: Path) -> None:
    path = tmp_path / "x.tsv"
    rows = "".join(
        f"1-{n}\t{4 * n}-{4 * n + 3}\t{word}\t{tag}\t\n" for n, word, tag in [(1, "Ann", "PER"), (2, "saw", "_")]
    )
    path.write_text("#FORMAT=WebAnno TSV 3.3\n\n\n" + f"#Text=Ann saw\n{rows}\n" * 5)
    found = read_tagged(path, find_layout(path, ColumnSpec()), BadRows())
    assert (found.tokens, found.tags) == ([["Ann", "saw"]] * 5, [["PER", "_"]] * 5)
