"""Words and their characters: numbers, batches, vectors."""

from pathlib import Path

import numpy as np
import pytest
import torch

from elman.data.words import Lexicon, read_vectors, split_words
from elman.errors import ElmanError
from elman.layers.encoder import encoder
from elman.layers.pooling import AttentionPooling, max_and_mean
from elman.layers.words import WordEmbedding


def test_each_distinct_word_stands_once_and_is_found_at_its_places() -> None:
    texts = [split_words("The cat sat. The CAT!"), split_words("cat"), []]
    lexicon = Lexicon.learn(texts, size=3)
    batch = lexicon.batch(texts)
    assert batch.lengths.tolist() == [7, 1, 1]
    distinct = ["The", "cat", "sat", ".", "CAT", "!", ""]
    assert len(batch.words) == len(distinct)
    assert [distinct[n] for n in batch.places[0].tolist()] == texts[0]
    known = ["", *lexicon.words]
    assert [known[n] for n in batch.words] == [w.lower() if w.lower() in lexicon.words else "" for w in distinct]
    spelt = "".join(lexicon.characters[n - 2] for n in batch.characters[4].tolist() if n > 1)
    assert spelt == "CAT"


def test_rare_words_are_left_to_their_spelling() -> None:
    lexicon = Lexicon.learn([["a", "b", "a"], ["c"]], size=9, least=2)
    assert lexicon.words == ["a"]
    assert Lexicon.from_json(lexicon.to_json()).batch([["b", "a", "ü"]]).words.tolist() == [0, 1, 0]


def test_a_word_is_its_embedding_and_its_spelling_and_padding_tells_nothing() -> None:
    layer = WordEmbedding(4, 6, characters=5, character_size=3).eval()
    places, words = torch.tensor([[0, 1], [1, 1]]), torch.tensor([2, 0])
    spelt = torch.tensor([[2, 3, 0], [4, 0, 0]])
    out = layer(places, words, spelt)
    assert out.shape == (2, 2, 12)
    torch.testing.assert_close(out[0, 0, :6], layer.words.weight[2])
    assert layer.spelling is not None
    assert layer.characters is not None
    alone, _ = layer.spelling(layer.characters(spelt[:1, :2]))
    torch.testing.assert_close(out[0, 0, 6:9], alone[0, 1, :3])  # forward, after the last character
    torch.testing.assert_close(out[0, 0, 9:], alone[0, 0, 3:])  # in reverse, after the first
    torch.testing.assert_close(layer(places, words, spelt[:, :2]), out)


def test_some_words_are_taken_for_unknown_while_training_only() -> None:
    layer = WordEmbedding(50, 4, drop=0.5)
    words = torch.arange(1, 51)
    unknown = (layer(torch.arange(50)[None], words, words[:, None] * 0)[0] == layer.words.weight[0]).all(-1)
    assert 10 < int(unknown.sum()) < 40
    layer.eval()
    torch.testing.assert_close(layer(torch.arange(50)[None], words, words[:, None])[0], layer.words.weight[1:])


def test_vectors_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "vectors.txt"
    path.write_text("3 2\nThe 1 2\ncat 3 4.5\nother 0 1\n")
    found = read_vectors(path, ["the", "cat", "dog"])
    assert {word: vector.tolist() for word, vector in found.items()} == {"the": [1, 2], "cat": [3, 4.5]}
    layer = WordEmbedding(3, 2)
    layer.start_from({1: found["the"], 2: found["cat"]})
    ratio = layer.words.weight[1:3].detach().numpy() / np.array([[1, 2], [3, 4.5]])
    assert np.allclose(ratio, ratio[0, 0])
    with pytest.raises(ElmanError, match="vectors have 2 numbers and the embedding 3"):
        WordEmbedding(3, 3).start_from({1: found["the"]})
    path.write_text("the 1 2\ncat 3\n")
    with pytest.raises(ElmanError, match=r"vectors.txt, line 2: has 1 number where the first has 2"):
        read_vectors(path, ["cat"])
    path.write_text("the 1 2\n")
    with pytest.raises(ElmanError, match="no vector for the 1 word of the data"):
        read_vectors(path, ["cat"])


def test_pooling_looks_at_a_rows_own_steps() -> None:
    x, lengths = torch.randn(3, 4, 5), torch.tensor([4, 2, 0])
    pooled = max_and_mean(x, lengths)
    torch.testing.assert_close(pooled[1], torch.cat([x[1, :2].amax(0), x[1, :2].mean(0)]))
    assert pooled[2].eq(0).all()
    attention = AttentionPooling(5)
    short = attention(x[1:2, :2], torch.tensor([2]))
    torch.testing.assert_close(attention(x, lengths)[1:2], short)
    assert attention(x, lengths)[2].eq(0).all()


@pytest.mark.parametrize("name", ["gru", "transformer", "convolution"])
@pytest.mark.parametrize("both", [False, True])
def test_every_encoder_has_as_many_outputs_as_the_recurrence(name: str, both: bool) -> None:
    layer = encoder(name, 3, 6, 2, bidirectional=both)
    y, _ = layer(torch.randn(2, 5, 3), lengths=torch.tensor([5, 3]))
    assert y.shape == (2, 5, layer.output_size) == (2, 5, 12 if both else 6)


def test_an_encoder_that_is_not_there() -> None:
    with pytest.raises(ElmanError, match="there is no cell 'transfomer'"):
        encoder("transfomer", 3, 6)
