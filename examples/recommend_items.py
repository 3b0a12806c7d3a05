"""What does a visitor look at next? Some items follow each other, and a new visitor has seen two of them."""

import random

from elman import Recommender

SERIES = [["tent", "mat", "lamp", "stove"], ["pen", "ink", "paper", "folder"], ["flour", "yeast", "salt", "oven"]]


def visit(visitor: int) -> list[dict[str, object]]:
    """A visitor goes through a series in order, and now and then looks at something else."""
    series = random.choice(SERIES)
    items = [item if random.random() < 0.9 else random.choice(random.choice(SERIES)) for item in series]
    return [{"user": f"v{visitor}", "item": item, "time": 10 * visitor + n} for n, item in enumerate(items)]


random.seed(1)
events = [event for visitor in range(300) for event in visit(visitor)]

model = Recommender(hidden=32, embedding=32, top_k=2, split="people", lr=0.01, steps=150)
model.fit(events)

print(f"recall@2: {model.score():.2f}")
print(model.predict([["tent", "mat"], ["flour"]]))
