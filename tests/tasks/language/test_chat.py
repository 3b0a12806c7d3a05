"""Dialogues: how the speakers are found, how a turn is answered, what is kept from turn to turn."""

import io
import logging
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from elman.cli.main import main
from elman.errors import ElmanError
from elman.tasks.language.dialogues import choose_speakers, find_speakers
from elman.tasks.language.task import LanguageOptions, LanguageTask
from elman.training.task import Sources

TALK = (
    "YOU: one?\nTHEM: two.\nYOU: three?\nTHEM: four it is.\n\nYOU: three?\nTHEM: four it is.\nYOU: one?\nTHEM: two.\n\n"
)
LETTERS = "".join(sorted(set(TALK)))


def model(**vocabulary: Any) -> LanguageTask:
    torch.manual_seed(0)
    known = {"tokens": "characters", "characters": LETTERS, **vocabulary}
    return LanguageTask(LanguageOptions(hidden=16, embedding=8, cell="gru"), known).eval()


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model that knows its dialogues by heart."""
    folder = tmp_path_factory.mktemp("chat")
    source, out = folder / "talk.txt", folder / "model"
    source.write_text(TALK * 40, encoding="utf-8")
    options = "--hidden 48 --embedding 16 --batch 4 --bptt 32 --lr 0.02 --warmup 5 --dropout 0 --steps 150"
    assert main(["train", "language", "--data", str(source), "--out", str(out), *options.split()]) == 0
    return out


@pytest.mark.parametrize(
    ("text", "names"),
    [
        (TALK, ["YOU", "THEM"]),
        ("B: x\nA: x\nA: y\nC: z\nC: z\nA: y\nB: z\nB:\nB: x\n", ["B", "A", "C"]),
        ("Dr. Who: hm\nx\nDr. Who: ah\nA: b\nA: b\ny\n", ["Dr. Who", "A"]),
        ("ONE: x\nONE: y\nONE: z\n", []),
        ("A: b\nB: c\nA: d\nB: e\n" + "a line\n" * 4, []),
        ("First Citizen:\nBefore we proceed any further, hear me speak.\n\nAll:\nSpeak, speak.\n\n" * 3, []),
        ("12:30\n13:30\n" * 9, []),
        ("".join(f"{n} of them: x\n" * 2 for n in range(300)), []),
        ("", []),
    ],
    ids=["two", "three", "long-name", "one", "half", "names-alone", "times", "too-many", "nothing"],
)
def test_speakers_are_found(text: str, names: list[str]) -> None:
    assert find_speakers(text) == names


def test_speakers_are_announced_and_kept(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    source, options = tmp_path / "talk.txt", LanguageOptions()
    source.write_text(TALK * 3, encoding="utf-8")
    with caplog.at_level(logging.INFO, "elman"):
        vocabulary = LanguageTask.learn(options, LanguageTask.read(options, Sources(source)))
    assert "a dialogue, in turns of YOU, THEM" in caplog.text
    assert vocabulary["speakers"] == ["YOU", "THEM"]
    assert vocabulary["parted"] is True
    source.write_text("No dialogue.\n" * 20, encoding="utf-8")
    assert set(LanguageTask.learn(options, LanguageTask.read(options, Sources(source)))) == {"tokens", "characters"}


def test_who_speaks_can_be_said_and_must_be_known() -> None:
    def chosen(*wished: str | None) -> tuple[str, str]:
        names = choose_speakers(["A", "B", "C"], *wished)
        return names.model, names.other

    assert chosen(None, None) == ("B", "A")
    assert chosen("A", None) == ("A", "B")
    assert chosen("C", None) == ("C", "A")
    assert chosen(None, "B") == ("A", "B")
    assert chosen("A", "C") == ("A", "C")
    with pytest.raises(ElmanError, match="two speakers, not both 'A'"):
        chosen("A", "A")
    with pytest.raises(ElmanError, match="the model knows no speaker 'D'; it knows A, B, C"):
        chosen("D", None)
    with pytest.raises(ElmanError, match="no speaker 'A'; the text it learnt had no turns with names"):
        model().dialogue("A")


@pytest.mark.parametrize("named", [True, False], ids=["named", "nameless"])
def test_a_dialogue_is_read_once_and_goes_on_as_a_whole_pass_over_it_would(named: bool) -> None:
    task = model(**({"speakers": ["YOU", "THEM"], "parted": True} if named else {}))
    seen: list[int] = []

    def counted(tokens: torch.Tensor, state: Any) -> Any:
        seen.extend(tokens[0].tolist())
        return task(tokens, state)

    talk = task.dialogue(temperature=0, length=6)
    talk.model = counted
    history = "\n\n" if named else "\n"
    for turn in ("one?", "three?", "", "  one?\nthree?", "o" * 1300):
        answer = "".join(talk.say(turn))
        said = " ".join(turn.split("\n")).strip()
        history += (f"YOU: {said}\n" if named else f"{said}\n") if said else ""
        history += "THEM:" if named else ""
        written = ""
        while len(written) < 6 and not written.endswith("\n"):  # the slow truth: everything is read again for a token
            logits, _ = task(torch.from_numpy(task.tokenizer.encode(history + written))[None])
            written += task.tokenizer.decode([int(logits[0, -1].argmax())])
        assert answer == (written.lstrip(" ") if named or written[0] == " " else written).rstrip("\n")
        history += written if written.endswith("\n") else written + "\n"
    assert history.startswith(task.tokenizer.decode(seen))
    assert len(history) - len(seen) <= 2  # the last token, and the end of a turn that was cut


def test_a_turn_that_is_not_heard_to_its_end_is_ended() -> None:
    task = model(speakers=["YOU", "THEM"])
    with torch.no_grad():
        task.bias[task.tokenizer.encode("\n")] = -99.0  # so that it does not end by itself
    talk = task.dialogue(temperature=1, seed=3)
    assert next(talk.say("one?"))
    assert talk.speaking
    turn = talk.say("three?")
    cut = task.tokenizer.decode(talk.unread)
    assert cut[1:] == "\nYOU: three?\n"
    "".join(turn)


def test_the_same_seed_gives_the_same_answers() -> None:
    def answers(seed: int) -> list[str]:
        talk = model().dialogue(seed=seed, length=20)
        return ["".join(talk.say(turn)) for turn in ("one?", "two.")]

    assert answers(1) == answers(1) != answers(2)


def test_characters_that_the_vocabulary_lacks_are_left_out_and_told(caplog: pytest.LogCaptureFixture) -> None:
    odd, plain = model().dialogue(temperature=0, length=9), model().dialogue(temperature=0, length=9)
    assert "".join(odd.say("ÜoneÄ?Ü")) == "".join(plain.say("one?"))
    assert "left out, since the vocabulary lacks it: 'Ä', 'Ü'" in caplog.text
    assert caplog.text.count("left out") == 1


class Terminal(io.StringIO):
    """Standard input of a person."""

    def isatty(self) -> bool:
        return True


def test_chatting_from_a_pipe(trained: Path, capsys: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    data = "one?\r\nthrÜee?\r\none?\n".encode() + b"\xff\none?"
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data), encoding="ascii"))
    capsys.readouterr()
    assert main(["chat", str(trained), "--temperature", "0"]) == 0
    said = capsys.readouterr()
    lines = said.out.splitlines()
    assert len(lines) == 5
    assert lines[:3] == ["two.", "four it is.", "two."]
    assert said.err.splitlines() == [
        "left out, since the vocabulary lacks it: 'Ü'",
        "left out, since the vocabulary lacks it: '\N{REPLACEMENT CHARACTER}'",
    ]


def test_chatting_at_a_terminal_and_as_another(trained: Path, capsys: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", Terminal("one?\nthree?\none?\n"))
    capsys.readouterr()
    assert main(["chat", str(trained), "--temperature", "0", "--turns", "2"]) == 0
    assert capsys.readouterr().out == "YOU> THEM: two.\nYOU> THEM: four it is.\n"
    monkeypatch.setattr(sys, "stdin", Terminal(""))
    assert main(["chat", str(trained), "--speaker", "YOU"]) == 0
    assert capsys.readouterr().out == "THEM> \n"
    monkeypatch.setattr(sys, "stdin", io.StringIO("one?\n"))
    assert main(["chat", str(trained), "--length", "1", "--temperature", "0"]) == 0
    assert len(capsys.readouterr().out) <= 2


def test_ctrl_c_ends_quietly(trained: Path, capsys: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    class Interrupted(io.StringIO):
        def readline(self, size: int = -1) -> str:
            raise KeyboardInterrupt

    monkeypatch.setattr(sys, "stdin", Interrupted())
    capsys.readouterr()
    assert main(["chat", str(trained)]) == 0
    said = capsys.readouterr()
    assert said.out.strip() == said.err == ""


def test_models_with_which_there_is_no_talking(trained: Path, tmp_path: Path, capsys: Any) -> None:
    known = {"tokens": "characters", "characters": "\nab", "form": "strings", "longest": 3, "molecules": False}
    LanguageTask(LanguageOptions(hidden=8), {**known, "known": ""}).save(tmp_path / "strings")
    for arguments, message in (
        ([str(tmp_path / "strings")], "was trained on strings"),
        ([str(trained), "--speaker", "HER"], "the model knows no speaker 'HER'; it knows YOU, THEM"),
        ([str(trained), "--top-p", "2"], "--top-p is at most 1, not 2"),
        ([str(tmp_path / "none")], "there is no model folder"),
    ):
        capsys.readouterr()
        assert main(["chat", *arguments]) == 2
        said = capsys.readouterr().err
        assert message in said
        assert said.count("\n") == 1
