"""Series of a table that sum up others: said, or left out as the user says."""

import logging
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from elman.data.columns import listed
from elman.data.numbers.sums import told_series
from elman.errors import ElmanError
from elman.tasks.forecast.series import Panel

log = logging.getLogger(__name__)


def without_series(panel: Panel, ignore: Sequence[str]) -> Panel:
    """The series of a table without those that are named so; of the others those without a name and sums are warned of.

    Args:
        panel: all series.
        ignore: names of series; what are names of columns is left out already.

    Raises:
        ElmanError: a name that is neither of a column nor of a series, or nothing is left.
    """
    words = {word for name in panel.names for word in name}
    for word in ignore:
        if word not in words and word not in panel.columns.columns:
            raise ElmanError(
                f"{panel.name} has no column {word!r}, and no series of that name; its columns are "
                f"{listed(panel.columns.columns or panel.columns.series)}"
            )
    kept = [each for each in panel.series if not set(each.name) & (set(ignore) - set(panel.columns.columns))]
    if not kept:
        raise ElmanError(f"{panel.name} has no series but those that are to be left out")
    if any(not "".join(each.name).strip() for each in kept) and panel.columns.series:
        log.warning("a series has no name: its rows have nothing in %s", ", ".join(panel.columns.series))
    first, end = max(each.start for each in kept), min(each.start + len(each) for each in kept)
    for target in range(len(panel.columns.targets) if end > first else 0):
        values = np.column_stack([each.values[first - each.start : end - each.start, target] for each in kept])
        if lines := told_series([each.name for each in kept], panel.columns.series, values, "--ignore"):
            for line in lines:
                log.warning("%s", line)
            break
    names = [each.name for each in kept]
    return replace(panel, series=kept, names=names) if len(kept) < len(panel.series) else panel
