"""What each estimator is made with: the options of its task, of training, budget and comparison, and its own.

An option stands once, in the dataclass of its task. ``constructors.py`` makes of it an argument that Python and
scikit-learn see; ``constructors.pyi``, which ``stubs.py`` writes, one that an editor sees.
"""

import inspect
import re
import warnings
from collections.abc import Callable
from dataclasses import dataclass, fields
from difflib import get_close_matches
from pathlib import Path
from typing import Any, get_args

from elman import tasks
from elman.data.bad import BadRows
from elman.errors import ElmanError, ElmanWarning
from elman.training.options import LISTS, TAKEN, as_kind, former, plain
from elman.training.settings import groups, usual_of


@dataclass(frozen=True)
class Constructor:
    """What an estimator is made with.

    Args:
        task: the name of its task.
        fixed: options that an estimator of this kind does not leave open, with their values.
        without: options that say nothing to it.
        usual: defaults of its own.
    """

    task: str
    fixed: dict[str, Any]
    without: tuple[str, ...] = ()
    usual: tuple[tuple[str, Any], ...] = ()


@dataclass(frozen=True)
class Argument:
    """An argument of a constructor."""

    name: str
    kind: Any  # its type
    default: Any
    help: str


CONSTRUCTORS = {
    "ClassifierOptions": Constructor("classify", {}),
    "RegressorOptions": Constructor("classify", {"kind": "number"}, ("class_weights", "label_smoothing")),
    "TaggerOptions": Constructor("tag", {}),
    "TranslatorOptions": Constructor("translate", {}),
    "ForecasterOptions": Constructor("forecast", {}),
    # two minutes would be long for a short stream
    "AnomalyDetectorOptions": Constructor("anomaly", {}, (), (("steps", 2000),)),
    "RecommenderOptions": Constructor("recommend", {}),
    "LanguageModelOptions": Constructor("language", {}),
}

FLAG = re.compile(r"(?<![\w-])--([a-z][a-z-]*[a-z])")
CALLED = {"data": "X", "out": "folder"}  # what is called otherwise in Python

OWN = (
    Argument(
        "folder", str | Path | None, None, "Model folder to write; without one the model is in memory, for save()."
    ),
    Argument("overwrite", bool, False, "Whether to replace a model that is in the folder."),
    Argument(
        "skip_bad",
        bool | str,
        False,
        "Whether rows that cannot be used are left out, and told, instead of refused: True for up to a tenth of all, "
        "'all' for however many.",
    ),
    Argument("verbose", bool, True, "Whether fit says what it found out about the data, and shows a bar."),
    Argument("callbacks", tuple[Any, ...], (), "Callbacks of Lightning."),
)


def arguments(constructor: Constructor) -> list[Argument]:
    """The arguments of a constructor, those of the task first."""
    options, usual = tasks.options(constructor.task), dict(constructor.usual)
    found = []
    for group in groups(options):
        defaults = {**usual_of(options, group), **usual}
        for each in fields(group):
            if each.name not in constructor.fixed and each.name not in constructor.without:
                shown = f" [{each.metadata['shown']}]" if "shown" in each.metadata else ""
                kind = str | list[Any] if each.metadata.get("metavar") in LISTS else each.type
                found.append(Argument(each.name, kind, defaults[each.name], each.metadata["help"] + shown))
    return [*found, *OWN]


def check_own(values: dict[str, Any]) -> None:
    """Refuse those options that are an estimator's own where they are of another type than these take.

    Raises:
        ElmanError: a value of another type.
    """
    for each in (OWN[1], OWN[3]):
        if as_kind(bool, plain(values[each.name])) is None:
            raise ElmanError(f"{each.name} is {TAKEN[bool]}, not {values[each.name]!r}")
    BadRows(plain(values["skip_bad"]))  # which says what is wrong with it
    if not isinstance(values["folder"], get_args(OWN[0].kind)):
        raise ElmanError(f"folder is the name of a folder, not {values['folder']!r}")
    from lightning.pytorch import Callback

    given = values["callbacks"]
    if not isinstance(given, list | tuple) or not all(isinstance(each, Callback) for each in given):
        raise ElmanError(f"callbacks is a list of callbacks of Lightning, not {given!r}")


def documented(found: list[Argument]) -> str:
    """The docstring of a constructor."""
    lines = [f"    {each.name}: {in_python(each.help)}" for each in found]
    return "\n".join(["Only store the options; what is wrong with one is said by ``fit``.", "", "Args:", *lines])


def in_python(text: str) -> str:
    """A text in which the options of the command line have the names that they have in Python.

    >>> in_python("say which with --label-column")
    'say which with label_column'
    >>> in_python("leave out however many with --skip-bad all")
    "leave out however many with skip_bad='all'"
    """
    text = text.replace("--skip-bad all", "skip_bad='all'")
    return FLAG.sub(lambda found: CALLED.get(found[1], found[1].replace("-", "_")), text)


def _current(name: str, constructor: Constructor, options: dict[str, Any]) -> dict[str, Any]:
    """The options under the names that they have now.

    Raises:
        ElmanError: a name that no option has or had.
    """
    known = [each.name for each in arguments(constructor)]
    before = {old: new for group in groups(tasks.options(constructor.task)) for old, new in former(group).items()}
    found = {}
    for each, value in options.items():
        now = before.get(each, each) if each not in known else each
        if now not in known:
            near = get_close_matches(each, known, 1)
            hint = f"; did you mean {near[0]!r}?" if near else f"; it has {', '.join(known)}"
            raise ElmanError(f"{name} has no option {each!r}{hint}")
        if now != each:
            warnings.warn(f"the option {each} is called {now} now", ElmanWarning, stacklevel=4)
        if now in found:
            raise ElmanError(f"the option {now} is given twice, once by its former name")
        found[now] = value
    return found


def constructed(name: str, constructor: Constructor) -> type:
    """A class that has only the constructor, with the signature and the docstring that its options make."""
    known = arguments(constructor)
    defaults = {each.name: each.default for each in known}

    def __init__(self: Any, **options: Any) -> None:
        given = options if options.keys() <= defaults.keys() else _current(type(self).__name__, constructor, options)
        for each, value in {**defaults, **given}.items():
            setattr(self, each, value)

    parameters = [inspect.Parameter("self", inspect.Parameter.POSITIONAL_OR_KEYWORD)]
    parameters += [
        inspect.Parameter(each.name, inspect.Parameter.KEYWORD_ONLY, default=each.default, annotation=each.kind)
        for each in known
    ]
    made: Callable[..., None] = __init__
    made.__doc__ = documented(known)
    made.__dict__["__signature__"] = inspect.Signature(parameters)
    made.__qualname__ = f"{name}.__init__"
    return type(name, (), {"__init__": made, "__module__": "elman.estimators.constructors", "constructor": constructor})
