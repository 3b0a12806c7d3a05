"""What holds for every task: on an example of it, which it learns in seconds."""

import json
import re
import shutil
import tempfile
import weakref
from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from pathlib import Path
from random import SystemRandom
from signal import Signals
from types import MappingProxyType
from typing import Any, NamedTuple

import polars as pl
import torch
from torch import Tensor

from elman.data.tables import columns_of
from elman.errors import ElmanError
from elman.testing.closeness import require
from elman.testing.law import Check, Law
from elman.testing.ways import alike, assert_the_same_from_every_table
from elman.training.folders import RESULT, UNTRAINED_WEIGHTS, WEIGHTS, load_weights, read_json
from elman.training.options import usual
from elman.training.summary import UNTRAINED
from elman.training.task import HELD_OUT, BadRows, Predictor, RowPredictor, Sources, Task, evaluate, read_model

NONE: Mapping[str, Any] = MappingProxyType({})
STEPS = 60  # in which the loss of the example must fall
FALLS_TO = 0.7  # of what it was
LINES = 60  # of a stream


def check_task(task: type[Task], source: str | Path, options: Mapping[str, Any] = NONE) -> None:
    """Hold a task of your own to the laws that hold for every task of Elman.

    The loss falls; what is saved and loaded is judged, and answers, as before; a run that is killed and goes on ends
    with the same weights, bit for bit on one thread; a mistake of the user is one line. Of a task that answers rows: a
    file, a table in memory and a stream of the same rows get the same answers; so do the rows of an example that is a
    table in any format, with the columns in another order, and without those that are not needed; each line of a stream
    is answered before the next is read; each row has its answer, however odd it or another one is; simple methods stand
    beside it in one table, in a report that needs nothing beside itself.

    Args:
        task: the class of the task, at the top of a module that can be imported, since a run is killed in a process of
            its own.
        source: a small file from which it learns in 60 steps: its loss must fall by three tenths.
        options: options that suit the file, as on the command line, with ``_`` for ``-``.

    Raises:
        LawBroken: the first law that does not hold, and what differs.

    Example:
        >>> from elman.tasks import load
        >>> check_task(load("classify"), "reviews.csv", {"hidden": 8})
        Traceback (most recent call last):
        elman.errors.ElmanError: there is no file reviews.csv; check_task takes a small one from which the task learns
    """
    for check in task_checks(task, source, options):
        check.run()


def task_checks(task: type[Task], source: str | Path, options: Mapping[str, Any] = NONE) -> Iterator[Check]:
    """The single checks of ``check_task``, each with a name; the task is trained once, by the first that needs it."""
    source = Path(source)
    if not (isinstance(task, type) and issubclass(task, Task)):
        raise ElmanError(f"a subclass of elman.training.task.Task is checked, not {task!r}")
    if not source.exists():
        raise ElmanError(f"there is no file {source}; check_task takes a small one from which the task learns")
    example = Example(task, source, options)
    for law in laws(task):
        yield from law.checks(task.__name__, example)


def laws(task: type[Task]) -> list[Law]:
    """The laws that a task is held to."""
    found = [
        the_loss_falls,
        what_is_saved_is_judged_as_before,
        a_killed_run_goes_on_to_the_same_weights,
        a_mistake_is_said_in_one_line,
    ]
    if issubclass(task, Predictor):
        found += [
            loaded_it_answers_the_same,
            a_file_memory_and_a_stream_get_the_same_answers,
            a_row_in_is_a_row_out,
            the_same_rows_get_the_same_answers_from_any_table,
            each_line_is_answered_before_the_next_is_read,
            the_baselines_stand_beside_it,
            the_report_needs_nothing_beside_itself,
        ]
    return [Law(each) for each in found]


class Example:
    """A task with a file to learn from, trained once."""

    def __init__(self, make: type[Task], source: Path, options: Mapping[str, Any]) -> None:
        self.make, self.source, self.options = make, source, options
        self.scratch = Path(tempfile.mkdtemp(prefix="elman-"))
        self.folder = self.scratch / "model"
        weakref.finalize(self, shutil.rmtree, self.scratch, ignore_errors=True)  # it goes when this does

    @cached_property
    def trained(self) -> Task:
        """The task after so many steps; its folder is whole."""
        from elman.training.runs import fit  # Lightning takes seconds to import

        return fit(self.make, self.source, folder=self.folder, **{**self.options, "steps": STEPS})

    @cached_property
    def result(self) -> dict[str, Any]:
        """What came of it, as it is written."""
        assert self.trained
        return read_json(self.folder / RESULT)

    @cached_property
    def predictor(self) -> Predictor:
        """The trained task, which answers rows."""
        assert isinstance(self.trained, Predictor)
        return self.trained

    @cached_property
    def lines(self) -> list[str]:
        """Rows of the example as lines of a stream."""
        evaluation = self.predictor.evaluation(self.source, self.scratch, BadRows())
        found = self.predictor.lines(evaluation, LINES)
        require(0 < len(found) <= LINES, f"lines gives from one to {LINES} lines of {LINES}, not {len(found)}")
        return found

    def loaded(self, folder: Path) -> Task:
        return read_model(folder, lambda _: self.make)


