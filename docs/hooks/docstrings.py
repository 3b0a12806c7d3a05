"""Docstrings as mkdocstrings takes them: an ``Example:`` of ours is code, as its ``Examples:`` is."""

import re
from typing import Any

import griffe


class Examples(griffe.Extension):
    """Show what stands under ``Example:`` as code where it is a doctest."""

    def on_instance(self, *, obj: griffe.Object, **kwargs: Any) -> None:
        if obj.docstring is not None:
            obj.docstring.value = re.sub(r"^(\s*)Example:(\n\s+>>>)", r"\1Examples:\2", obj.docstring.value, flags=re.M)
