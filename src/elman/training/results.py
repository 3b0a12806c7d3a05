"""``result.json`` as it is read again: each field is held against its kind."""

from pathlib import Path
from typing import Any

from elman.data.plain import Count, restored
from elman.errors import ElmanError
from elman.training.folders import RESULT, read_json

Measures = dict[str, float | None]  # null where a measure is no finite number
KINDS: dict[str, Any] = {
    "task": str,
    "data": str | None,
    "about_data": str,
    "found": tuple[str, ...],
    "skipped": Count,
    "options": dict[str, Any],
    "training": dict[str, Any],
    "budget": dict[str, Any],
    "parameters": Count,
    "before": Measures | None,
    "after": Measures | None,
    "steps": Count,
    "best_step": Count,
    "seconds": float | None,
    "ended": str,
    "processors": int | None,
    "versions": dict[str, str],
    "judged_on": dict[str, Any] | str,
    "compared": dict[str, Measures],
    "remarks": tuple[str, ...],
}  # the others are numbers


def read_result(folder: Path) -> dict[str, Any]:
    """What came of a run, as ``result.json`` has it; nothing where there is no such file.

    Raises:
        ElmanError: a file that is damaged.
    """
    path = folder / RESULT
    if not path.exists():
        return {}
    result = read_json(path)
    try:
        for name, value in result.items():
            restored(KINDS.get(name, float | None), value, name)
    except ElmanError as error:
        raise ElmanError(f"{path} is damaged: {error}; take a copy") from error
    return result