def the_loss_falls(example: Example) -> None:
    before, after = (example.result[when]["loss"] for when in ("before", "after"))
    require(
        after < FALLS_TO * before,
        f"in {STEPS} steps the loss goes from {before:.4g} to {after:.4g}; less than {FALLS_TO * before:.4g} is asked",
    )
    require(example.result["task"] == example.make.name(), f"{RESULT} is of {example.result['task']}, another task")


def what_is_saved_is_judged_as_before(example: Example) -> None:
    result, task = example.result, example.loaded(example.folder)
    read = task.read(task.options, Sources(example.source))
    training = result["training"]
    data = task.data(read, example.scratch, rows=training["batch"], steps=training["bptt"], seed=training["seed"])
    judged = evaluate(task, data.held_out).metrics
    require(judged == result["after"], f"what was saved is judged {judged}, and was {result['after']}")
    judged = evaluate(task, data.test).metrics
    table = result["compared"][task.name()]
    require(judged == table, f"what was saved is judged {judged}, and is {table} in the table")
    part = result["judged_on"]["part"]
    require(data.test_name == part, f"it is judged on the part {data.test_name!r}, and {RESULT} says {part!r}")
    require(part != HELD_OUT or table == result["after"], f"on one part it is judged {table} and {result['after']}")
    load_weights(task, example.folder, UNTRAINED_WEIGHTS)
    judged, untrained = evaluate(task, data.test).metrics, result["compared"][UNTRAINED]
    require(judged == untrained, f"before training it is judged {judged} on that part, and is {untrained} in the table")


def a_killed_run_goes_on_to_the_same_weights(example: Example) -> None:
    from elman.testing.killed import ENDING, train_and_end  # Lightning takes seconds to import
    from elman.training.runs import finish, fit, go_on, trained

    # others each time: any must do
    step, number = SystemRandom().randrange(10, 40), SystemRandom().choice(ENDING)
    options = {**example.options, "steps": 40, "save_every": 0.01, "baselines": False}
    if "dropout" in usual(example.make.Options):
        options["dropout"] = 0.3  # so that there are random numbers to go on with
    whole, cut = example.scratch / "whole", example.scratch / "cut"
    train_and_end(example.make, example.source, cut, step, options, number)
    require(not (cut / RESULT).exists(), f"the killed run has a {RESULT}")
    fit(example.make, example.source, folder=whole, **options)
    run = go_on(example.make, Sources(None), cut, {})
    finish(run, cut, trained(run, cut))

    killed = f"ended by {Signals(number).name} at step {step}: "
    one, other = read_json(cut / RESULT), read_json(whole / RESULT)
    require(one["steps"] == other["steps"] == 40, f"{killed}{one['steps']} steps, not {other['steps']}")
    _assert_same(_weights(example, cut), _weights(example, whole), f"{killed}weights")
    require(one["after"] == other["after"], f"{killed}it is judged {one['after']}, not {other['after']}")
    same = (cut / WEIGHTS).read_bytes() == (whole / WEIGHTS).read_bytes()
    require(same, f"{killed}{WEIGHTS} is another file")


def _weights(example: Example, folder: Path) -> dict[str, Any]:
    """The weights of the best and of the last step, with the optimiser's memory of the last."""
    last = torch.load(folder / "checkpoints" / "last.ckpt", weights_only=True)
    best = example.loaded(folder).state_dict()
    return {"best": dict(best), "last": dict(last["state_dict"]), "optimizer": last["optimizer_states"]}


def _assert_same(one: Any, other: Any, where: str) -> None:
    """Fail, naming where, unless both are the same bit for bit."""
    require(type(one) is type(other), f"{where}: {type(one).__name__}, not {type(other).__name__}")
    if isinstance(one, Tensor):
        require(one.shape == other.shape, f"{where}: shape {list(one.shape)}, not {list(other.shape)}")
        same = torch.equal(one, other)
        require(same, "" if same else f"{where}: off by {float((one - other).abs().max()):.2e}, and must be the same")
    elif isinstance(one, dict):
        require(list(one) == list(other), f"{where}: {list(one)}, not {list(other)}")
        for key in one:
            _assert_same(one[key], other[key], f"{where}.{key}")
    elif isinstance(one, list | tuple):
        require(len(one) == len(other), f"{where}: {len(one)} of them, not {len(other)}")
        for index, (a, b) in enumerate(zip(one, other, strict=True)):
            _assert_same(a, b, f"{where}[{index}]")
    else:
        require(one == other, f"{where}: {one}, not {other}")


