"""The load of the next day, hour by hour, from three months and the weather forecast."""

import numpy as np
import polars as pl

from elman import Forecaster

random = np.random.default_rng(1)
hours = np.arange(24 * 90)
temperature = (
    10
    + 8 * np.sin(2 * np.pi * (hours - 9) / 24)
    + np.cumsum(random.normal(0, 0.3, len(hours)))
)
weekend = (hours // 24) % 7 >= 5
load = 50 + 15 * np.sin(2 * np.pi * (hours - 8) / 24) - 12 * weekend - 0.8 * temperature
table = pl.DataFrame(
    {
        "time": pl.datetime_range(
            pl.datetime(2025, 1, 6), pl.datetime(2025, 4, 5, 23), "1h", eager=True
        ),
        "load": load + random.normal(0, 1, len(hours)),
        "temperature": temperature,
    }
)
past, day = table.head(-24), table.tail(24)

model = Forecaster(
    target="load",
    known="temperature",
    horizon=24,
    context=168,
    hidden=32,
    lr=0.01,
    steps=150,
    verbose=False,
)
model.fit(past)

future = day.with_columns(
    load=pl.lit(None, pl.Float64)
)  # the temperature is known, the load is asked for
forecast = model.predict(pl.concat([past, future]))
print(forecast.head(3))
inside = (day["load"] >= forecast["q0.1"]) & (day["load"] <= forecast["q0.9"])
print(f"{inside.sum()} of 24 hours lie between the quantiles 0.1 and 0.9")
