"""``elman cells``: what ``--cell`` takes."""


def command() -> None:
    """List the recurrences."""
    from elman import cells

    for name in cells.names():
        print(f"{name:20} {(cells.load(name).__doc__ or '').strip().splitlines()[0]}")