def a_mistake_is_said_in_one_line(example: Example) -> None:
    from elman.training.runs import fit  # Lightning takes seconds to import

    nowhere, new = example.scratch / "nowhere.csv", example.scratch / "new"
    mistakes: dict[str, Callable[[], object]] = {
        "to learn from a file that is not there": lambda: fit(
            example.make, nowhere, folder=new, **{**example.options, "steps": 1}
        ),
        "an option that there is not": lambda: fit(example.make, example.source, no_such_option=1),
    }
    if issubclass(example.make, Predictor):
        mistakes["to answer a file that is not there"] = lambda: example.predictor.predict(nowhere)
    for what, mistake in mistakes.items():
        try:
            mistake()
        except ElmanError as error:
            told = str(error)
            require(told != "" and "\n" not in told, f"{what} is not said in one line: {told}")
        else:
            raise AssertionError(f"{what} is no ElmanError")
    require(not new.exists(), "a model folder is left by a run that could not begin")


def loaded_it_answers_the_same(example: Example) -> None:
    expected = example.predictor.predict(example.source)
    require(len(expected) > 0, "there are no answers to the example")
    example.trained.save(example.scratch / "saved")
    for folder in (example.folder, example.scratch / "saved"):
        task = example.loaded(folder)
        assert isinstance(task, Predictor)
        answers = task.predict(example.source)
        same = answers.equals(expected, null_equal=True)
        require(same, "loaded from the folder of the run or from one that was saved, it answers otherwise")


def a_file_memory_and_a_stream_get_the_same_answers(example: Example) -> None:
    lines = example.lines
    try:
        rows = [json.loads(line) for line in lines]
    except ValueError as error:
        raise AssertionError(f"lines are rows in JSON, which {lines[0][:60]!r} is not") from error
    tables: dict[str, Any] = {"memory": rows}
    if all(isinstance(row, dict) for row in rows):
        file = example.scratch / "lines.jsonl"
        file.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
        tables = {"memory": pl.DataFrame(rows), "a file": file}
    said = [json.loads(answer) for answer in example.predictor.stream(lines) if answer]
    for way, table in tables.items():
        answers = example.predictor.predict(table).to_dicts()
        for row, (answer, streamed) in enumerate(_pairs(answers, said)):
            for name in answer.keys() & streamed.keys():
                same = alike(answer[name], streamed[name])
                where = f"{name} of row {row + 1}"
                require(same, f"{where} is {answer[name]} from {way} and {streamed[name]} from a stream")


def a_row_in_is_a_row_out(example: Example) -> None:
    task, rows = example.predictor, [json.loads(line) for line in example.lines]
    if len(task.predict(_together(rows))) != len(rows):
        return  # what is answered is something else, such as the steps that come, or people
    usual = task.predict(_together(rows)).to_dicts()
    for what, odd in _odd(rows):
        lines = [json.dumps(row) for row in odd]
        answers = {"memory": task.predict(_together(odd), skip_bad=True)}
        if _is_table(odd):
            file = example.scratch / "odd.jsonl"
            file.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
            answers["a file"] = task.predict(file, skip_bad=True)
        for way, found in answers.items():
            require(len(found) == len(odd), f"{what}: {len(odd)} rows from {way} get {len(found)} answers")
            for n, row in enumerate(odd) if isinstance(task, RowPredictor) else ():
                if n < len(rows) and row is rows[n]:
                    for name, value in found.row(n, named=True).items():
                        same = name not in usual[n] or alike(value, usual[n][name])
                        require(same, f"{what}: {name} of row {n + 1} from {way} is {value}, not {usual[n].get(name)}")
        said = list(task.stream(lines, skip_bad=True))
        require(len(said) == len(odd), f"{what}: {len(odd)} lines get {len(said)} answers from a stream")


