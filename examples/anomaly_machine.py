"""A machine with two sensors: what is unusual is told as it comes, and nobody says beforehand what that looks like."""

import numpy as np
import polars as pl

from elman import AnomalyDetector

random = np.random.default_rng(1)
steps = np.arange(2000)
speed = np.sin(2 * np.pi * steps / 50) + random.normal(0, 0.05, len(steps))
heat = 0.5 * np.sin(2 * np.pi * (steps - 10) / 50) + random.normal(0, 0.05, len(steps))
heat[1500:1510] += 0.8  # it runs hot for a moment, though no hotter than at other times
machine = pl.DataFrame({"speed": speed, "heat": heat})

model = AnomalyDetector(hidden=16, steps=150)
model.fit(machine)

answers = model.predict_frame(machine)
print(answers[1498:1503])
print(f"alarms at rows {answers['alarm'].arg_true().to_list()}")
