"""A machine with two sensors: what is unusual is told, without an example of it."""

import numpy as np
import polars as pl

from elman import AnomalyDetector

random = np.random.default_rng(1)
steps = np.arange(2000)
speed = np.sin(2 * np.pi * steps / 50) + random.normal(0, 0.05, len(steps))
heat = 0.5 * np.sin(2 * np.pi * (steps - 10) / 50) + random.normal(0, 0.05, len(steps))
heat[1500:1510] += 0.5  # it runs hot for a moment, though no hotter than at other times
machine = pl.DataFrame({"speed": speed, "heat": heat})

model = AnomalyDetector(
    hidden=16,
    horizons="1,8",
    probation=0.5,
    false_alarm_rate=0.001,
    lr=0.01,
    steps=100,
    verbose=False,
)
model.fit(machine)

answers = model.predict_frame(machine)
print(answers[1498:1503])
alarms = answers["alarm"].arg_true()
print(f"{alarms.is_between(1500, 1509).sum()} alarms while it ran hot")
print(f"{(alarms < 1500).sum()} alarms in the 1,500 rows before")
