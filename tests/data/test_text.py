"""Reading text, tokens on disk, tokenizers, streams."""

import errno
import gzip
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from elman.data import encodings, text
from elman.data.files import written_aside
from elman.data.text import Streams, read, read_tokens, write_tokens
from elman.data.tokens import TOKENIZERS, Bytes, Characters, Subwords, Tokenizer, decoded, tokenizer
from elman.errors import ElmanError


@pytest.fixture
def written(tmp_path: Path) -> Callable[[bytes], Path]:
    def write(data: bytes) -> Path:
        path = tmp_path / "text.txt"
        path.write_bytes(data)
        return path

    return write


@pytest.mark.parametrize("piece", [1, 2, 3, 5, 1 << 20])
def test_a_text_is_read_the_same_in_pieces_of_any_size(
    piece: int, written: Callable[[bytes], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (text, encodings):
        monkeypatch.setattr(module, "PIECE", piece)
    path = written(b"\xef\xbb\xbf" + "né\r\nzwei 𝄞\rdrei\n\nvier\r".encode())
    assert "".join(read(path)) == "né\nzwei 𝄞\ndrei\n\nvier\n"


def test_pieces_end_where_lines_end(written: Callable[[bytes], Path], monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (text, encodings):
        monkeypatch.setattr(module, "PIECE", 7)
    assert list(read(written(b"one\ntwo\nthree\nend"))) == ["one\n", "two\nthree\n", "end"]


def test_a_text_without_lines_does_not_grow_without_bound(
    written: Callable[[bytes], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (text, encodings):
        monkeypatch.setattr(module, "PIECE", 10)
    pieces = list(read(written(b"x" * 1000)))
    assert sum(map(len, pieces)) == 1000
    assert max(map(len, pieces)) <= 20


@pytest.mark.parametrize("piece", [4, 1 << 20])
@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "is empty"),
        (b"\xef\xbb\xbf", "is empty"),
        (b"ab\ncd\xff\xfeef", "not UTF-8: byte 5, in line 2, is 0xff"),
        (b"\xef\xbb\xbfab\ncd\xff", "not UTF-8: byte 8, in line 2, is 0xff"),
        (b"abcdefgh\xc3", "not UTF-8: byte 8, in line 1, is 0xc3"),
        (b"abcdef\0gh", "is binary: byte 6 is zero"),
        (b"ab\0\xff", "is binary: byte 2 is zero"),
        ("a text\ud83d".encode("utf-16", "surrogatepass"), "is not utf-16-le: byte 14"),
    ],
)
def test_what_is_not_text_is_refused(
    data: bytes, message: str, piece: int, written: Callable[[bytes], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (text, encodings):
        monkeypatch.setattr(module, "PIECE", piece)
    with pytest.raises(ElmanError, match=message):
        list(read(written(data)))


def test_a_text_that_leaves_no_memory_is_refused_before_all_of_it_is_read(
    written: Callable[[bytes], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = written(gzip.compress(b"1" * 2_000_000))
    monkeypatch.setattr(text, "PIECE", 1_000)
    monkeypatch.setattr(text, "LOOKED", 100_000)
    monkeypatch.setattr("elman.system.memory_free", lambda: 4_000_000)
    assert len(text.read_whole(path)) == 2_000_000
    monkeypatch.setattr("elman.system.memory_free", lambda: 200_000)
    with pytest.raises(ElmanError, match=r"has 0.0 GB of text or more, and there are 0.0 GB of memory to work with it"):
        text.read_whole(path)


def test_what_is_not_a_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ElmanError, match="there is no file"):
        list(read(tmp_path / "none"))
    with pytest.raises(ElmanError, match="is a folder"):
        list(read(tmp_path))


def test_without_a_file_there_is_a_text() -> None:
    assert len("".join(read(None))) > 300_000


def learnt(name: str) -> Tokenizer:
    return tokenizer(name).learn(["the cat, the other cat\n", "né à 𝄞 "] * 20, 300)


@pytest.mark.parametrize("name", sorted(TOKENIZERS))
def test_decoding_undoes_encoding(name: str) -> None:
    kind = learnt(name)
    again = type(kind).from_json(kind.to_json())
    for words in ("the cat", "né 𝄞 à", "", "  cat\n\n the "):
        tokens = kind.encode(words)
        assert kind.decode(tokens) == words
        assert again.encode(words).tolist() == tokens.tolist()
        assert again.size == kind.size > (tokens.max() if len(tokens) else 0)


@settings(max_examples=60, deadline=None)
@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_bytes_and_subwords_know_every_character(words: str) -> None:
    assert Bytes().decode(Bytes().encode(words)) == words
    subwords = SUBWORDS
    assert "".join(decoded(subwords, subwords.encode(words))) == words


SUBWORDS = learnt("subwords")


def test_subwords_are_learnt_from_the_text() -> None:
    subwords = Subwords.learn(["zyzzyva "] * 100, 300)
    assert len(subwords.encode("zyzzyva")) < 4
    assert len(subwords.encode("cat")) == 3


def test_a_character_that_the_vocabulary_lacks_is_named() -> None:
    with pytest.raises(ElmanError, match="lacks 'x', 'é'"):
        Characters.learn(["abc"], 0).encode("axcé")


def test_unknown_tokens_are_refused_with_the_nearest_name() -> None:
    with pytest.raises(ElmanError, match="did you mean 'characters'"):
        tokenizer("charcters")


@pytest.mark.parametrize(("size", "dtype"), [(2, np.uint8), (256, np.uint8), (257, np.uint16), (70_000, np.uint32)])
def test_tokens_on_disk_take_the_least_room(size: int, dtype: type, tmp_path: Path) -> None:
    characters = Characters("".join(chr(code) for code in range(0x10000, 0x10000 + size)))
    words = characters.characters[-2:] * 3
    write_tokens([words[:3], words[3:]], characters, tmp_path / "tokens.bin")
    tokens = read_tokens(characters, tmp_path / "tokens.bin")
    assert isinstance(tokens, np.memmap)
    assert tokens.dtype == dtype
    assert characters.decode(tokens) == words
    with pytest.raises(ElmanError, match="has other tokens than the 1 that the model knows"):
        read_tokens(Characters("a"), tmp_path / "tokens.bin")


def test_a_file_that_cannot_be_finished_leaves_the_old_one(tmp_path: Path) -> None:
    path = tmp_path / "tokens.bin"
    write_tokens(["old"], Bytes(), path)

    def pieces():
        yield "new"
        raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(OSError, match="No space"), written_aside(path) as aside:
        write_tokens(pieces(), Bytes(), aside)
    assert path.read_bytes() == b"old"
    assert [p.name for p in tmp_path.iterdir()] == ["tokens.bin"]
    with written_aside(path) as aside:
        aside.write_bytes(b"newer")
        assert path.read_bytes() == b"old"
    assert path.read_bytes() == b"newer"


@pytest.mark.parametrize(("size", "rows", "steps"), [(2, 1, 1), (23, 2, 3), (64, 3, 7), (50, 1, 100), (9, 8, 4)])
def test_streams_go_on_from_window_to_window(size: int, rows: int, steps: int) -> None:
    tokens = np.arange(size)
    streams = Streams(tokens, rows, steps)
    windows = list(streams)
    assert [w.first for w in windows] == [True] + [False] * (len(streams) - 1)
    inputs = torch.cat([w.inputs for w in windows], 1)
    targets = torch.cat([w.targets for w in windows], 1)
    assert inputs.shape == (rows, (size - 1) // rows)
    assert torch.equal(targets, inputs + 1)
    assert torch.equal(inputs.flatten(), torch.arange(inputs.numel()))
    assert torch.equal(streams[len(streams) - 1].inputs, windows[-1].inputs)


def test_too_few_tokens_for_the_streams_are_refused() -> None:
    with pytest.raises(ElmanError, match="3 tokens are too few for 3 streams"):
        Streams(np.arange(3), 3, 1)
    with pytest.raises(IndexError):
        Streams(np.arange(9), 2, 2)[2]
