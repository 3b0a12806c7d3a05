"""LanguageModel: learns a text or strings, writes, and talks."""

from pathlib import Path
from typing import Any

import polars as pl

from elman.data.memory import opened
from elman.data.text import HeldText, read_whole
from elman.errors import ElmanError
from elman.estimators.base import Estimator, Taken
from elman.estimators.constructors import LanguageModelOptions
from elman.tasks.language.dialogues import Dialogue


class LanguageModel(Estimator, LanguageModelOptions):
    """Learn a text, or strings such as names or molecules, and write more of the kind.

    A text is the name of a file, or itself where it has several lines; strings, one each, are a list. A table has one
    column of texts.

    Example:
        >>> model = LanguageModel(steps=5, hidden=8, batch=2, bptt=8, verbose=False)
        >>> model = model.fit("Of this, and of that.\\n" * 20)
        >>> len(model.generate("Of ", length=10, seed=1))
        10
    """

    takes = (
        "a text of several lines, or the name of a file with one; a list of strings or of texts; a table with one "
        "column of texts; without it, the text of Python's own language reference.",
        "nothing: a LanguageModel learns from the text alone.",
    )

    def _taken(self, X: Any, y: Any, like: Any = None) -> Taken:
        if y is not None:
            raise ElmanError("a LanguageModel learns from the text alone: fit(X)")
        if X is None:
            return Taken(None)
        if isinstance(X, str) and "\n" in X:
            return Taken(HeldText(X))
        if isinstance(X, list | tuple) and X and all(isinstance(each, Path) for each in X):
            return Taken(HeldText("".join(map(read_whole, X)), "the texts"))
        held = opened(X)
        if isinstance(held, Path):
            return Taken(held)
        table = isinstance(held, pl.DataFrame)
        if isinstance(held, pl.DataFrame):
            texts = [name for name, kind in held.schema.items() if kind == pl.String]
            held = held[texts[0]].drop_nulls().to_list() if len(texts) == 1 else []
        if not (isinstance(held, list) and held and all(isinstance(each, str) for each in held)):
            raise ElmanError(
                "this is no text; a LanguageModel takes a file, a text of several lines, a list of strings or of "
                "texts, or a table with one column of texts"
            )
        if any("\n" in each.strip() for each in held):
            return Taken(HeldText("\n\n".join(each.strip("\n") for each in held) + "\n"))
        strings = HeldText("".join(f"{each.strip()}\n" for each in held), "the strings", "row")
        # the rows of a table may be lines of a text as well, which the task tells by looking
        return Taken(strings, {"form": "strings"} if self._option("form") == "auto" and not table else {})

    def generate(
        self,
        prompt: str = "",
        length: int = 500,
        *,
        temperature: float = 0.8,
        top_k: int | None = None,
        top_p: float | None = None,
        seed: int | None = None,
    ) -> str:
        """Write on from a prompt, with a model of a text.

        Args:
            prompt: what stands before.
            length: tokens to write.
            temperature: randomness: 0 takes the likeliest token each time, 1 draws as learnt, more is more varied.
            top_k: draw from this many of the likeliest tokens only.
            top_p: draw from the likeliest tokens that together have this probability only.
            seed: the same seed, the same text.

        Returns:
            The text, without the prompt.
        """
        options: dict[str, Any] = {"temperature": temperature, "top_k": top_k, "top_p": top_p, "seed": seed}
        return "".join(self._fitted().generate(prompt, length, **options))

    def strings(
        self,
        number: int = 10,
        *,
        prompt: str = "",
        max_length: int | None = None,
        temperature: float = 0.8,
        top_k: int | None = None,
        top_p: float | None = None,
        seed: int | None = None,
    ) -> list[str]:
        """Write strings, with a model of strings.

        Args:
            number: how many.
            prompt: what each begins with.
            max_length: tokens of one at most. [a little more than the longest that was learnt]
            temperature: how bold, as ``generate`` has it, with ``top_k``, ``top_p`` and ``seed``.
        """
        options: dict[str, Any] = {"temperature": temperature, "top_k": top_k, "top_p": top_p, "seed": seed}
        return self._fitted().strings(number, prompt=prompt, max_length=max_length, **options)

    def chat(
        self,
        speaker: str | None = None,
        *,
        length: int = 500,
        temperature: float = 0.8,
        top_k: int | None = None,
        top_p: float | None = None,
        seed: int | None = None,
    ) -> Dialogue:
        """Begin a dialogue: ``talk = model.chat()``, then ``talk("Hello.")`` gives the answer, turn by turn.

        Args:
            speaker: who the model is. [the second of those it knows]
            length: tokens of a turn of the model at most.
            temperature: how bold, as ``generate`` has it, with ``top_k``, ``top_p`` and ``seed``.
        """
        options: dict[str, Any] = {"temperature": temperature, "top_k": top_k, "top_p": top_p, "seed": seed}
        return self._fitted().dialogue(speaker, length=length, **options)

    def _figure(self, metrics: dict[str, float]) -> float:
        """How well a text is predicted: minus the bits for each character, so that more is better."""
        return -metrics["bits_per_character"]
