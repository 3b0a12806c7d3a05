"""What does a visitor look at next, who has seen only one item or two?"""

import random

import polars as pl

from elman import Recommender

SERIES = [
    ["tent", "mat", "lamp", "stove"],
    ["pen", "ink", "paper", "folder"],
    ["flour", "yeast", "salt", "oven"],
]


def visit() -> list[str]:
    """A visitor goes through a series, and now and then looks at something else."""
    series = random.choice(SERIES)
    return [
        item if random.random() < 0.9 else random.choice(random.choice(SERIES))
        for item in series
    ]


random.seed(1)
visits = [visit() for _ in range(400)]
events = pl.DataFrame(
    [
        {"user": f"visitor {number}", "item": item, "time": 10 * number + n}
        for number, items in enumerate(visits[:300])
        for n, item in enumerate(items)
    ]
)

model = Recommender(
    hidden=32, embedding=32, top_k=2, split="people", lr=0.01, steps=150, verbose=False
)
model.fit(events)

answers = model.predict([items[:3] for items in visits[300:]])
right = sum(items[3] in answer for items, answer in zip(visits[300:], answers, strict=True))
print(
    f"for {right} of 100 new visitors the fourth item is among the two that are recommended"
)
for seen in (["tent", "mat"], ["flour"]):
    print(f"{', '.join(seen)}: {model.predict([seen])[0][0]}")
