"""``elman cells``: what ``--cell`` takes."""

from typing import Annotated

import typer


def command(as_json: Annotated[bool, typer.Option("--json", help="Print it as JSON.")] = False) -> None:
    """List the recurrences: name, class, states, what is proved of the step, and a sentence."""
    import json

    from elman import cells
    from elman.compiler import proofs
    from elman.compiler.reading import read

    found = []
    for name in cells.names():
        cell = cells.load(name)(2, 2, device="meta")
        extras = tuple((extra, cell.extra_sizes.get(extra, 1)) for extra in cell.extra_inputs)
        program = read(cell, extras).program
        found.append(
            {
                "name": name,
                "class": type(cell).__name__,
                "states": cell.states,
                "extra_inputs": cell.extra_inputs,
                "linear": proofs.linear(program).holds,
                "elementwise": proofs.elementwise(program).holds,
                "about": (type(cell).__doc__ or "").strip().split("\n")[0],
            }
        )
    if as_json:
        print(json.dumps(found, indent=2))
        return
    for each in found:
        proved = [word for word, key in (("linear", "linear"), ("element-wise", "elementwise")) if each[key]]
        states = " ".join(each["states"])
        print(f"{each['name']:17} {each['class']:17} {states:8} {', '.join(proved) or '-':21} {each['about']}")
