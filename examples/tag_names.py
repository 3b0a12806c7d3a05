"""Names of people and of places; new ones are told by what stands around them."""

import random

from elman import Tagger

PEOPLE = "Ada Emil Grace Jonas Lea Mira Noah Olga Paul Rosa".split()
PLACES = "Bern Cairo Delhi Lima Oslo Paris Quito Rome Seoul Turin".split()
SENTENCES = [
    "PERSON went to PLACE in May",
    "in PLACE it rained all day",
    "yesterday PERSON wrote a letter to PERSON",
    "the train from PLACE to PLACE was late",
    "PERSON and PERSON live in PLACE",
]


def sentence() -> tuple[list[str], list[str]]:
    """The words of a sentence and their tags: B begins a name, O stands for other words."""
    words, tags = [], []
    for word in random.choice(SENTENCES).split():
        names = {"PERSON": PEOPLE, "PLACE": PLACES}.get(word)
        words.append(random.choice(names) if names else word)
        tags.append(f"B-{word}" if names else "O")
    return words, tags


random.seed(1)
words, tags = map(list, zip(*(sentence() for _ in range(400)), strict=True))

model = Tagger(hidden=32, min_count=2, word_dropout=0.3, lr=0.01, steps=150, verbose=False)
model.fit(words[:300], tags[:300])

print(f"F1 of the names in 100 new sentences: {model.score(words[300:], tags[300:]):.2f}")
new = "Zeno and Ada went to Kyoto in May".split()
for word, tag in zip(new, model.predict([new])[0], strict=True):
    print(f"{word:6}{tag}")
