"""How like sequences that were written are to those that are right."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from elman.tasks.translate.symbols import parts
from elman.training.measures import HIGH, LOSS, LOW, Measure

MEASURES = {
    "chrf": Measure(HIGH, label="chrF", about="agreement of n-grams of characters, from 0 to 100"),
    "bleu": Measure(HIGH, label="BLEU", about="agreement of n-grams of words, from 0 to 100"),
    "exact_match": Measure(HIGH, share=True, about="the share of answers that are right as a whole"),
    "sequence_error": Measure(LOW, share=True, about="the share of answers that are not"),
    "token_error": Measure(LOW, about="tokens to be changed, put in or taken out, over those there should be"),
    "loss": LOSS,
}


def measures(
    answers: Sequence[str], references: Sequence[Sequence[str]], kind: str, tokenize: str = "13a"
) -> dict[str, float]:
    """The measures that people know, where each answer may be like any of its references.

    ``bleu`` and ``chrf`` are those of sacrebleu, from 0 to 100. ``token_error`` is the number of words, or of
    characters where sequences are made of these, that have to be changed, put in or taken out, over the number there
    should be. ``exact_match`` is the share of answers that are right as a whole, and ``sequence_error`` the share that
    are not: of spellings and sounds, what is known as the word error rate.

    Args:
        answers: ``[N]``.
        references: for each answer one or several that are right.
        kind: of the symbols that sequences are made of.
        tokenize: what sacrebleu cuts words with.

    Example:
        >>> found = measures(["a b c", "d e"], [["a b c"], ["d f", "e f"]], "words", "none")
        >>> found["exact_match"], found["token_error"]
        (0.5, 0.2)
    """
    # imported when used: they take long
    from sacrebleu.metrics.bleu import BLEU
    from sacrebleu.metrics.chrf import CHRF

    most = max(len(each) for each in references)
    # where a source has fewer answers that are right than another, sacrebleu takes None
    streams: Any = [[each[n] if n < len(each) else None for each in references] for n in range(most)]
    right = np.mean([answer in each for answer, each in zip(answers, references, strict=True)])
    changes, length = map(
        sum, zip(*(nearest(a, each, kind) for a, each in zip(answers, references, strict=True)), strict=True)
    )
    return {
        "bleu": float(BLEU(tokenize=tokenize, force=True).corpus_score(answers, streams).score),
        "chrf": float(CHRF().corpus_score(answers, streams).score),
        "exact_match": float(right),
        "sequence_error": float(1 - right),
        "token_error": changes / max(1, length),
    }


def nearest(answer: str, references: Sequence[str], kind: str) -> tuple[int, int]:
    """How many changes make an answer the most like one of its references, and how long that one is."""
    from rapidfuzz.distance import Levenshtein

    said = parts(kind, answer)
    wanted = [parts(kind, reference) for reference in references]
    each = [(Levenshtein.distance(said, one), len(one)) for one in wanted]
    return min(each, key=lambda one: one[0] / max(1, one[1]))


def nearest_neighbour(known: Sequence[str], asked: Sequence[str], kind: str) -> list[int]:
    """For each text asked, which of those known is the most like it by tf-idf."""
    from scipy.sparse import csr_array
    from sklearn.feature_extraction.text import TfidfVectorizer

    whole = kind == "characters"
    analyzer: Any = "char_wb" if whole else str.split
    vectors = TfidfVectorizer(analyzer=analyzer, ngram_range=(2, 4) if whole else (1, 1))
    table, wanted = csr_array(vectors.fit_transform(known)).T, csr_array(vectors.transform(asked))
    found: list[int] = []
    for start in range(0, len(asked), 128):  # so that the products of few are in memory at once
        found += np.asarray((wanted[start : start + 128] @ table).argmax(1)).ravel().tolist()
    return found
