"""Is a review for or against? Negation decides, so that the order of the words matters."""

import random

from elman import Classifier

GOOD, BAD = "good great lovely funny clever".split(), "bad dull weak slow silly".split()
THINGS = "film plot cast music ending".split()


def review() -> tuple[str, str]:
    """A review of two things, of which the second counts, and its label."""
    first, second = random.sample(THINGS, 2)
    good, negated = random.random() < 0.5, random.random() < 0.5
    said = ("not " if negated else "") + random.choice(GOOD if good else BAD)
    other = random.choice(GOOD + BAD)
    return (
        f"the {first} was {other} but the {second} was {said}",
        "for" if good != negated else "against",
    )


random.seed(1)
texts, labels = map(list, zip(*(review() for _ in range(1000)), strict=True))

model = Classifier(cell="gru", hidden=32, lr=0.01, steps=200, verbose=False)
model.fit(texts[:800], labels[:800])

print(f"accuracy on 200 new reviews: {model.score(texts[800:], labels[800:]):.2f}")
for text in (
    "the plot was dull but the cast was not bad",
    "the plot was clever but the film was not funny",
):
    print(f"{text}: {model.predict(text)}")
