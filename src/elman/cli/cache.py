"""``elman cache``: the compiled kernels on disk."""

from typing import Annotated

import typer


def command(
    clear: Annotated[
        bool, typer.Option("--clear", help="Delete them; they are compiled again when they are needed.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print it as JSON.")] = False,
) -> None:
    """Show the compiled kernels that are kept on disk, or delete them."""
    import json
    import re
    from collections import Counter

    from elman.compiler import store

    entries = store.entries()
    # the first word of a key says of what kind it is
    kinds = Counter("damaged" if e.key is None else re.split(r"\W", e.key)[0].lower() for e in entries)
    if clear:
        store.clear()
    found = {"folder": str(store.folder()), "entries": len(entries), "bytes": sum(e.bytes for e in entries)}
    if as_json:
        print(json.dumps({**found, "kinds": dict(sorted(kinds.items())), "cleared": clear}))
        return
    print(f"{'cleared' if clear else 'folder'}  {found['folder']}")
    print(f"kernels {found['entries']:,}, {found['bytes'] / 1e6:.1f} MB")
    for kind, count in sorted(kinds.items()):
        print(f"  {kind:16} {count:,}")
