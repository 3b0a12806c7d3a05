"""Files that are packed, or written in something else than UTF-8, give the same rows."""

import bz2
import gzip
import io
import lzma
import zipfile
from pathlib import Path

import pytest
import zstandard

from elman.data.encodings import tell_doubt
from elman.data.packed import unpacked_name
from elman.data.text import read_whole
from elman.errors import ElmanError

TEXT = "text,label\ncafé,good\nthé,bad\n"


def zipped(*names: str) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name in names:
            archive.writestr(name, TEXT)
    return file.getvalue()


PACKED = {
    "gzip": gzip.compress(TEXT.encode(), mtime=0),
    "bzip2": bz2.compress(TEXT.encode()),
    "xz": lzma.compress(TEXT.encode()),
    "Zstandard": zstandard.compress(TEXT.encode()),
    "zip": zipped("few.csv", "__MACOSX/few.csv"),
}


@pytest.mark.parametrize("how", PACKED)
def test_a_packed_file_is_read_whatever_its_name(how: str, tmp_path: Path) -> None:
    path = tmp_path / "few.csv"
    path.write_bytes(PACKED[how])
    assert read_whole(path) == TEXT


@pytest.mark.parametrize("how", PACKED)
@pytest.mark.parametrize("left", [0.5, 0.9])
def test_a_packed_file_that_is_cut_short_is_told_so(how: str, left: float, tmp_path: Path) -> None:
    path = tmp_path / "few.csv"
    path.write_bytes(PACKED[how][: int(left * len(PACKED[how]))])
    with pytest.raises(ElmanError, match=f"few.csv is packed with {how}, and damaged or cut short") as error:
        read_whole(path)
    assert "\n" not in str(error.value)


def test_of_a_zip_the_one_file_is_read(tmp_path: Path) -> None:
    path = tmp_path / "several.zip"
    path.write_bytes(zipped("a.csv", "b.csv"))
    with pytest.raises(ElmanError, match=r"is a zip with 2 files \(a.csv, b.csv\); unpack it"):
        read_whole(path)
    path.write_bytes(zipped("xl/workbook.xml", "xl/styles.xml"))
    with pytest.raises(ElmanError, match="is an Excel workbook; save its sheet as CSV"):
        read_whole(path)


def test_the_name_of_what_is_inside() -> None:
    assert [unpacked_name(Path(name)) for name in ("a.csv.ZST", "b.ts", ".gz")] == ["a.csv", "b.ts", ".gz"]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32"])
def test_a_mark_tells_the_encoding(encoding: str, tmp_path: Path) -> None:
    path = tmp_path / "few.csv"
    path.write_bytes(gzip.compress(TEXT.encode(encoding)))
    assert read_whole(path) == TEXT
    assert read_whole(path, "latin-1") == TEXT  # a mark says more


@pytest.mark.parametrize("encoding", ["latin-1", "cp1252", "utf-16-be", "cp500"])
def test_the_user_says_the_encoding(encoding: str, tmp_path: Path) -> None:
    path = tmp_path / "few.csv"
    path.write_bytes(TEXT.encode(encoding))
    assert read_whole(path, encoding) == TEXT


def test_what_is_in_another_encoding_is_named_with_its_byte(tmp_path: Path) -> None:
    path = tmp_path / "few.csv"
    path.write_bytes(TEXT.encode("latin-1"))
    with pytest.raises(ElmanError, match=r"is not UTF-8: byte 14, in line 2, is 0xe9; .*--encoding latin-1"):
        read_whole(path)
    with pytest.raises(ElmanError, match="is not ascii: byte 14, in line 2, is 0xe9; say another"):
        read_whole(path, "ascii")
    path.write_bytes(TEXT.encode("utf-16-le"))
    with pytest.raises(ElmanError, match="looks like UTF-16 without a mark; say --encoding utf-16-le"):
        read_whole(path)
    with pytest.raises(ElmanError, match="the mark by which utf-16 is told: say --encoding utf-16-le, or utf-16-be"):
        read_whole(path, "utf-16")
    path.write_bytes("茶".encode("shift_jis"))
    with pytest.raises(ElmanError, match="is not UTF-8"):
        read_whole(path)
    assert read_whole(path, "shift_jis") == "茶"


@pytest.mark.parametrize("name", ["zlib", "rot13", "no such", "a\0", "idna", "undefined"])
def test_only_encodings_of_texts_are_taken(name: str, tmp_path: Path) -> None:
    path = tmp_path / "few.csv"
    path.write_text(TEXT, encoding="utf-8")
    for use in (read_whole, tell_doubt):
        with pytest.raises(ElmanError, match="--encoding is the name of one"):
            use(path, name)


def test_a_zero_byte_in_a_text_is_named_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "few.csv").write_bytes(b"text,label\nso fine,good\nso \0bad,bad\n")
    with pytest.raises(ElmanError, match=r"few\.csv, line 3: has a zero byte.*tr -d '\\000'"):
        read_whole(tmp_path / "few.csv")


@pytest.mark.parametrize(("encoding", "said"), [("mac_roman", "mac_roman"), ("latin-1", "latin-1 or cp1252")])
def test_an_encoding_is_named_in_which_letters_are_small_within_words(encoding: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "few.csv").write_bytes("text,label\rle caf\u00e9 est tr\u00e8s bon,oui\r".encode(encoding))
    with pytest.raises(ElmanError, match=f"--encoding {said}$"):
        read_whole(tmp_path / "few.csv")
