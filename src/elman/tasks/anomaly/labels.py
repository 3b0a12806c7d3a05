"""Labels of anomalies: which cells say yes or no, in the common languages."""

import polars as pl

from elman.data.separators import is_number

YES = frozenset(
    "1 1.0 true yes y t anomaly anomalous abnormal outlier attack fault faulty ja wahr anomalie "
    "anomal oui vrai anormal anormale sí si verdadero anomalía sim verdadeiro anomalia sì vero tak prawda да истина "
    "аномалия evet doğru はい 異常 是 异常 예 이상 故障 고장".split()
)
NO = frozenset(
    "0 0.0 false no n f normal nein falsch non faux normale falso não nie fałsz nee nej nei нет ложь норма hayır "
    "yanlış いいえ 正常 否 아니오 정상".split()
)
MOST = 0.95  # of the cells of a column of labels at least say one of both


def says(cell: object) -> bool | None:
    """Whether a cell says yes; None where it says neither yes nor no.

    >>> says(" Ja "), says(0), says("maybe")
    (True, False, None)
    """
    text = "" if cell is None else "".join(str(cell).split()).lower()  # a blank may have got into a word
    return True if text in YES else False if text in NO else None


def are_labels(cells: pl.Series) -> bool:
    """Whether a column says yes or no, give or take a few cells that are wrong; numbers besides are of kinds.

    >>> are_labels(pl.Series(["ja", "nein", None])), are_labels(pl.Series(["a", "b"]))
    (True, False)
    """
    if cells.dtype.is_nested() or cells.dtype.is_temporal():
        return False
    given = cells.drop_nulls()
    kinds = given.cast(pl.String).value_counts(name="rows of a kind")
    numbers = {cell: number for cell, number in kinds.iter_rows() if says(cell) is not None}
    if any(is_number(cell) for cell in kinds[:, 0] if cell not in numbers):
        return False
    return sum(numbers.values()) >= MOST * len(given) > 0
