"""Write new names, letter by letter, that sound like those that were learnt."""

import random

from elman import LanguageModel

BEGIN, MIDDLE, END = (
    "Al Bel Car Dor Er Fal Gal Mar Ser Tor".split(),
    "a e i o u".split(),
    "dan lin mar nor ric sen".split(),
)

random.seed(1)
names = sorted(
    {random.choice(BEGIN) + random.choice(MIDDLE) + random.choice(END) for _ in range(150)}
)

model = LanguageModel(hidden=64, embedding=16, lr=0.01, steps=100, verbose=False)
model.fit(names)

new = model.strings(8, temperature=1.0, seed=1)
print(", ".join(new))
print(f"{sum(name not in names for name in new)} of them were not in the list")
