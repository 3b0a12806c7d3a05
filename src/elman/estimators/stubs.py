"""``python -m elman.estimators.stubs`` writes ``constructors.pyi``, by which an editor knows every option."""

import inspect
import textwrap
from pathlib import Path
from typing import Any

from elman.data.files import written_aside
from elman.estimators.options import CONSTRUCTORS, Argument, arguments, documented

STUB = Path(__file__).with_name("constructors.pyi")
HEAD = '''"""The constructors of the estimators as an editor reads them: written by ``make stubs`` from the options."""

from pathlib import Path
from typing import Any, ClassVar

from elman.estimators.options import Constructor
'''


def stub() -> str:
    """The text of the stub."""
    return "\n".join([HEAD, *(_class(name, arguments(each)) for name, each in CONSTRUCTORS.items())])


def _class(name: str, found: list[Argument]) -> str:
    lines = [f"class {name}:", "    constructor: ClassVar[Constructor]"]
    lines += [f"    {each.name}: {_kind(each.kind)}" for each in found]
    lines += ["    def __init__(", "        self,", "        *,"]
    lines += [f"        {each.name}: {_kind(each.kind)} = {_value(each.default)}," for each in found]
    lines += ["    ) -> None:"]
    first, *rest = documented(found).splitlines()
    lines += [f'        """{first}']
    for line in rest:
        wide = len(line) - len(line.lstrip())
        lines += textwrap.wrap(line, 120, initial_indent=" " * (8 + wide), subsequent_indent=" " * (12 + wide)) or [""]
    return "\n".join([*lines, '        """', ""])


def _kind(kind: Any) -> str:
    return inspect.formatannotation(kind).replace("typing.", "").replace("pathlib.", "")


def _value(value: Any) -> str:
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    if isinstance(value, float):
        return f"{value!r}".replace("e-0", "e-")
    return f"{value:_}" if isinstance(value, int) and not isinstance(value, bool) and value >= 10_000 else repr(value)


def main() -> None:
    """Write the stub."""
    with written_aside(STUB) as aside:
        aside.write_text(stub(), encoding="utf-8")


if __name__ == "__main__":
    main()
