"""A model that reads files in another encoding than those it learnt from."""

from dataclasses import fields, replace
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from elman.training.task import Task

ENCODED = "Encoding of the file. [default: that of the training data, or what a mark at the beginning says]"


def restored(folder: Path, encoding: str | None) -> "Task":
    """The trained task that a folder holds.

    Args:
        folder: the model folder.
        encoding: of the files that it is to read, where they do not tell theirs; None for that of those learnt from.

    Raises:
        ElmanError: as ``tasks.restore``, or no such encoding.
    """
    from elman.data.dialect import Lain
    from elman.data.encodings import check_encoding
    from elman.tasks import restore

    if encoding is not None:
        check_encoding(encoding)
    task = restore(folder)
    if encoding is None:
        return task
    if any(each.name == "encoding" for each in fields(task.options)):
        task.options = replace(task.options, encoding=encoding)
    for name, kept in list(vars(task).items()):  # what is known of how a table lies
        if isinstance(kept, Lain):
            setattr(task, name, kept.in_encoding(encoding))
    return task
