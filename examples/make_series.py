"""Two tables of short series: in some a rise comes before a fall, in others after it."""

import csv
import random
from pathlib import Path


def write(name: str, number: int) -> None:
    """A file of so many series, one row for each value."""
    with Path(name).open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(["id", "time", "value", "label"])
        for series in range(number):
            rise_first = random.random() < 0.5
            early, late = sorted(random.sample(range(2, 28), 2))
            for time in range(30):
                value = random.gauss(0, 0.2) + (time == early) - (time == late)
                value = value if rise_first else -value
                table.writerow(
                    [series, time, round(value, 3), "up" if rise_first else "down"]
                )
    print(f"{name} has {number} series of 30 values")


random.seed(1)
write("series.csv", 600)
write("new.csv", 100)