def _odd(rows: list[Any]) -> Iterator[tuple[str, list[Any]]]:
    """Rows of which some are not as they should be, with what is odd about them."""
    yield "each row twice", [*rows, *rows]
    last = len(rows) - 1
    for place in sorted({0, last // 2, last}):
        row = rows[place]
        values: dict[str, Any] = {
            "nothing": None,
            "an empty text": "",
            "what was never seen": "\u2603 never",
            "1e400": "1e400",
        }
        for what, value in values.items():
            for name in row if isinstance(row, dict) else ():
                yield f"{what} in {name} of row {place + 1}", [*rows[:place], {**row, name: value}, *rows[place + 1 :]]
        if isinstance(row, list):
            yield f"row {place + 1} without anything", [*rows[:place], [], *rows[place + 1 :]]


def _is_table(rows: list[Any]) -> bool:
    return all(isinstance(row, dict) and not any(isinstance(v, list | dict) for v in row.values()) for row in rows)


def _together(rows: list[Any]) -> Any:
    """Rows as a table in memory, or as a list where they are none."""
    if not _is_table(rows):
        return rows
    return columns_of({name: [row.get(name) for row in rows] for row in rows[:1] for name in row})


def the_same_rows_get_the_same_answers_from_any_table(example: Example) -> None:
    assert_the_same_from_every_table(example.predictor, example.source, example.scratch)


Row = dict[str, Any]


class _Pair(NamedTuple):
    answer: Row
    streamed: Row


def _pairs(answers: list[Row], said: list[Row]) -> list[_Pair]:
    """Each row of the answers to a table, beside what a stream of the same rows says of it.

    That is one for one; or the rows are the last of what was said with the same names in it, as of each person; or they
    are the parts of the last that was said, as the steps of a forecast.
    """
    require(len(answers) > 0 and len(said) > 0, f"a table gets {len(answers)} answers, a stream {len(said)}")
    shared = answers[0].keys() & said[0].keys()
    require(
        bool(shared), f"the answers to a table, {list(answers[0])}, and to a stream, {list(said[0])}, share no name"
    )
    if len(answers) == len(said):
        return [_Pair(*pair) for pair in zip(answers, said, strict=True)]
    parts = {name: said[-1][name] for name in shared if isinstance(said[-1][name], list)}
    if parts and not any(isinstance(answers[0][name], list) for name in parts):
        lengths = {len(part) for part in parts.values()}
        require(lengths == {len(answers)}, f"a table gets {len(answers)} answers, a stream {lengths}")
        return [_Pair(answer, {name: part[row] for name, part in parts.items()}) for row, answer in enumerate(answers)]
    names = [name for name in shared if isinstance(answers[0][name], str)]
    require(
        bool(names), f"a row in gives a row out: {len(said)} answers from a stream, and {len(answers)} from a table"
    )
    last = {tuple(each[name] for name in names): each for each in said}
    require(len(last) == len(answers), f"a table gets {len(answers)} answers, a stream {len(last)}, by {names}")
    return [_Pair(answer, last[tuple(answer[name] for name in names)]) for answer in answers]


def each_line_is_answered_before_the_next_is_read(example: Example) -> None:
    said: list[str] = []
    read: list[int] = []

    def typed() -> Iterator[str]:
        """Lines, as they are asked for; it notes how much was said by then."""
        for line in example.lines[:5]:
            read.append(len(said))
            yield f"{line}\r\n"
        read.append(len(said))

    for answer in example.predictor.stream(typed()):
        said.append(answer)
        require("\n" not in answer, f"an answer is one line, not {answer!r}")
        if answer:
            json.loads(answer)
    require(read == list(range(len(said) + 1)), f"by the time that each line was read, {read} had been answered")


def the_baselines_stand_beside_it(example: Example) -> None:
    name, *others = table = example.result["compared"]
    require(name == example.make.name(), f"the first of the table is {name}, not {example.make.name()}")
    others = [other for other in others if other != UNTRAINED]
    require(bool(others), "there is no simple method to compare with")
    for other in others:
        more = set(table[other]) - set(table[name])
        require(not more, f"{other} is judged by {more}, and {name} is not")
        require(bool(set(table[other]) - {"loss"}), f"{other} is judged by the loss alone")
    speeds = {f"{example.make.unit}_per_second", "predicted_per_second", "streamed_per_second"}
    require(speeds <= set(example.result), f"{RESULT} lacks {speeds - set(example.result)}")


def the_report_needs_nothing_beside_itself(example: Example) -> None:
    compared = example.result["compared"]
    page = (example.folder / "report.html").read_text(encoding="utf-8")
    sources = re.findall(r"""(?:src|href)\s*=\s*["']([^"']{0,40})""", page)
    require(bool(sources), "the report has no picture")
    outside = [source for source in sources if not source.startswith("data:image/png;base64,")]
    outside += re.findall(r"<(?:script|link|iframe)|@import|url\(", page)
    require(not outside, f"the report needs what lies beside it: {outside}")
    missing = [name for name in compared if name not in page]
    require(not missing, f"the report does not name {missing}")
