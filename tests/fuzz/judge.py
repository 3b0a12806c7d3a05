"""What a case does, and whether that is right: an answer, or one line of refusal."""

import contextlib
import csv
import io
import json
import re
import sys
import time
import traceback
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edits.edits import Base, attempt
from fuzz.ways import Case, Step, lay
from limits import SECONDS, Late, in_time

import elman
from elman.cli.main import main
from elman.errors import ElmanError, ElmanWarning

PACKAGE = Path(elman.__file__ or "").parent
LONGEST = 800  # characters of a line that is told
WARNING = re.compile(r"^(\S+):(\d+): (\w*Warning): ")
UNSEEN = (DeprecationWarning, PendingDeprecationWarning, ImportWarning, ResourceWarning)  # by people, as Python has it


@dataclass(frozen=True)
class Finding:
    """What is wrong.

    Args:
        kind: the same for the same fault, as far as can be told.
        what: happened, for people.
        step: which of the commands did it.
    """

    kind: str
    what: str
    step: int = 0


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str
    error: BaseException | None
    seconds: float


def judged(case: Case, sound: Sequence[Base], place: Path) -> tuple[str, Finding | None]:
    """Do what a case says in an empty folder; how that ends in a word, and what is wrong with it, if anything is."""
    if case.way == "edit":
        failure = attempt(case.seed, list(sound), place / "edited")
        return ("answered", None) if failure is None else ("failed", Finding(f"edit {failure.use}", str(failure)))
    lay(case.files, place)
    with contextlib.chdir(place):
        if case.script:
            return _of_script(case.script)
        for n, step in enumerate(case.steps):
            ended = done(step)
            if finding := wrong(ended, step, n):
                return "failed", finding
            if ended.code:
                return ("refused" if n == 0 else "answered"), None
    return "answered", None


def done(step: Step) -> Ended:
    """Run a command in this process, as a shell would."""
    out, err = _stream(b""), _stream(b"")
    stdin = _stream(Path(step.stdin).read_bytes() if step.stdin else b"")
    before, began = (sys.stdin, sys.stdout, sys.stderr), time.process_time()
    code, raised = 0, None
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        for each in UNSEEN:
            warnings.simplefilter("ignore", each)
        try:
            sys.stdin, sys.stdout, sys.stderr = stdin, out, err
            with in_time():
                code = main(step.arguments)
        except SystemExit as error:
            code = error.code if isinstance(error.code, int) else 0 if error.code is None else 1
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # whatever it is, it must not be
            raised = error
        finally:
            sys.stdin, sys.stdout, sys.stderr = before
    told, warned = (
        stream.buffer.getvalue().decode("utf-8", "replace") for stream in (out, err) if stream.flush() is None
    )
    return Ended(code, told, warned, raised, time.process_time() - began)


def _stream(data: bytes) -> Any:
    return io.TextIOWrapper(io.BytesIO(data), encoding="utf-8", write_through=True)


def wrong(ended: Ended, step: Step, number: int = 0) -> Finding | None:
    """What is wrong with how a command ended."""
    said = _wrong(ended, step)
    return None if said is None else Finding(*said, number)


def _wrong(ended: Ended, step: Step) -> tuple[str, str] | None:
    verb, lines = step.arguments[0], ended.err.replace("\r", "\n").splitlines()
    if ended.error is not None:
        return of_error(ended.error)
    if ended.seconds > SECONDS:
        return f"late {verb}", f"it took {ended.seconds:.0f} s"
    if ended.code not in (0, 2):
        return f"exit {ended.code} {verb}", f"it ended with {ended.code}: {ended.err[-500:]}"
    if "Traceback" in ended.err:
        return f"traceback {verb}", ended.err[-1000:]
    if long := next((line for line in lines if len(line) > LONGEST), ""):
        return f"long line {verb}", f"a line of {len(long):,} characters: {long[:200]}"
    if warned := next(filter(None, map(WARNING.match, lines)), None):
        return f"warned {Path(warned[1]).name}:{warned[2]}", warned.string
    if ended.code == 2:
        if sum(line.startswith("elman: ") for line in lines[-1:]) != 1:
            return f"untold {verb}", f"its last line is {lines[-1:]}"
        return (f"refused {verb}", f"{step.sure}, and it says {lines[-1]}") if step.sure else None
    return _of_answers(ended.out, step)


def of_error(error: BaseException) -> tuple[str, str]:
    """The place in this package where an error comes from, and its traceback."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if Path(frame.filename).is_relative_to(PACKAGE)]
    where = f"{Path(own[-1].filename).stem}.{own[-1].name}" if own else "elsewhere"
    name = "late" if isinstance(error, Late) else type(error).__name__
    return f"{name} {where}", "".join(traceback.format_exception(error))[-4000:]


def _of_answers(out: str, step: Step) -> tuple[str, str] | None:
    """What is wrong with what was printed."""
    verb, arguments = step.arguments[0], step.arguments
    try:
        if verb == "inspect" and "--json" in arguments:
            json.loads(out, parse_constant=_no_number)
        if verb != "predict":
            return None
        if "--stream" in arguments:
            lines = out.split("\n")[:-1]
            answers = [json.loads(line, parse_constant=_no_number) for line in lines if line]
            size = len(lines)
        elif "jsonl" in arguments:
            answers = [json.loads(line, parse_constant=_no_number) for line in out.split("\n") if line]
            size = len(answers)
        else:
            csv.field_size_limit(sys.maxsize)
            separator = "\t" if "tsv" in arguments else ","
            size = len(list(csv.reader(io.StringIO(out, newline=""), delimiter=separator))) - 1
    except (ValueError, csv.Error) as error:
        return f"unreadable {verb}", f"what it prints cannot be read: {error}: {out[:300]!r}"
    if step.rows is not None and size != step.rows:
        return (
            f"rows {verb}{' --stream' if '--stream' in arguments else ''}",
            f"{step.rows} rows went in, {size} came out",
        )
    return None


def _no_number(name: str) -> float:
    raise ValueError(f"{name} is no JSON")


def _of_script(text: str) -> tuple[str, Finding | None]:
    """What is wrong with how some lines of Python end: with an error of ours, or not at all."""
    began = time.process_time()
    with _unseen() as warned:
        try:
            with in_time():
                exec(compile(text, "script", "exec"), {"__name__": "script"})
        except ElmanError as error:
            if len(str(error)) > LONGEST:
                return "failed", Finding(
                    "long error", f"an error of {len(str(error)):,} characters: {str(error)[:300]}"
                )
            return "refused", None
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # whatever it is, it must not be
            return "failed", Finding(*of_error(error))
    others = [each for each in warned if not issubclass(each.category, (ElmanWarning, *UNSEEN))]
    if others:
        where = f"{Path(others[0].filename).name}:{others[0].lineno}"
        return "failed", Finding(f"warned {where}", f"{where}: {others[0].category.__name__}: {others[0].message}")
    if time.process_time() - began > SECONDS:
        return "failed", Finding("late script", f"it took {time.process_time() - began:.0f} s")
    return "answered", None


@contextlib.contextmanager
def _unseen() -> Iterator[list[warnings.WarningMessage]]:
    unseen = io.StringIO()
    with warnings.catch_warnings(record=True) as warned, contextlib.redirect_stdout(unseen):
        warnings.simplefilter("always")
        with contextlib.redirect_stderr(unseen):
            yield warned
