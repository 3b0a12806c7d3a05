"""What is to be said about a comparison, in sentences: that it is lost, means little, or that nothing was learnt."""

import math
from collections.abc import Sequence

from elman.errors import counted
from elman.training.loop import Progress
from elman.training.measures import Measures, improved, is_better, label, leading, standard_error
from elman.training.numbers import alike
from elman.training.table import Table, written
from elman.training.task import LEARNT_FROM, JudgedRows

FEW = 30  # rows, below which a figure means little
CHANCE = 2.0  # standard errors, within which a difference may be chance


def remarks(
    table: Table,
    simple: Sequence[str],
    recurrences: Sequence[str],
    measures: Measures,
    part: str,
    rows: JudgedRows,
) -> list[str]:
    """What there is to say about a table, a sentence each.

    Args:
        table: the measures of each method by its name, the model first.
        simple: the names of the simple methods among them.
        recurrences: the names of the other recurrences among them.
        measures: of the task.
        part: what was judged on.
        rows: that were judged, and what the task says about the answers.
    """
    found = list(rows.remarks)
    if part == LEARNT_FROM:
        found.append("Nothing was held out: the figures are of the rows that were learnt from, and too good.")
    found += _lost("A simple method", table, simple, measures, rows)
    found += _lost("Another recurrence", table, recurrences, measures, rows)
    if rows.number < FEW:
        margin = _margin(table, measures, rows)
        found.append(f"Only {counted(rows.number, f'{rows.of} were')} judged, so the figures mean little{margin}.")
    return found


def of_training(progress: Progress, monitor: str | None) -> list[str]:
    """What there is to say about a run by itself: that nothing was learnt.

    Args:
        progress: of the run, which is over.
        monitor: the measure by which the best weights were chosen; without it, the loss.
    """
    before, after = progress.before, progress.best
    if before is None or after is None or improved(after, before, monitor):
        return []
    name = "loss" if monitor is None else monitor
    one, other = alike([after[name], before[name]])
    steps = "a step" if progress.step == 1 else f"{progress.step:,} steps"
    return [
        f"Nothing was learnt in {steps}: on what was held out, {name.replace('_', ' ')} is {one} after training "
        f"and was {other} before it. Train for longer, or with another --lr."
    ]


def _lost(what: str, table: Table, names: Sequence[str], measures: Measures, rows: JudgedRows) -> list[str]:
    """That one of some methods is better than the model, by what, and by how much."""
    model, *_ = table
    name = leading(measures, table[model], *(table[other] for other in names)) if names else None
    if name is None:
        return []
    measure, own = measures[name], table[model][name]
    best = names[0]
    for other in names:
        best = other if is_better(measure, table[other][name], table[best][name]) else best
    theirs = table[best][name]
    if not is_better(measure, theirs, own):
        return []
    other, one = written(measures, name, [own, theirs], rows.number)
    # as if they were independent, which says a little too often that it may be chance
    error = math.hypot(*(standard_error(p, rows.number) for p in (theirs, own))) if measure.share else 0.0
    chance = f"; of {counted(rows.number, rows.of)} that may be chance" if abs(theirs - own) < CHANCE * error else ""
    return [f"{what} is better: {best}, with {label(measures, name)} {one} against {other}{chance}."]


def _margin(table: Table, measures: Measures, rows: JudgedRows) -> str:
    """By how much the first share of a table may be off by chance."""
    model = next(iter(table.values()))
    name = next((name for name, each in measures.items() if each.share and name in model), None)
    if name is None:
        return ""
    # one row more or less at the least: a share of all or of none does not say that it is sure
    margin = max(CHANCE * standard_error(model[name], rows.number), 1 / rows.number)
    share, off = written(measures, name, [model[name], margin], rows.number)
    return f": {label(measures, name)}, {share}, may be off by {off}"
