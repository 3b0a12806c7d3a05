"""Forecasting: what comes next in series of numbers, as quantiles, for a whole horizon at once."""

import json
import logging
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import polars as pl
import torch
from torch import Tensor

from elman.data.bad import BadRows
from elman.data.batches import Batches
from elman.data.columns import listed as columns_listed
from elman.data.formats import check_task
from elman.data.plain import restored
from elman.data.reading import read_table
from elman.data.rows import read_again
from elman.data.tables import FILE
from elman.data.times.clock import Clock
from elman.errors import ElmanError, counted
from elman.tasks.forecast import report
from elman.tasks.forecast.baselines import LEARNT, ridge, simple_methods
from elman.tasks.forecast.columns import Columns, find_columns
from elman.tasks.forecast.metrics import MEASURES, Truth, between, fitting_widths, measures, widened
from elman.tasks.forecast.network import Horizon, ends, pinball
from elman.tasks.forecast.options import ForecastOptions
from elman.tasks.forecast.plan import (
    cut_into,
    learnt_from,
    lengths_of,
    long_enough,
    parts_of,
    usual_context,
    usual_horizon,
    usual_segment,
)
from elman.tasks.forecast.rolling import Rolling
from elman.tasks.forecast.seasons import find_seasons
from elman.tasks.forecast.series import Panel, read_panel
from elman.tasks.forecast.totals import without_series
from elman.tasks.forecast.vocabulary import Vocabulary
from elman.tasks.forecast.windows import Channels, Units, Window
from elman.training.answers import as_line, finite
from elman.training.options import listed
from elman.training.report import Section
from elman.training.task import HELD_OUT, TEST, JudgedRows, Loss, Predictor, Sources

log = logging.getLogger(__name__)

ROWS = 256  # windows forecast at a time
SAME = 0.01  # standard deviations, within which values are nearly the same
JUDGED = (4_000, 20_000)  # windows that are judged at most where no stride is said: while training, at the end


class ForecastParts(NamedTuple):
    """What was read, and where it is cut."""

    panel: Panel
    cuts: np.ndarray  # [series, 3], rows where what is learnt from ends, what is held out, and the test
    valid: Panel | None
    seasons: list[int]
    horizon: int


