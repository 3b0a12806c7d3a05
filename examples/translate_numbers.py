"""From digits to words: a sequence of one length to a sequence of another."""

import random

from elman import Translator

SMALL = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen "
    "fifteen sixteen seventeen eighteen nineteen"
).split()
TENS = "twenty thirty forty fifty sixty seventy eighty ninety".split()


def in_words(number: int) -> str:
    """A number below a thousand, as people say it."""
    if number >= 100:
        rest = f" {in_words(number % 100)}" if number % 100 else ""
        return f"{SMALL[number // 100]} hundred{rest}"
    if number < 20:
        return SMALL[number]
    return TENS[number // 10 - 2] + (f" {SMALL[number % 10]}" if number % 10 else "")


numbers = list(range(1000))
random.seed(1)
random.shuffle(numbers)
digits = [" ".join(str(number)) for number in numbers]
words = [in_words(number) for number in numbers]

model = Translator(
    hidden=64,
    embedding=64,
    dropout=0.1,
    source_tokens="words",
    target_tokens="words",
    lr=0.01,
    steps=250,
    verbose=False,
)
model.fit(digits[:900], words[:900])

right = sum(
    said == true
    for said, true in zip(model.predict(digits[900:]), words[900:], strict=True)
)
print(f"{right} of 100 new numbers are right")
for number in ("7 1 3", "4 0 0", "9 9"):
    print(f"{number}: {model.predict(number)}")
