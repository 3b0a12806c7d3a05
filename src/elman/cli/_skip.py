"""``--skip-bad`` where all that is bad is left out anyway: alone, or with the word ``all`` as in training."""

from itertools import pairwise
from typing import Any

from elman.cli._help import Command


class Skipping(Command):
    """A command whose switch ``--skip-bad`` may have the word ``all`` behind it."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        kept = [word for before, word in pairwise(["", *args]) if (before, word) != ("--skip-bad", "all")]
        return super().parse_args(ctx, ["--skip-bad" if word == "--skip-bad=all" else word for word in kept])
