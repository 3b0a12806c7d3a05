"""Signals: what is at work is finished first, what was cut goes on to the same weights, no handler is lost."""

import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
import pytest
import torch

from elman.tasks.classify.task import ClassifyTask
from elman.training import loop
from elman.training.folders import read_json
from elman.training.loop import train
from elman.training.runs import begin, finish, fit, go_on, searched, trained
from elman.training.settings import Budget, Training
from elman.training.signals import ENDING, Ends, Terminated, ended_by_signals, put_off
from elman.training.task import Sources
from tests.tasks.classify.test_classify import example
from tests.training.test_training import Seen, last, made

RARELY = Training(batch=2, bptt=8, lr=0.01, warmup=4, save_every=1000.0)
BUDGET = Budget(steps=16, patience=1)


def run(folder: Path, budget: Budget = BUDGET, **more: Any) -> dict[str, Any]:
    task, data = made(folder)
    train(task, data, folder, RARELY, budget, **more)
    return last(folder)


def assert_same(one: dict[str, Any], other: dict[str, Any]) -> None:
    for name, value in one["state_dict"].items():
        assert torch.equal(value, other["state_dict"][name]), name
    for kept in (one, other):
        kept["elman"]["progress"] = {
            k: v for k, v in kept["elman"]["progress"].items() if k in ("step", "best", "ended")
        }
    assert one["elman"]["progress"] == other["elman"]["progress"]


@pytest.mark.parametrize("number", ENDING)
def test_a_signal_ends_the_run_behind_its_step(number: int, tmp_path: Path) -> None:
    whole = run(tmp_path / "whole", Budget(steps=12))
    with ended_by_signals(), pytest.raises((KeyboardInterrupt, Terminated)) as raised:
        run(tmp_path / "cut", Budget(steps=12), callbacks=(Seen(5, lambda _: signal.raise_signal(number)),))
    assert isinstance(raised.value, KeyboardInterrupt) == (number == signal.SIGINT)
    assert last(tmp_path / "cut")["elman"]["progress"]["step"] == 5
    assert_same(whole, run(tmp_path / "cut", Budget(steps=12), resume=True))


