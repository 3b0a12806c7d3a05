"""``python -m elman``: the command line."""

from elman.cli.main import script

if __name__ == "__main__":
    script()