class Windows:
    """Windows on which a forecaster is judged."""

    def __init__(self, task: "ForecastTask", truth: Truth) -> None:
        if not len(truth):
            raise ElmanError("there is no window with a value to see and one to forecast; nothing to judge on")
        self.task, self.truth = task, truth

    def __iter__(self) -> Iterator[Window]:
        for start in range(0, len(self.truth), ROWS):
            part = slice(start, start + ROWS)
            yield self.truth.channels.cut(self.truth.channel[part], self.truth.origin[part])

    def __len__(self) -> int:
        return -(-len(self.truth) // ROWS)

    def metrics(self, loss: float, outputs: Sequence[np.ndarray]) -> dict[str, float]:
        return {"loss": loss, **measures(self.task.widened(outputs), self.truth, self.task.levels)}

    def judged(self, outputs: Sequence[np.ndarray]) -> JudgedRows:
        flat = np.ptp(np.concatenate(outputs)[..., 0]) < SAME
        remarks = ["All forecasts are nearly one value, the same at every step."] if flat else []
        return JudgedRows(len(self.truth), "windows", remarks)


class HeldOut(Windows):
    """Windows that are held out while a forecaster learns: they tell its ``widths``, too."""

    def metrics(self, loss: float, outputs: Sequence[np.ndarray]) -> dict[str, float]:
        quantiles = np.concatenate(outputs)[..., 1:]
        self.task.widths.copy_(torch.from_numpy(fitting_widths(quantiles, self.truth.coming, self.task.levels)))
        return super().metrics(loss, outputs)


class ForecastExamples:
    """Windows to learn from, and later ones that are held out."""

    held_out: Windows
    test: Windows
    test_name: str

    def __init__(self, task: "ForecastTask", parts: ForecastParts, rows: int, seed: int) -> None:
        self.panel, self.cuts = parts.panel, parts.cuts
        channels, context, horizon = task.channels(parts.panel), task.context, task.horizon
        learnt, held_out, tested = parts.cuts[channels.series].T
        last = learnt - horizon
        # short series are seen from before their beginning, where nothing is given
        first = np.where(last >= 2 * context, context, np.clip(last // 2, 1, context))
        self.learnt = Truth(channels, *channels.windows(first, last))
        if not len(self.learnt):
            raise ElmanError(f"{parts.panel.name} has no window of values to learn from; give --horizon a lower number")
        self.batches = Batches(np.ones(len(self.learnt)), rows, seed)
        if parts.valid is not None:
            later = test = task.whole(task.channels(parts.valid), JUDGED[0])
        else:
            later = test = task.judged(channels, learnt, held_out - horizon, JUDGED[0])
            if (tested > held_out).any():
                test = task.judged(channels, held_out, tested - horizon, JUDGED[1])
        self.held_out, self.test = HeldOut(task, later), Windows(task, test)
        self.test_name = HELD_OUT if test is later else TEST

    @property
    def epoch(self) -> int:
        return len(self.batches)

    def batch(self, step: int) -> Window:
        rows = self.batches[step]
        return self.learnt.channels.cut(self.learnt.channel[rows], self.learnt.origin[rows])

    def describe(self) -> str:
        parts = f"{counted(len(self.learnt), 'windows')} to learn from, {len(self.held_out.truth):,} held out"
        test = f", {len(self.test.truth):,} to test on" if self.test_name == TEST else ""
        rows = np.diff(self.cuts, prepend=0).sum(0)
        cut = f", cut into {' + '.join(f'{n:,}' for n in rows if n)}" if rows[1:].any() else ""
        return f"{self.panel.describe()}{cut}; {parts}{test}"


class ForecastTask(Predictor[ForecastOptions, ForecastParts, Window, ForecastExamples, Windows]):
    """Forecast series, with quantiles: a recurrence reads the past in patches and continues through the future.

    One model learns all series, each in its own units. ``Horizon`` has the equations. The loss is the quantile loss and
    the squared error of the mean. The distances of the quantiles from the median are then multiplied by ``widths``, at
    least 1, so that enough of the held-out values lie between them (after Romano et al. 2019).

    ``predict`` takes a file or a data frame and forecasts what follows it, a row for each step of each series. Its
    ``forecast`` is the mean, never outside the outer quantiles; ``q0.5`` is the median. Rows at the end without a
    target hold what is known of the future.

    Example:
        >>> hours = np.arange(400)
        >>> frame = pl.DataFrame({"load": 10 + np.sin(hours * np.pi / 6)})
        >>> from elman.training.runs import fit
        >>> model = fit(ForecastTask, frame, horizon=12, steps=5, hidden=8)
        >>> model.predict(frame).columns
        ['step', 'forecast', 'q0.1', 'q0.5', 'q0.9']
    """

    Options = ForecastOptions
    Learnt = Vocabulary
    unit = "values"
    measures = MEASURES
    by_row = False
    widths: Tensor

    def __init__(self, options: ForecastOptions, vocabulary: dict[str, Any]) -> None:
        super().__init__(options, vocabulary)
        self.columns = restored(Columns, vocabulary["columns"])
        self.clock = Clock(**vocabulary["clock"])
        self.units = Units.from_json(vocabulary["units"])
        self.seasons: list[int] = vocabulary["seasons"]
        self.horizon, self.context = vocabulary["horizon"], vocabulary["context"]
        self.levels = options.levels()
        self.network = Horizon(
            options,
            context=self.context,
            horizon=self.horizon,
            segment=vocabulary["segment"],
            channels=len(self.units.channels),
            known=self.columns.width(self.columns.known),
            past=self.columns.width(self.columns.past),
            constants=self.columns.width(self.columns.constants),
            calendar=self.clock.calendar(np.zeros(1, np.int64), vocabulary["calendar"]).shape[1],
            outputs=1 + len(self.levels),
        )
        self.register_buffer("widths", torch.ones(len(self.levels)))

    @property
    def season(self) -> int:
        """Steps after which a series is taken to repeat itself; 1 where it does not."""
        return self.seasons[0] if self.seasons else 1

    @classmethod
    def read(cls, options: ForecastOptions, sources: Sources) -> ForecastParts:
        if sources.data is None:
            raise ElmanError("give --data FILE: a table over time, with a column or a row for each series")
        options.levels()  # what is wrong with them is said before a long file is read
        parts_of(options.split)
        check_task(sources.data, "forecast", options.encoding)
        table = read_table(sources.data, sources.bad, options.dialect)
        table = table if table.files is None else table.with_files()
        columns = find_columns(table, options.columns(), listed(options.ignore), options.order)
        panel = without_series(read_panel(table, columns, options.frequency or None), listed(options.ignore))
        log.info("from row to row: %s", panel.clock.describe())
        lengths = lengths_of(panel).tolist()
        seasons = options.seasons()
        if seasons is None:
            whole = sources.valid is not None
            seasons = find_seasons(panel, lengths if whole else [learnt_from(options.split, n) for n in lengths])
            log.info("season: %s", " and ".join(counted(s, "rows") for s in seasons) or "none was found")
        horizon = options.horizon or usual_horizon(seasons, int(np.median(lengths)))
        panel = long_enough(panel, horizon, sources.bad)
        valid = None
        if sources.valid is not None:
            other = read_table(sources.valid, sources.bad, options.dialect)
            other = other.with_files() if FILE in columns.series else other
            valid = read_panel(other, columns, panel.clock, uneven=bool(options.frequency))
        cuts = cut_into(panel, options.split, horizon) if valid is None else np.repeat(lengths_of(panel)[:, None], 3, 1)
        return ForecastParts(panel, cuts, valid, seasons, horizon)

    @classmethod
    def learn(cls, options: ForecastOptions, read: ForecastParts) -> dict[str, Any]:
        panel, horizon, seasons = read.panel, read.horizon, read.seasons
        ends = read.cuts[:, 0].tolist()
        season = seasons[0] if seasons else 1
        context = options.context or usual_context(seasons, horizon, int(np.median(ends)))
        segment = min(options.patch or usual_segment(season, horizon, context), context)
        log.info("%s ahead, from %s before, read %s at a time",
                 counted(horizon, "steps"), counted(context, "steps"), segment)  # fmt: skip
        # a cycle that was seen but once or twice says no more than how long ago something was
        span = max((panel.clock.span(end) for end in ends), default=0) if options.calendar else 0
        cycles = panel.clock.waves(span / 3)
        if cycles:
            log.info("calendar: the time of the %s", ", of the ".join(cycles))
        units = Units.of(panel, ends, season)
        errors = options.errors or ("season" if len(panel.series) > 1 else "deviation")
        if errors not in ("season", "deviation"):
            raise ElmanError(f"--errors are counted by season or by deviation, not {options.errors!r}")
        if len(units.channels) > 1:
            about = {"season": "mean distances from a season before", "deviation": "standard deviations"}
            log.info("the errors of each series count in its %s", about[errors])
        for label in [label for label, unit in units.channels.items() if unit.repeat == 0][:5]:
            log.info("%s does not vary, or always repeats itself, in the part that is learnt from", label)
        return {
            "columns": panel.columns.to_json(),
            "clock": panel.clock.to_json(),
            "units": units.to_json(),
            "seasons": seasons,
            "horizon": horizon,
            "context": context,
            "segment": segment,
            "calendar": cycles,
            "errors": errors,
        }

    def more(self, sources: Sources) -> ForecastParts:
        """More series of the kind that was learnt, to go on with; nothing is held out but ``sources.valid``."""
        learnt, held_out = sources.both(lambda each: self.panel(each, sources.bad))
        learnt = long_enough(learnt, self.horizon, sources.bad)
        cuts = np.repeat(lengths_of(learnt)[:, None], 3, 1)
        return ForecastParts(learnt, cuts, held_out, self.seasons, self.horizon)

    def data(self, read: ForecastParts, folder: Path, *, rows: int, steps: int, seed: int) -> ForecastExamples:
        return ForecastExamples(self, read, rows, seed)

    def batch_steps(self, data: ForecastExamples) -> int:
        return min(data.batches.rows, len(data.learnt)) * (self.network.before + self.network.after)

    def start(self, data: ForecastExamples) -> None:
        if self.options.linear_skip:
            self.network.start(ridge(data.learnt.some(LEARNT), level=self.options.normalise))

    def evaluation(self, source: Any, folder: Path, bad: BadRows) -> Windows:
        return Windows(self, self.whole(self.channels(self.panel(source, bad)), JUDGED[1]))

    def panel(self, source: Any, bad: BadRows) -> Panel:
        """The series of a file, as those that were learnt from."""
        options = self.options
        # another file may have another separator
        dialect = replace(self.columns.dialect, separator=options.separator, header=options.header)
        known = replace(self.columns.known_again, dialect=dialect)
        table = read_again(source, known, bad)
        table = table.with_files() if FILE in self.columns.series else table
        if self.columns.layout != "rows":
            for name in (*self.columns.time, *self.columns.series, *self.columns.targets, *self.columns.known):
                table.known(name)
        return read_panel(table, self.columns, self.clock, uneven=bool(options.frequency))

    def channels(self, panel: Panel) -> Channels:
        """Series, ready to be cut into windows."""
        return Channels(
            panel,
            self.units,
            self.context,
            self.horizon,
            self.season,
            by_season=self.vocabulary["errors"] == "season",
            cycles=self.vocabulary["calendar"],
            marks=ends(self.context, self.vocabulary["segment"]),
        )

    def whole(self, channels: Channels, most: int) -> Truth:
        """All windows of some channels, to be judged on: those that see enough, or else the last of each."""
        last = channels.lengths - self.horizon
        return self.judged(channels, np.clip(last, 1, self.context), last, most)

    def judged(self, channels: Channels, first: np.ndarray, last: np.ndarray, most: int) -> Truth:
        """Windows from an origin to another in each channel."""
        number = int(np.maximum(last - first + 1, 0).sum())
        stride = self.options.stride or max(1, math.ceil(number / most))
        return Truth(channels, *channels.windows(first, last, stride))

    def forward(self, window: Window) -> Tensor:
        """The mean and the quantiles, ``[B, H, 1 + Q]``, in units of the channels."""
        return self.network(window)

    def loss(self, batch: Window, state: Any) -> Loss:
        if self.training and self.options.noise:  # what is known of the future is, as a rule, a forecast itself
            batch = batch._replace(known=batch.known + self.options.noise * torch.randn_like(batch.known))
        forecast = self(batch)
        coming = batch.coming.to(forecast.device)
        there = ~coming.isnan()
        truth = torch.where(there, coming, forecast[..., 0].detach())
        number = int(there.sum())
        share = batch.weight.to(forecast.device)[:, None, None] * there[..., None] / max(1, number)
        quantiles = 2 * (pinball(forecast[..., 1:], truth, self.levels) * share).sum() / len(self.levels)
        squares = ((forecast[..., 0] - truth) ** 2 * share[..., 0] * batch.weight.to(forecast.device)[:, None]).sum()
        output = None if self.training else _in_order(forecast.detach())
        return Loss(quantiles + self.options.squared * squares, number, output=output)

    def widened(self, outputs: Sequence[np.ndarray]) -> np.ndarray:
        """The quantiles of some batches, as far apart as was found to be right, behind means that lie within."""
        found = np.concatenate(outputs)
        quantiles = widened(found[..., 1:], self.widths.cpu().numpy(), self.levels)
        return np.concatenate([between(found[..., 0], quantiles, self.levels)[..., None], quantiles], -1)

    @torch.no_grad()
    def ahead(self, channels: Channels) -> np.ndarray:
        """What comes after the end of each channel, ``[N, H, 1 + Q]``."""
        found = []
        for start in range(0, len(channels.lengths), ROWS):
            part = np.arange(start, min(start + ROWS, len(channels.lengths)))
            found.append(_in_order(self(channels.cut(part, channels.lengths[part]))))
        mean, deviation, _ = channels.units.T[..., None, None]
        return finite(self.widened(found) * deviation + mean)

    def answers(self, data: Any, bad: BadRows) -> pl.DataFrame:
        panel = self.panel(data, bad)
        channels = self.channels(panel)
        if self.columns.known and any(len(s.known) < len(s) + self.horizon for s in panel.series):
            log.info(
                "%s of the coming %s steps is not told; it is taken to be as a season before. Rows without a target, "
                "at the end, tell it",
                ", ".join(self.columns.known),
                self.horizon,
            )
        forecasts = self.ahead(channels)
        pairs = list(zip(channels.series.tolist(), channels.targets.tolist(), strict=True))
        bare = [not np.isfinite(panel.series[s].values[:, t]).any() for s, t in pairs]
        if any(bare):
            labels = [panel.label(panel.series[s], t) for (s, t), none in zip(pairs, bare, strict=True) if none]
            log.warning("without a value there is no forecast: %s", columns_listed(labels))
            forecasts[np.array(bare)] = np.nan
        return self._with_empty(self.table(channels, forecasts), panel)

    def _with_empty(self, frame: pl.DataFrame, panel: Panel) -> pl.DataFrame:
        """Forecasts with empty ones in the place of series that have no row that can be used."""
        there, names, targets = {series.name for series in panel.series}, self.columns.series, self.columns.targets
        lacking = [name for name in panel.names if name not in there]
        if not lacking:
            return frame
        rows = [(*name, target) for name in lacking for target in targets for _ in range(self.horizon)]
        empty = pl.DataFrame(rows, schema=dict.fromkeys([*names, "target"], pl.String), orient="row")
        whole = pl.concat([frame, empty.select(c for c in empty.columns if c in frame.columns)], how="diagonal")
        asked = pl.DataFrame(panel.names, schema=dict.fromkeys(names, pl.String), orient="row")
        return asked.join(whole, on=names, how="left", maintain_order="left_right")

    def table(self, channels: Channels, forecasts: np.ndarray) -> pl.DataFrame:
        """Forecasts as rows, a step of a channel each."""
        panel, steps, count = channels.panel, np.arange(self.horizon), len(channels.lengths)
        columns: dict[str, pl.Series] = {}
        for n, name in enumerate(self.columns.series):
            names = [panel.series[s].name[n] for s in channels.series]
            columns[name] = pl.Series(np.repeat(np.array(names, object), self.horizon), dtype=pl.String)
        if len(self.columns.targets) > 1:
            names = [self.columns.targets[t] for t in channels.targets]
            columns["target"] = pl.Series(np.repeat(np.array(names, object), self.horizon), dtype=pl.String)
        first = np.array([panel.series[s].start for s in channels.series]) + channels.lengths
        times = panel.clock.times((first[:, None] + steps).ravel())
        columns[self.when] = panel.clock.column(self.when, times)
        for n, name in enumerate(self.outputs):
            columns[name] = pl.Series(forecasts[..., n].reshape(count * self.horizon), nan_to_null=True)
        return pl.DataFrame(columns)

    @property
    def when(self) -> str:
        """The name of the column that says of which moment a forecast is."""
        return self.columns.time[0] if len(self.columns.time) == 1 else "time" if self.columns.dated else "step"

    @property
    def outputs(self) -> list[str]:
        """The names of what is forecast of each step."""
        return ["forecast", *(f"q{level:g}" for level in self.levels)]

    def session(self) -> Callable[[str], str]:
        rolling = Rolling(self.columns, self.clock, self.context, self.horizon)

        def answer(line: str) -> str:
            panel = rolling.push(line)
            if panel is None:
                return ""
            channels = self.channels(panel)
            forecasts = self.ahead(channels)
            (series,) = panel.series
            end = np.array([series.start + len(series)])
            said: dict[str, Any] = dict(zip(self.columns.series, series.name, strict=True))
            said["from"] = panel.clock.texts(panel.clock.times(end))[0]
            for target, each in zip(self.columns.targets, forecasts, strict=True):
                numbers = {name: [float(f"{v:.7g}") for v in each[:, n]] for n, name in enumerate(self.outputs)}
                said |= {target: numbers} if len(self.columns.targets) > 1 else numbers
            return as_line(said)

        self.eval()
        return answer

    def lines(self, evaluation: Windows, number: int) -> list[str]:
        panel = evaluation.truth.channels.panel
        series = max(panel.series, key=len)
        known = min(number, len(series))  # rows behind the last value may follow
        times = panel.clock.texts(panel.clock.times(series.slots[:known]))
        found = []
        for row in range(known):
            cells: dict[str, Any] = dict(zip(self.columns.series, series.name, strict=True))
            cells |= self.columns.when.cells(times[row])
            parts = ("targets", series.values[row]), ("known", series.known[row]), ("past", series.past[row])
            for part, values in (*parts, ("constants", series.constants)):
                cells |= _as_cells(self.columns, getattr(self.columns, part), values)
            found.append(json.dumps(cells, ensure_ascii=False))
        return found

    def baselines(self, data: ForecastExamples, evaluation: Windows) -> dict[str, Callable[[], dict[str, float]]]:
        return simple_methods(data.learnt, evaluation.truth, self.levels, self.seasons)

    def sections(self, data: ForecastExamples, evaluation: Windows, outputs: Sequence[Any]) -> list[Section]:
        return report.sections(self.widened(outputs), evaluation.truth, self.levels)

    def sample(self, data: ForecastExamples, seed: int) -> str:
        frame = self.table(data.learnt.channels, self.ahead(data.learnt.channels))
        return "after the end:\n" + frame.head(min(8, self.horizon)).write_csv(separator="\t", float_precision=4)


def _in_order(forecast: Tensor) -> np.ndarray:
    """The mean and the quantiles, these in rising order even where they were learnt otherwise."""
    return torch.cat([forecast[..., :1], forecast[..., 1:].sort(-1).values], -1).cpu().numpy()


def _as_cells(columns: Columns, names: Sequence[str], values: np.ndarray) -> dict[str, Any]:
    """Numbers as the cells of a row that they come from."""
    cells, at = {}, 0
    for name in names:
        kinds = columns.kinds.get(name)
        part = values[at : at + len(kinds or [0])]
        at += len(part)
        if not np.isfinite(part).all():
            cells[name] = None
        else:
            cells[name] = kinds[int(part.argmax())] if kinds else float(part[0])
    return cells