@pytest.mark.parametrize("nth", [0, 1, 2, 3])
def test_a_judgement_is_broken_off_and_made_up_for(nth: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The one before the first step, from which there is nothing to go on with; one on the way; and the last."""
    usual, calls, steps = loop.evaluate, [], Budget(steps=16)
    whole = run(tmp_path / "whole", steps)

    def evaluate(*args: Any) -> Any:
        calls.append(args)
        if len(calls) == nth + 1:
            signal.raise_signal(signal.SIGTERM)
            raise AssertionError("the judgement goes on")
        return usual(*args)

    monkeypatch.setattr(loop, "evaluate", evaluate)
    monkeypatch.setattr(loop._Run, "_judging_is_due", lambda self: self.progress.step % 6 == 0)
    with ended_by_signals(), pytest.raises(Terminated):
        run(tmp_path / "cut", steps)
    monkeypatch.setattr(loop, "evaluate", usual)
    assert (tmp_path / "cut" / "checkpoints" / "last.ckpt").exists() == (nth > 0)
    cut = run(tmp_path / "cut", steps, resume=nth > 0)
    monkeypatch.undo()
    assert cut["elman"]["progress"]["step"] == 16
    assert cut["elman"]["progress"]["due"] is False
    rates = [[group["lr"] for group in each["optimizer_states"][0]["param_groups"]] for each in (cut, whole)]
    assert rates[0] == rates[1]
    for name, value in whole["state_dict"].items():
        assert torch.equal(value, cut["state_dict"][name]), name


def test_a_run_that_patience_ended_is_over_unless_it_is_given_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loop, "improved", lambda *_: False)
    whole = run(tmp_path, replace(BUDGET, steps=400))
    assert "no better" in whole["elman"]["progress"]["ended"]
    task, data = made(tmp_path)
    again = train(task, data, tmp_path, RARELY, replace(BUDGET, steps=400), resume=True)
    assert again.step == whole["elman"]["progress"]["step"]
    assert train(task, data, tmp_path, RARELY, replace(BUDGET, steps=400, patience=3), resume=True).step > again.step


def test_a_run_that_was_cut_before_its_first_step_begins_as_it_did(tmp_path: Path) -> None:
    source, options = example(tmp_path)
    given = {**options, "steps": 6, "baselines": False}
    for name in ("whole", "cut"):
        begin(ClassifyTask, Sources(source), tmp_path / name, given)
    whole = trained(go_on(ClassifyTask, Sources(None), tmp_path / "whole", {}), tmp_path / "whole")
    assert whole.step == 6
    torch.rand(7)  # whatever was drawn before
    model = fit(ClassifyTask, source, folder=tmp_path / "at once", **given)
    again = go_on(ClassifyTask, Sources(None), tmp_path / "cut", {})
    trained(again, tmp_path / "cut")
    for name, value in model.state_dict().items():
        assert torch.equal(value, again.task.state_dict()[name]), name


@pytest.mark.parametrize("at", [1, 2, 3])
def test_a_search_that_was_cut_tries_and_finds_the_same(
    at: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, options = example(tmp_path)
    given = {**options, "steps": 8, "baselines": False, "search": 3}
    fit(ClassifyTask, source, folder=tmp_path / "whole", **given)

    from elman.training import trials

    usual, calls = trials.attempt, []

    def attempt(*args: Any) -> Any:
        calls.append(args)
        if len(calls) == at:
            signal.raise_signal(signal.SIGTERM)
        return usual(*args)

    monkeypatch.setattr(trials, "attempt", attempt)
    out = tmp_path / "cut"
    run = begin(ClassifyTask, Sources(source), out, given)
    with ended_by_signals(), pytest.raises(Terminated):
        searched(run, out)
    run = searched(go_on(ClassifyTask, Sources(None), out, {}), out)
    finish(run, out, trained(run, out))
    one, other = (read_json(tmp_path / name / "result.json") for name in ("whole", "cut"))
    assert one["options"] == other["options"]
    assert one["after"] == other["after"]
    same = [(tmp_path / name / "model.safetensors").read_bytes() for name in ("whole", "cut")]
    assert same[0] == same[1]


def test_a_program_keeps_its_own_handlers(tmp_path: Path) -> None:
    told: list[int] = []
    seen: list[Any] = []

    def look(module: Any) -> None:
        seen.extend(signal.getsignal(number) for number in ENDING)
        signal.raise_signal(signal.SIGTERM)

    def own(number: int, frame: Any) -> None:
        told.append(number)

    usual = {number: signal.signal(number, own) for number in ENDING}
    try:
        kept = run(tmp_path, Budget(steps=6), callbacks=(Seen(3, look),))
        assert [signal.getsignal(number) for number in ENDING] == seen == [own] * len(ENDING)
    finally:
        for number, handler in usual.items():
            signal.signal(number, handler)
    assert told == [signal.SIGTERM]
    assert kept["elman"]["progress"]["step"] == 6


def test_ctrl_c_that_another_raises_goes_through(tmp_path: Path) -> None:
    class Raising(pl.Callback):
        def on_train_batch_start(self, trainer: Any, pl_module: Any, batch: Any, batch_idx: int) -> None:
            raise KeyboardInterrupt

    usual = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path, callbacks=(Raising(),))
    assert signal.getsignal(signal.SIGINT) is usual


def test_a_thread_leaves_signals_alone(tmp_path: Path) -> None:
    usual, found = [signal.getsignal(number) for number in ENDING], []

    def work() -> None:
        with ended_by_signals():
            found.append(run(tmp_path, Budget(steps=3)))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert found[0]["elman"]["progress"]["step"] == 3
    assert [signal.getsignal(number) for number in ENDING] == usual


def test_what_is_ignored_stays_ignored() -> None:
    usual = signal.signal(signal.SIGTERM, signal.SIG_IGN)  # as nohup does with SIGHUP
    try:
        with ended_by_signals():
            assert signal.getsignal(signal.SIGTERM) is signal.SIG_IGN
            assert isinstance(signal.getsignal(signal.SIGINT), Ends)
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    finally:
        signal.signal(signal.SIGTERM, usual)


def test_the_first_is_put_off_and_the_second_is_not() -> None:
    kept: list[BaseException] = []
    with put_off(kept.append):
        signal.raise_signal(signal.SIGINT)
        assert len(kept) == 1
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


TWICE = """
import signal
from pathlib import Path
from elman.data.files import written_aside
from elman.training.signals import ended_by_signals, put_off
with ended_by_signals(), put_off(lambda error: None), written_aside(Path("kept.txt")) as aside:
    aside.write_text("half of it")
    signal.raise_signal(signal.{0})
    signal.raise_signal(signal.{0})
    print("still here", flush=True)
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_that_comes_while_an_object_goes_is_raised_behind_that(number: int) -> None:
    class Going:
        def __del__(self) -> None:
            signal.raise_signal(number)

    def let_go() -> None:
        Going()
        time.sleep(5)

    started = time.monotonic()
    with pytest.raises((Terminated, KeyboardInterrupt)), ended_by_signals():
        let_go()
    assert time.monotonic() - started < 4


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
def test_twice_ends_the_program_at_once_and_files_stay_whole(name: str, tmp_path: Path) -> None:
    (tmp_path / "kept.txt").write_text("whole")
    code = TWICE.format(name)
    ended = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, env=os.environ)
    assert ended.returncode == 128 + getattr(signal, name), ended.stderr
    assert ended.stdout == ended.stderr == ""
    assert (tmp_path / "kept.txt").read_text() == "whole"


@pytest.mark.skipif(not hasattr(signal, "siginterrupt"), reason="signals end what waits of themselves there")
def test_what_waits_for_input_ends_whatever_a_library_did_about_signals() -> None:
    script = (
        "import os, signal, sys\n"
        "from elman.system import break_off_waiting; from elman.training.signals import ended_by_signals\n"
        "with ended_by_signals():\n"
        "    signal.siginterrupt(signal.SIGINT, False)\n"
        "    break_off_waiting()\n"
        "    print('waits', flush=True)\n"
        "    sys.stdin.readline()\n"
    )
    command = [sys.executable, "-c", script]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(0.2)
        process.send_signal(signal.SIGINT)
        try:
            process.wait(timeout=20)
        finally:
            process.kill()
        assert process.returncode == -signal.SIGINT
