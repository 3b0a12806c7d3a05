"""A file that is not UTF-8 is told in what encoding it is likely to be."""

from pathlib import Path

import pytest

from elman import ElmanError
from elman.data.text import read_whole


@pytest.mark.parametrize(
    ("text", "written", "wanted"),
    [
        ("Сегодня хорошая погода и мы гуляем в парке", "cp1251", "cp1251"),
        ("Сегодня хорошая погода и мы гуляем в парке", "koi8-r", "koi8-r"),
        ("Καλημέρα σας, τι κάνετε σήμερα", "cp1253", "cp1253"),
        ("İyi günler, çok güzel şehir, görüşürüz, teşekkür, değil, Türkçe öğretmeni", "cp1254", "cp1254"),
        ("Příliš žluťoučký kůň úpěl ďábelské ódy", "cp1250", "cp1250"),
        ("今日はとても良い天気ですね、散歩に行きましょう", "cp932", "cp932"),
        ("今天天气很好我们去公园散步", "gbk", "gb18030"),
        ("今天天氣很好我們去公園散步", "big5", "big5"),
        ("오늘은 날씨가 아주 좋습니다 공원에 갑시다", "euc-kr", "cp949"),
        ("très café élève Müller", "latin-1", "latin-1 or cp1252"),
        ("the café: “nice”, naïve", "cp1252", "latin-1 or cp1252"),
        ("très café élève", "mac_roman", "mac_roman"),
        ("für März © Amt, 12 °C, 3 m³, ±2 µm", "latin-1", "latin-1 or cp1252"),
        ("całkowity żółty koń, źródło", "cp1250", "cp1250"),
        ("年月,売上高(千円),客数", "cp932", "cp932"),
    ],
)
def test_the_encoding_that_makes_words_is_named(text: str, written: str, wanted: str, tmp_path: Path) -> None:
    path = tmp_path / "texts.csv"
    content = "text,label\n" + "".join(f"{text} {n},{'ab'[n % 2]}\n" for n in range(20))
    path.write_bytes(content.encode(written))
    with pytest.raises(ElmanError, match=f"is not UTF-8: .*--encoding {wanted}"):
        read_whole(path)
    assert read_whole(path, wanted.partition(" or ")[2] or wanted) == content
